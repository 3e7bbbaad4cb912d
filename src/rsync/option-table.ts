/**
 * Every option a client may hand to a receiver, and what becomes of it: carried, with what it sets, or refused, with the
 * reason. What is not here is refused as unknown. docs/options.md is made from this table by hand.
 */
import {
  type Flag,
  flag,
  NO_FILES,
  NO_SHELL,
  noEffect,
  noEffectWith,
  type OptionSpec,
  type Refused,
  refused,
  refusedWithValue,
  SENDING,
  type Valued,
  valued,
} from './option-spec.ts';
import { OTHER_SPELLINGS } from './option-spellings.ts';
import { infoLevels, integer, names, size, text } from './option-values.ts';
import type { AltDestKind, ServerOptions } from './options.ts';

export type { Valued } from './option-spec.ts';

/** So many directories to compare with a stock receiver takes. */
export const MOST_ALT_DESTS = 20;

/** Given several times, its values add up; one too many is noted, no more. */
function altDest(kind: AltDestKind): Valued {
  return {
    carried: true,
    takesValue: true,
    read: (given, { altDests }) => {
      if (text(given) === undefined) return undefined;
      return altDests.length > MOST_ALT_DESTS ? {} : { altDests: [...altDests, { kind, path: given }] };
    },
  };
}

const INT_MAX = 0x7fffffff;
const seconds = integer(0, INT_MAX);
/** Blocks longer than the protocol allows are no blocks; 0 is "choose one". */
const blockLength = integer(0, 1 << 29);
const int32 = integer(-0x80000000, INT_MAX);

/** Letters of the bundle before `e`. Repeated ones that mean more are counted in options.ts. */
export const SHORT_OPTIONS: ReadonlyMap<string, Flag | Refused> = new Map<string, Flag | Refused>([
  ['s', noEffect],
  ['v', noEffect],
  ['q', flag({ quiet: true })],
  ['n', flag({ dryRun: true })],
  ['l', flag({ links: true })],
  ['d', flag({ dirs: true })],
  ['r', flag({ recursive: true })],
  ['R', flag({ relative: true })],
  ['H', flag({ hardLinks: true })],
  ['p', flag({ perms: true })],
  ['E', flag({ executability: true })],
  ['o', flag({ owner: true })],
  ['g', flag({ group: true })],
  ['D', flag({ devices: true, specials: true })],
  ['t', flag({ times: true })],
  ['U', flag({ atimes: true })],
  ['O', flag({ omitDirTimes: true })],
  ['J', flag({ omitLinkTimes: true })],
  ['A', flag({ acls: true, perms: true })],
  ['X', flag({ xattrs: true })],
  ['c', flag({ checksum: true })],
  ['W', flag({ wholeFile: true })],
  ['I', flag({ ignoreTimes: true })],
  ['u', flag({ update: true })],
  ['S', flag({ sparse: true })],
  ['x', flag({ oneFileSystem: true })],
  ['C', flag({ cvsExclude: true })],
  ['z', flag({ compress: 'negotiated' })],
  ['b', flag({ backup: true })],
  ['y', noEffect],
  ['m', flag({ pruneEmptyDirs: true })],
  ['N', refused('receivers on Linux keep no creation times', '--crtimes')],
  ['K', flag({ keepDirlinks: true })],
  ['k', refused(SENDING)],
  ['L', refused(SENDING)],
  ['T', refused('it is sent as --temp-dir')],
  ['f', refused('filter rules come over the connection, not as arguments')],
  ['F', refused('filter rules come over the connection, not as arguments')],
]);

/** Letters that take the rest of their argument, or the next one, as value. */
export const SHORT_WITH_VALUE: ReadonlyMap<string, string> = new Map([
  ['B', '--block-size'],
  ['@', '--modify-window'],
  ['M', '--remote-option'],
]);

export const LONG_OPTIONS: ReadonlyMap<string, OptionSpec> = new Map<string, OptionSpec>([
  ['--sender', noEffect],

  // what to transfer and compare
  ['--no-r', flag({ recursive: false })],
  ['--dirs', flag({ dirs: true })],
  ['--relative', flag({ relative: true })],
  ['--no-relative', flag({ relative: false })],
  ['--no-implied-dirs', flag({ impliedDirs: false })],
  ['--checksum', flag({ checksum: true })],
  ['--size-only', flag({ sizeOnly: true })],
  ['--ignore-times', flag({ ignoreTimes: true })],
  ['--update', flag({ update: true })],
  ['--existing', flag({ ignoreNonExisting: true })],
  ['--ignore-non-existing', flag({ ignoreNonExisting: true })],
  ['--ignore-existing', flag({ ignoreExisting: true })],
  ['--modify-window', valued(integer(-1, INT_MAX), (modifyWindow) => ({ modifyWindow }))],
  ['--copy-unsafe-links', noEffect],
  ['--mkpath', flag({ mkpath: true })],
  ['--max-size', valued(size, (maxSize) => ({ maxSize }))],
  ['--min-size', valued(size, (minSize) => ({ minSize }))],
  ['--prune-empty-dirs', flag({ pruneEmptyDirs: true })],
  ['--safe-links', flag({ safeLinks: true })],
  ['--list-only', flag({ listOnly: true })],
  ['--ignore-missing-args', noEffect],
  ['--files-from', refusedWithValue(NO_FILES)],
  ['--from0', refused(NO_FILES)],

  // attributes
  ['--specials', flag({ specials: true })],
  ['--no-specials', flag({ specials: false })],
  ['--devices', flag({ devices: true })],
  ['--no-devices', flag({ devices: false })],
  ['--numeric-ids', flag({ numericIds: true })],
  ['--super', noEffect],
  ['--open-noatime', noEffect],
  ['--fake-super', noEffect],
  ['--usermap', valued(text, (userMap) => ({ userMap }))],
  ['--groupmap', valued(text, (groupMap) => ({ groupMap }))],
  ['--chown', refusedWithValue('not with -M: the client sends it as --usermap and --groupmap')],
  ['--chmod', refusedWithValue('not with -M: the client changes the modes that it sends')],
  ['--iconv', valued(text, (iconv) => ({ iconv }))],
  ['--crtimes', refused('receivers on Linux keep no creation times')],

  // deletion
  ['--delete', flag({ deletes: true })],
  ['--delete-before', flag({ deletes: true, deleteMode: 'before' })],
  ['--delete-during', flag({ deletes: true, deleteMode: 'during' })],
  ['--delete-delay', flag({ deletes: true, deleteMode: 'delay' })],
  ['--delete-after', flag({ deletes: true, deleteMode: 'after' })],
  ['--delete-excluded', flag({ deletes: true, deleteExcluded: true })],
  ['--ignore-errors', flag({ ignoreErrors: true })],
  ['--force', flag({ force: true })],
  ['--max-delete', valued(int32, (most) => ({ maxDelete: Math.max(0, most) }))],
  ['--delete-missing-args', flag({ deleteMissingArgs: true })],
  ['--remove-source-files', flag({ removesSource: 'all' })],
  ['--remove-sent-files', flag({ removesSource: 'sent' })],

  // how content is transferred
  ['--whole-file', flag({ wholeFile: true })],
  ['--no-W', flag({ wholeFile: false })],
  ['--no-whole-file', flag({ wholeFile: false })],
  ['--inplace', flag({ inplace: true })],
  ['--partial', flag({ partial: true })],
  ['--sparse', flag({ sparse: true })],
  ['--preallocate', noEffect],
  ['--fsync', noEffect],
  ['--block-size', noEffectWith(blockLength)],
  ['--bwlimit', noEffectWith(integer(0, INT_MAX))],
  ['--timeout', valued(seconds, (timeout) => ({ timeout }))],
  ['--max-alloc', noEffectWith(size)],
  ['--use-qsort', flag({ useQsort: true })],
  ['--qsort', flag({ useQsort: true })],
  ['--checksum-choice', valued(names, checksumChoice)],
  ['--checksum-seed', valued(int32, (seed) => ({ checksumSeed: seed }))],
  ['--compress-choice', valued(names, compressChoice)],
  ['--new-compress', flag({ compress: 'negotiated', compressChoice: 'zlibx' })],
  ['--old-compress', flag({ compress: 'negotiated', compressChoice: 'zlib' })],
  ['--compress-level', valued(int32, (level) => ({ compress: 'negotiated', compressLevel: level }))],
  ['--compress-threads', noEffectWith(integer(0, 128))],
  ['--skip-compress', noEffectWith(text)],
  ['--append', flag({ append: 'trusting' })],
  ['--append-verify', flag({ append: 'verifying' })],
  ['--fuzzy', flag({ fuzzy: 1 })],
  ['--partial-dir', valued(text, (partialDir) => ({ partialDir }))],
  ['--delay-updates', flag({ delayUpdates: true })],
  ['--backup', flag({ backup: true })],
  ['--backup-dir', valued(text, (backupDir) => ({ backup: true, backupDir }))],
  ['--suffix', valued(text, (suffix) => ({ suffix }))],
  ['--link-dest', altDest('link')],
  ['--copy-dest', altDest('copy')],
  ['--compare-dest', altDest('compare')],
  ['--write-devices', refused('nothing is ever written to a device here')],
  ['--copy-devices', refused(SENDING)],

  // what is told
  ['--secluded-args', noEffect],
  ['--protect-args', noEffect],
  ['--stats', noEffect],
  ['--progress', noEffect],
  ['--msgs2stderr', noEffect],
  ['--no-msgs2stderr', noEffect],
  ['--stderr', noEffectWith(text)],
  ['--log-format', valued(text, (logFormat) => ({ logFormat }))],
  ['--info', valued(infoLevels, (info) => ({ info }))],
  ['--debug', noEffectWith(text)],

  // files and programs of the server
  ['--temp-dir', noEffectWith(text)],
  ['--log-file', refusedWithValue(NO_FILES)],
  ['--log-file-format', refusedWithValue(NO_FILES)],
  ['--write-batch', refusedWithValue(NO_FILES)],
  ['--read-batch', refusedWithValue(NO_FILES)],
  ['--only-write-batch', valued(text, () => ({ onlyWriteBatch: true }))],
  ['--config', refusedWithValue(NO_FILES)],
  ['--dparam', refusedWithValue(NO_FILES)],
  ['--password-file', refusedWithValue(NO_FILES)],
  ['--early-input', refusedWithValue(NO_FILES)],
  ['--confine-root', noEffectWith(text)],
  ['--insecure-links', refused('the destination is virtual: no symlink in it is ever followed')],
  ['--munge-links', noEffect],
  ['--copy-as', refusedWithValue('a vault has no users to copy as')],
  ['--rsync-path', refusedWithValue(NO_SHELL)],
  ['--rsh', refusedWithValue(NO_SHELL)],
  ['--server', refused('it stands first, once')],
  ['--daemon', refused('it is not for a connection')],
  ['--no-detach', refused('it is not for a connection')],
  ['--outbuf', noEffectWith(text)],
  ['--remote-option', refusedWithValue('an option for the other side cannot be passed on again')],
  ...OTHER_SPELLINGS,
]);

/** 'auto' is what is agreed on when nothing is chosen. */
function checksumChoice(value: string): Partial<ServerOptions> {
  return { checksumChoice: value === 'auto' || value === 'auto,auto' ? undefined : value };
}

function compressChoice(value: string): Partial<ServerOptions> {
  if (value === 'none') return { compress: 'none', compressChoice: undefined };
  return { compress: 'negotiated', compressChoice: value === 'auto' ? undefined : value };
}

/**
 * Every option a stock client may hand to a receiver, and what becomes of it: a function that notes it, or the reason
 * why it is refused. What is not here is refused as unknown. docs/options.md is made from this table by hand.
 */
import type { ServerOptions } from './options.ts';

/** What an option's value sets. */
type FromValue = (value: string) => Partial<ServerOptions>;

export interface LongOption {
  /** what it sets; a function of its value when it takes one */
  sets: Partial<ServerOptions> | FromValue;
  /** what a value must look like; undefined: takes none */
  value?: RegExp;
  /** why it is refused */
  refused?: string;
}

const LATER = 'nightdrop does not carry it yet';
const NO_FILES = 'it names files on the server';
const nothing: FromValue = () => ({});

/** Digits that stay exact in a double, without sign. */
const COUNT = /^\d{1,15}$/;
const SECONDS = /^\d{1,9}$/;
const SIGNED = /^-?\d{1,9}$/;
const NAME = /^[A-Za-z0-9,_-]{1,200}$/;
const TEXT = /^[\s\S]{0,4096}$/;

/** A letter's action, or the reason why it is refused. */
export const SHORT_OPTIONS: ReadonlyMap<string, Partial<ServerOptions> | string> = new Map<
  string,
  Partial<ServerOptions> | string
>([
  ['s', {}],
  ['v', {}],
  ['q', { quiet: true }],
  ['n', { dryRun: true }],
  ['l', { links: true }],
  ['d', { dirs: true }],
  ['r', { recursive: true }],
  ['R', { relative: true }],
  ['H', { hardLinks: true }],
  ['p', { perms: true }],
  ['E', { executability: true }],
  ['o', { owner: true }],
  ['g', { group: true }],
  ['D', { devices: true, specials: true }],
  ['t', { times: true }],
  ['U', { atimes: true }],
  ['O', { omitDirTimes: true }],
  ['J', { omitLinkTimes: true }],
  ['A', { acls: true }],
  ['X', { xattrs: true }],
  ['c', { checksum: true }],
  ['W', { wholeFile: true }],
  ['I', { ignoreTimes: true }],
  ['u', { update: true }],
  ['S', { sparse: true }],
  ['x', { oneFileSystem: true }],
  ['C', LATER],
  ['z', { compress: 'negotiated' }],
  ['m', { pruneEmptyDirs: true }],
  ['b', LATER],
  ['N', 'no common Linux receiver keeps creation times'],
  ['K', 'the destination is virtual: no symlink in it is ever followed'],
  ['y', LATER],
  ['k', 'it is for the sending side'],
  ['L', 'it is for the sending side'],
]);

const flag = (sets: Partial<ServerOptions>): LongOption => ({ sets });
const valued = (value: RegExp, sets: FromValue): LongOption => ({ sets, value });
const refuse = (refused: string): LongOption => ({ sets: {}, refused });

export const LONG_OPTIONS: ReadonlyMap<string, LongOption> = new Map<string, LongOption>([
  ['--sender', flag({})],
  ['--server', refuse('it stands first, once')],
  ['--daemon', refuse('it is not for a connection')],
  ['--no-r', flag({ recursive: false })],
  ['--no-W', flag({ wholeFile: false })],
  ['--dirs', flag({ dirs: true })],
  ['--no-relative', flag({ relative: false })],
  ['--no-implied-dirs', flag({ impliedDirs: false })],
  ['--specials', flag({ specials: true })],
  ['--no-specials', flag({ specials: false })],
  ['--devices', flag({ devices: true })],
  ['--no-devices', flag({ devices: false })],
  ['--numeric-ids', flag({ numericIds: true })],
  ['--checksum', flag({ checksum: true })],
  ['--whole-file', flag({ wholeFile: true })],
  ['--size-only', flag({ sizeOnly: true })],
  ['--ignore-times', flag({ ignoreTimes: true })],
  ['--inplace', flag({ inplace: true })],
  ['--partial', flag({ partial: true })],
  ['--stats', flag({})],
  ['--progress', flag({})],
  ['--super', flag({})],
  ['--fsync', flag({})],
  ['--preallocate', flag({})],
  ['--open-noatime', flag({})],
  ['--use-qsort', flag({ useQsort: true })],
  ['--msgs2stderr', flag({})],
  ['--no-msgs2stderr', flag({})],
  ['--mkpath', flag({ mkpath: true })],
  ['--existing', flag({ ignoreNonExisting: true })],
  ['--ignore-existing', flag({ ignoreExisting: true })],
  ['--delete', flag({ deletes: true })],
  ['--delete-before', flag({ deleteMode: 'before' })],
  ['--delete-during', flag({ deleteMode: 'during' })],
  ['--delete-delay', flag({ deleteMode: 'delay' })],
  ['--delete-after', flag({ deleteMode: 'after' })],
  ['--delete-excluded', flag({ deleteExcluded: true })],
  ['--ignore-errors', flag({ ignoreErrors: true })],
  ['--force', flag({ force: true })],
  ['--max-delete', valued(SIGNED, (v) => ({ maxDelete: Math.max(0, Number(v)) }))],
  ['--max-size', valued(COUNT, (v) => ({ maxSize: Number(v) }))],
  ['--min-size', valued(COUNT, (v) => ({ minSize: Number(v) }))],
  ['--modify-window', valued(SIGNED, (v) => ({ modifyWindow: Number(v) }))],
  ['--timeout', valued(SECONDS, (v) => ({ timeout: Number(v) }))],
  ['--bwlimit', valued(COUNT, nothing)],
  ['--block-size', valued(COUNT, nothing)],
  ['--max-alloc', valued(/^\d{1,15}[A-Za-z]?$/, nothing)],
  ['--compress-level', valued(SIGNED, nothing)],
  ['--compress-threads', valued(/^\d{1,3}$/, nothing)],
  ['--compress-choice', valued(NAME, compressChoice)],
  ['--new-compress', flag({ compress: 'negotiated', compressChoice: 'zlibx' })],
  ['--old-compress', flag({ compress: 'negotiated', compressChoice: 'zlib' })],
  ['--checksum-choice', valued(NAME, (v) => ({ checksumChoice: v }))],
  ['--checksum-seed', valued(/^-?\d{1,10}$/, (v) => ({ checksumSeed: Number(v) | 0 }))],
  ['--log-format', valued(TEXT, logFormat)],
  ['--info', valued(TEXT, infoLevels)],
  ['--debug', valued(TEXT, nothing)],
  ['--skip-compress', valued(TEXT, nothing)],
  ['--backup-dir', refuse(LATER)],
  ['--suffix', refuse(LATER)],
  ['--partial-dir', refuse(LATER)],
  ['--delay-updates', refuse(LATER)],
  ['--append', refuse(LATER)],
  ['--fuzzy', refuse(LATER)],
  ['--link-dest', refuse(LATER)],
  ['--copy-dest', refuse(LATER)],
  ['--compare-dest', refuse(LATER)],
  ['--remove-source-files', refuse(LATER)],
  ['--remove-sent-files', refuse(LATER)],
  ['--delete-missing-args', refuse(LATER)],
  ['--safe-links', refuse(LATER)],
  ['--copy-unsafe-links', flag({})],
  ['--usermap', refuse(LATER)],
  ['--groupmap', refuse(LATER)],
  ['--iconv', refuse(LATER)],
  ['--fake-super', refuse(LATER)],
  ['--only-write-batch', refuse(LATER)],
  ['--confine-root', refuse('the destination is virtual: there is nothing to confine')],
  ['--temp-dir', refuse(NO_FILES)],
  ['--files-from', refuse(NO_FILES)],
  ['--from0', refuse(NO_FILES)],
  ['--log-file', refuse(NO_FILES)],
  ['--write-batch', refuse(NO_FILES)],
  ['--read-batch', refuse(NO_FILES)],
  ['--config', refuse(NO_FILES)],
  ['--password-file', refuse(NO_FILES)],
  ['--early-input', refuse(NO_FILES)],
  ['--write-devices', refuse('nothing is ever written to a device here')],
  ['--copy-as', refuse('a vault has no users to copy as')],
  ['--remote-option', refuse('an option for the other side cannot be passed on again')],
]);

function compressChoice(value: string): Partial<ServerOptions> {
  return value === 'none' ? { compressChoice: value } : { compress: 'negotiated', compressChoice: value };
}

/** What the client prints decides what it must be told: %i alone, or with %I also what is unchanged. */
function logFormat(value: string): Partial<ServerOptions> {
  return { itemizes: value.includes('%i'), ...(value.includes('%I') ? { tellsUnchanged: true } : {}) };
}

function infoLevels(value: string): Partial<ServerOptions> {
  return /(^|,)name([2-9])/i.test(value) ? { tellsUnchanged: true } : {};
}

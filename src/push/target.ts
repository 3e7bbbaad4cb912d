import { NightdropError, RsyncExit } from '../lib/errors.ts';
import { brief } from '../lib/names.ts';
import { isDir } from '../lib/stat.ts';
import type { FileEntry } from '../rsync/entry.ts';
import type { Entry } from '../vault/entry.ts';
import { newDirectory } from './destination.ts';
import { infoMessage } from './messages.ts';
import { baseName, dirName } from './paths.ts';
import type { PushSession } from './session.ts';

export interface Target {
  /** from the vault's root, without slashes at its ends */
  path: string;
  /** as the client is told of it */
  shown: string;
  /** the module that it is in, where the client named one */
  module: string | undefined;
  trailingSlash: boolean;
}

/**
 * The destination below the module's root, cleaned. Only names: nothing is looked up on the server's file system.
 *
 * @param relative the client named it without a module, and reads of it in the words that it used
 * @throws when it leads out of the module
 */
export function cleanTarget(path: string, vault: string, relative = false): Target {
  const [module, ...rest] = path.split('/');
  if (module !== vault)
    throw new NightdropError('ERR_TARGET', 'ERROR: the destination is not in the module that was named', {
      rsyncExit: RsyncExit.syntax,
      forClient: true,
    });
  const parts = rest.filter((part) => part !== '' && part !== '.');
  if (
    parts.some((part) => part === '..' || part.includes('\0') || part.length > 255) ||
    parts.join('/').length > 4095
  ) {
    throw new NightdropError(
      'ERR_TARGET',
      `ERROR: the destination ${brief(rest.join('/'))} is not a path inside the module`,
      { rsyncExit: RsyncExit.syntax, forClient: true },
    );
  }
  const last = rest[rest.length - 1];
  const clean = parts.join('/');
  const shown = relative ? rest.join('/').replace(/(.)\/$/, '$1') : `/${clean}`;
  return {
    path: clean,
    shown,
    module: relative ? undefined : vault,
    trailingSlash: parts.length > 0 && (last === '' || last === '.'),
  };
}

/**
 * Decides, once the first list is here, whether the destination is a directory to put things in or the name of a single
 * file, as a stock receiver does; makes the directory where it has to (docs/protocol.md, "Destination").
 *
 * @param entries listed so far
 */
export function resolveTarget(session: PushSession, target: Target, entries: number, firstIsDirectory: boolean): void {
  const { destination, options } = session;
  const isDirectory = entries > 1 || target.trailingSlash;
  session.base = target.path;
  for (let at = target.path.indexOf('/'); at > 0; at = target.path.indexOf('/', at + 1))
    destination.follow(target.path.slice(0, at));
  destination.follow(target.path);
  if (options.mkpath && destination.entry(target.path) === undefined)
    makePath(session, target, isDirectory ? target.path : dirName(target.path));
  const there = destination.entry(target.path);
  if (there !== undefined && isDir(there.mode)) return;
  if (there !== undefined) {
    if (entries > 1)
      throw refusal('ERROR: destination must be a directory when copying more than 1 file', RsyncExit.fileSelect);
    if (firstIsDirectory) throw refusal('ERROR: cannot overwrite non-directory with a directory', RsyncExit.fileSelect);
    if (target.trailingSlash) throw refusal('ERROR: destination path is not a directory', RsyncExit.syntax);
  }
  const hasParent = destination.hasDirectory(dirName(target.path));
  // a dry run has made nothing, and goes on as if it had
  if (!hasParent && !(session.dryRun && (isDirectory || options.mkpath)))
    throw isDirectory ? missing('mkdir', target.shown, target) : missing('change_dir#3', dirName(target.shown), target);
  if (there === undefined && isDirectory) {
    session.baseCreated = true;
    destination.makeDirectory(target.path, made(session, target.path));
    if (isTold(session)) infoMessage(session, `created directory ${target.shown}`);
    return;
  }
  session.base = dirName(target.path);
  session.singleName = baseName(target.path);
}

/** --mkpath: what is missing of the path is made, and counted for the client. */
function makePath(session: PushSession, target: Target, path: string): void {
  const { destination, rules } = session;
  const { path: whole, shown } = target;
  let count = 0;
  for (let at = path; at !== '' && destination.entry(at) === undefined; at = dirName(at)) count++;
  if (count === 0) return;
  if (!destination.ensureDirectory(path, 0o777 & ~rules.policy.umask, rules.now) && !session.dryRun)
    throw missing('mkdir', shown, target);
  if (isTold(session))
    infoMessage(
      session,
      `created ${count} director${count === 1 ? 'y' : 'ies'} for ${path === whole ? shown : dirName(shown)}`,
    );
}

function made({ rules }: PushSession, path: string): Entry {
  return newDirectory(baseName(path), 0o777 & ~rules.policy.umask, rules.now);
}

/** What lines of the server call an object: its path below the destination, where a single file may have another name. */
export function shownName({ singleName }: PushSession, { path }: FileEntry): string {
  return singleName ?? path;
}

const isTold = ({ options }: PushSession): boolean => options.infoName > 0 || options.itemizes;

/** In the words that stock users know, and look for. */
function missing(step: 'mkdir' | 'change_dir#3', shown: string, { module }: Target): NightdropError {
  const where = module === undefined ? '' : ` (in ${module})`;
  return refusal(
    `rsync: [Receiver] ${step} "${brief(shown)}"${where} failed: No such file or directory (2)`,
    step === 'mkdir' ? RsyncExit.fileIo : RsyncExit.fileSelect,
  );
}

function refusal(message: string, rsyncExit: number): NightdropError {
  return new NightdropError('ERR_TARGET', message, { rsyncExit, forClient: true });
}

import { isDir, isFile } from '../lib/stat.ts';
import type { Entry } from '../vault/entry.ts';
import { newDirectory } from './destination.ts';
import { baseName, dirName, isTooLong, joinPath, resolvePath } from './paths.ts';
import type { PushSession } from './session.ts';

/** rsync's own mode for the directory. */
const PRIVATE = 0o700;

/** --partial-dir: where in the vault the part of a file lies that is not whole yet; undefined: nowhere. */
export function partPath(session: PushSession, path: string): string | undefined {
  const { partialDir } = session.options;
  if (partialDir === '') return undefined;
  const part = joinPath(resolvePath(dirName(path), partialDir), baseName(path));
  return part === path || isTooLong(part) ? undefined : part;
}

/** The part of the file at `path` that an earlier push has left. */
export function findPart(session: PushSession, path: string): Entry | undefined {
  const part = partPath(session, path);
  if (part === undefined || session.delayed?.holds(part)) return undefined;
  const entry = session.destination.entry(part);
  return entry !== undefined && isFile(entry.mode) ? entry : undefined;
}

/** Puts a part where it belongs; false when its directory cannot be made, or one is in its own place. */
export function putPart(session: PushSession, part: string, entry: Entry): boolean {
  if (!makeDirectory(session, dirName(part)) || session.destination.hasDirectory(part)) return false;
  session.destination.remove(part);
  session.destination.put(part, { ...entry, name: baseName(part) });
  return true;
}

/** The file is whole, or needs no part: it goes, and its directory when that is empty then. */
export function dropPart(session: PushSession, path: string): void {
  const { destination, options, dryRun } = session;
  const part = partPath(session, path);
  if (part === undefined || dryRun) return;
  const entry = destination.entry(part);
  if (entry === undefined || isDir(entry.mode)) return;
  destination.remove(part);
  const directory = dirName(part);
  // one directory for all files is the user's own
  if (options.partialDir.startsWith('/') || directory === '') return;
  if (destination.isEmpty(directory)) destination.remove(directory);
}

/** One level only, as a stock receiver does; something else of that name goes. */
function makeDirectory(session: PushSession, path: string): boolean {
  const { destination, rules } = session;
  const present = destination.entry(path);
  if (present !== undefined && isDir(present.mode)) return true;
  if (path === '' || !destination.hasDirectory(dirName(path))) return false;
  if (present !== undefined) destination.remove(path);
  const directory = newDirectory(baseName(path), PRIVATE, rules.now);
  destination.makeDirectory(path, { ...directory, uid: rules.policy.defaultUid, gid: rules.policy.defaultGid });
  return true;
}

import { isDir } from '../lib/stat.ts';
import { type FileEntry, isImplied } from '../rsync/entry.ts';
import { ItemFlag } from '../rsync/iflags.ts';
import type { ServerOptions } from '../rsync/options.ts';
import { directoryElsewhere } from './alt-nodes.ts';
import { resultingEntry } from './attributes.ts';
import { changed } from './changes.ts';
import type { DeletePass } from './delete.ts';
import { countCreated, itemFlags } from './itemize.ts';
import type { Item } from './lists.ts';
import { infoMessage } from './messages.ts';
import { baseName, dirName } from './paths.ts';
import { tell } from './requests.ts';
import type { PushSession } from './session.ts';
import { resultingXattrs } from './xattrs.ts';

/** --no-implied-dirs: a directory that is only on the way to what was named is not looked at. */
export function isPassed({ relative, impliedDirs }: ServerOptions, file: FileEntry): boolean {
  return relative && !impliedDirs && isDir(file.mode) && isImplied(file);
}

/** It is made, with the attributes of a new one, when something comes into it. */
export function makeWay({ options, destination, rules }: PushSession, path: string): void {
  if (!options.relative || options.impliedDirs) return;
  const parent = dirName(path);
  if (!destination.hasDirectory(parent)) destination.ensureDirectory(parent, 0o777 & ~rules.policy.umask, rules.now);
}

/** Makes or updates a directory; false when something that may not be removed is in its way. */
export function directoryItem(session: PushSession, deletes: DeletePass, item: Item): boolean {
  const { destination, options, rules } = session;
  const { file, path } = item;
  if (isPassed(options, file)) return true;
  makeWay(session, path);
  let existing = destination.entry(path);
  if (existing === undefined && options.ignoreNonExisting) {
    if (options.infoSkip > 0) infoMessage(session, `not creating new directory "${file.path}"`);
    return false;
  }
  if (existing !== undefined && !isDir(existing.mode)) {
    if (!deletes.makeRoom(path, existing, 'directory')) return false;
    existing = undefined;
  }
  const entry = resultingEntry(rules, baseName(path), file, existing, false);
  // the destination's own directory, made a moment ago, is told as new
  const isNew = existing === undefined || (session.baseCreated && path === session.base);
  if (isNew) session.baseCreated = false;
  const elsewhere = isNew ? directoryElsewhere(session, item) : undefined;
  if (elsewhere !== undefined) entry.xattrs = resultingXattrs(options, file, existing, elsewhere.entry);
  if (!elsewhere?.told) {
    const compared = isNew ? elsewhere?.entry : existing;
    const flags = itemFlags(session, file, compared, isNew ? ItemFlag.localChange : 0);
    countCreated(session, flags);
    tell(session, item, flags);
  }
  if (existing === undefined) destination.makeDirectory(path, entry);
  else if (changed(existing, entry)) destination.put(path, entry);
  return true;
}

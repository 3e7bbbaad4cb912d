import { isDir, isSymlink, S_ISGID, S_ISUID } from '../lib/stat.ts';
import { ItemFlag } from '../rsync/iflags.ts';
import { MessageTag } from '../rsync/mux.ts';
import { keepsTime } from './attributes.ts';
import { isChange } from './itemize.ts';
import type { Item } from './lists.ts';
import { infoMessage } from './messages.ts';
import { dirName } from './paths.ts';
import type { PushSession } from './session.ts';
import { shownName } from './target.ts';

/**
 * What -v shows of an item without a transfer to a client before protocol 29. There are no item flags yet: the server
 * writes the lines itself (docs/protocol.md, "Requests and replies").
 *
 * @param linkName for hard links: the name linked to, '' when it is one already
 */
export function tellName(session: PushSession, item: Item, iflags: number, linkName?: string): void {
  const { infoName } = session.options;
  const { mode, target } = item.file;
  const path = shownName(session, item.file);
  if (infoName < 1) return;
  const unchanged = linkName === '' || (iflags & ItemFlag.localChange) === 0;
  if (linkName) infoMessage(session, `${path} => ${linkName}`);
  else if (isDir(mode)) {
    const changes = iflags & ItemFlag.localChange ? changesNewDirectory(session, item) : isChange(iflags);
    if (changes) infoMessage(session, `${path}/`);
  } else if (!unchanged) infoMessage(session, isSymlink(mode) ? `${path} -> ${target}` : path);
  else tellKept(session, item, iflags, linkName);
}

/** What -vv shows besides, of any protocol, where no item is itemized: what is no directory and stays. */
export function tellKept(session: PushSession, item: Item, iflags: number, linkName?: string): void {
  const { infoName, itemizes } = session.options;
  const { mode } = item.file;
  const path = shownName(session, item.file);
  if (infoName < 2 || isDir(mode) || linkName) return;
  if (session.agreement.protocol >= 29 && (itemizes || (linkName === undefined && iflags & ItemFlag.localChange)))
    return;
  // xattrs that are set do not count as a change here
  const isSet = linkName === undefined && isChange(iflags & ~ItemFlag.reportXattr);
  infoMessage(session, isSet ? path : `${path} is uptodate`);
}

/** The same of an object that is taken over, equal in all, from one of the places of --link-dest and the like. */
export function tellTakenOver(session: PushSession, { file }: Item): void {
  const { infoName, itemizes } = session.options;
  if (infoName < 2 || (itemizes && session.agreement.protocol >= 29)) return;
  infoMessage(session, `${shownName(session, file)}${isDir(file.mode) ? '/' : ''} is uptodate`);
}

/**
 * A new directory's name is shown if it does not have what is asked for from being made. In a directory with the
 * set-group-ID bit it is made with that bit and group.
 */
function changesNewDirectory(session: PushSession, { file, path }: Item): boolean {
  const { options, rules, dryRun, destination } = session;
  const { policy } = rules;
  if (dryRun || keepsTime(options, file)) return true;
  if (options.owner && file.uid !== policy.defaultUid) return true;
  const parent = destination.entry(dirName(path));
  const inherited = (parent?.mode ?? 0) & S_ISGID;
  if (options.group && file.gid !== (inherited ? parent!.gid : policy.defaultGid)) return true;
  if (!options.perms) return false;
  return (file.mode & (policy.umask | S_ISUID)) !== 0 || (file.mode & S_ISGID) !== inherited;
}

/** Something was deleted. From protocol 29 on the client makes its line itself, if it wants one. */
export function tellDeleted(session: PushSession, name: string, directory: boolean): void {
  const { output, options, agreement } = session;
  if (agreement.protocol >= 29) {
    output.message(
      MessageTag.deleted,
      directory ? Buffer.concat([output.text(name), Buffer.alloc(1)]) : output.text(name),
    );
  } else if (options.tellsDeleted) {
    infoMessage(session, `${options.itemizes ? '*deleting  ' : 'deleting'} ${name}${directory ? '/' : ''}`);
  }
}

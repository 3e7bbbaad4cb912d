import { isDevice, isDir, isSpecial, isSymlink, S_IFMT } from '../lib/stat.ts';
import type { FileEntry } from '../rsync/entry.ts';
import { ItemFlag } from '../rsync/iflags.ts';
import type { Entry, Xattr } from '../vault/entry.ts';
import { nodeElsewhere } from './alt-nodes.ts';
import { resultingEntry } from './attributes.ts';
import { changed } from './changes.ts';
import type { DeletePass } from './delete.ts';
import { countCreated, itemFlags, keptItemFlags } from './itemize.ts';
import type { Item } from './lists.ts';
import { infoMessage } from './messages.ts';
import { baseName } from './paths.ts';
import { tell } from './requests.ts';
import type { PushSession } from './session.ts';
import { shownName } from './target.ts';
import { isUnsafeLink } from './unsafe-links.ts';
import { awaitsXattrs, resultingXattrs } from './xattrs.ts';

/** Symlinks, devices, fifos and sockets: all they are is in the file list. */
export function nodeItem(session: PushSession, deletes: DeletePass, item: Item): void {
  const { destination, options, rules } = session;
  const { file, path } = item;
  const existing = destination.entry(path);
  if (!isCarried(session, file)) {
    if (options.infoNonRegular > 0) infoMessage(session, `skipping non-regular file "${file.path}"`);
    skipLink(session, item);
    return;
  }
  if (isSymlink(file.mode) && options.safeLinks && isUnsafeLink(file.target, shownName(session, file))) {
    if (options.infoName > 0)
      infoMessage(session, `ignoring unsafe symlink "${shownName(session, file)}" -> "${file.target}"`);
    skipLink(session, item);
    return;
  }

  const sameType = existing !== undefined && typeClass(existing.mode) === typeClass(file.mode);
  if (existing !== undefined && sameType && isSameNode(file, existing)) {
    const entry = linked(session, resultingEntry(rules, existing.name, file, existing, false), file);
    tell(session, item, keptItemFlags(session, file, existing));
    if (changed(existing, entry)) destination.put(path, entry);
    settleOrLeadLater(session, item, entry, existing.xattrs);
    session.removable.unchanged(item.ndx);
    return;
  }
  if (existing !== undefined && !isDir(existing.mode) && session.backups.enabled) {
    // what is replaced at once, not deleted first, becomes a backup whatever its name
    if (!session.backups.make(path, existing)) {
      skipLink(session, item);
      return;
    }
  } else if (
    existing !== undefined &&
    !deletes.makeRoom(
      path,
      existing,
      isSymlink(file.mode) ? 'symlink' : isDevice(file.mode) ? 'device file' : 'special file',
    )
  ) {
    skipLink(session, item);
    return;
  }
  const elsewhere = existing === undefined ? compareElsewhere(session, item) : undefined;
  if (elsewhere?.settled) return;
  const compared = elsewhere?.match.entry ?? (sameType ? existing : undefined);
  const was = existing === undefined || isDir(existing.mode) ? undefined : existing;
  const entry = linked(session, resultingEntry(rules, baseName(path), file, was, true), file);
  if (elsewhere !== undefined) entry.xattrs = resultingXattrs(options, file, undefined, elsewhere.match.entry);
  // what an equal one elsewhere is copied from was told there
  if (elsewhere?.match.level !== 3) {
    const flags = itemFlags(session, file, compared, ItemFlag.localChange | ItemFlag.reportChange);
    countCreated(session, flags);
    tell(session, item, flags);
  }
  destination.put(path, entry);
  settleOrLeadLater(session, item, entry, elsewhere?.match.entry.xattrs ?? []);
  session.removable.made(item.ndx, isSymlink(file.mode));
}

/** What one of the other places has for an object that is not there; a hard-link group goes by what comes of it. */
function compareElsewhere(session: PushSession, item: Item): ReturnType<typeof nodeElsewhere> {
  const { file } = item;
  const found = nodeElsewhere(
    session,
    item,
    (entry) => typeClass(entry.mode) === typeClass(file.mode),
    (entry) => isSameNode(file, entry),
  );
  if (found?.settled) {
    if (found.entry === undefined) skipLink(session, item);
    // a dry run has linked nothing, so it sees no later link as linked to this
    else settleLink(session, item, session.dryRun ? { ...found.entry, inode: 0 } : found.entry);
  }
  return found;
}

/** Members of a hard-link group carry an inode number of the vault. */
export function linked(session: PushSession, entry: Entry, file: FileEntry): Entry {
  if (file.hardLink >= 0 && session.options.hardLinks && entry.inode === 0 && !session.dryRun)
    entry.inode = session.store.nextInode();
  return entry;
}

/** Tells a hard-link group that its leader is in place: who waited for it is linked next. */
export function settleLink(session: PushSession, item: Item, entry: Entry, formerInode = entry.inode): void {
  const group = item.file.hardLink;
  if (group >= 0 && session.options.hardLinks)
    session.lists.release(session.hardLinks.settle(group, item, entry, formerInode));
}

/** The same, once the values of its attributes have come that the entry still lacks. */
export function settleOrLeadLater(session: PushSession, item: Item, entry: Entry, present: Xattr[]): void {
  const group = item.file.hardLink;
  if (group < 0 || !session.options.hardLinks) return;
  if (awaitsXattrs(session, item, present)) {
    item.leadsLater = true;
    session.hardLinks.begin(group, item);
  } else {
    settleLink(session, item, entry);
  }
}

/** The values have come. */
export function leadNow(session: PushSession, item: Item): void {
  if (!item.leadsLater) return;
  item.leadsLater = false;
  const entry = session.destination.entry(item.path);
  if (entry === undefined) skipLink(session, item);
  else settleLink(session, item, entry);
  session.lists.notify();
}

/** Tells a hard-link group that this member will not lead: who waited for it may lead in its place. */
export function skipLink(session: PushSession, item: Item): void {
  const group = item.file.hardLink;
  if (group < 0 || !session.options.hardLinks) return;
  const next = session.hardLinks.fail(group, item);
  if (next !== undefined) session.lists.released.push(next);
}

function isCarried(session: PushSession, file: FileEntry): boolean {
  const { options } = session;
  if (isSymlink(file.mode)) return options.links;
  if (options.dropDevices) return false;
  if (isDevice(file.mode)) return options.devices;
  return isSpecial(file.mode) && options.specials;
}

/** Devices of both kinds are one class, as are fifos and sockets. */
export function typeClass(mode: number): number {
  if (isDevice(mode)) return 1;
  if (isSpecial(mode)) return 2;
  return mode & S_IFMT;
}

export function isSameNode(file: FileEntry, existing: Entry): boolean {
  if (isSymlink(file.mode)) return existing.target === file.target;
  if (isDevice(file.mode)) return existing.rdevMajor === file.rdevMajor && existing.rdevMinor === file.rdevMinor;
  return (existing.mode & S_IFMT) === (file.mode & S_IFMT);
}

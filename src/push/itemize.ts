import { isDevice, isDir, isFile, isSymlink } from '../lib/stat.ts';
import type { FileEntry } from '../rsync/entry.ts';
import { ItemFlag } from '../rsync/iflags.ts';
import type { Entry } from '../vault/entry.ts';
import { keepsTime, sameTime } from './attributes.ts';
import type { PushSession } from './session.ts';
import { differingXattrs } from './xattrs.ts';

const PERMISSIONS = 0o7777;
/** Flags that alone are no reason to tell of an item. */
const INSIGNIFICANT = ItemFlag.basisTypeFollows | ItemFlag.nameFollows | ItemFlag.localChange;

/**
 * The iflags of an item: what differs between the sender's entry and what is there (docs/protocol.md, "Item flags"). The
 * client's -i output is made from these bits.
 *
 * @param existing what is compared with; undefined: the item is new
 * @param iflags flags known already (transfer, local change…)
 * @param linkName for hard links: the name linked to, '' when it is one already
 */
export function itemFlags(
  session: PushSession,
  file: FileEntry,
  existing: Entry | undefined,
  iflags: number,
  linkName?: string,
): number {
  const { options } = session;
  if (existing === undefined) {
    const xattr = options.xattrs && (file.xattrs?.length ?? 0) > 0 ? ItemFlag.reportXattr : 0;
    return iflags | ItemFlag.isNew | xattr;
  }
  let flags = iflags;
  if (isFile(file.mode) && file.size !== existing.size) flags |= ItemFlag.reportSize;
  if (keepsTime(options, file)) {
    if (!sameTime(options, existing, file)) flags |= ItemFlag.reportTime;
  } else if (flags & (ItemFlag.transfer | ItemFlag.localChange) && linkName !== '') {
    flags |= ItemFlag.reportTime;
  }
  if (
    options.atimes &&
    !isDir(file.mode) &&
    !isSymlink(file.mode) &&
    (existing.atime ?? existing.mtime) !== file.atime
  ) {
    flags |= ItemFlag.reportAtime;
  }
  if (!isSymlink(file.mode)) {
    if (options.perms) {
      if ((existing.mode & PERMISSIONS) !== (file.mode & PERMISSIONS)) flags |= ItemFlag.reportPerms;
    } else if (options.executability && ((existing.mode & 0o111) === 0) !== ((file.mode & 0o111) === 0)) {
      flags |= ItemFlag.reportPerms;
    }
  }
  if (options.owner && existing.uid !== file.uid) flags |= ItemFlag.reportOwner;
  if (options.group && existing.gid !== file.gid) flags |= ItemFlag.reportGroup;
  const differs = differingXattrs(options, file, existing);
  if (differs.acl) flags |= ItemFlag.reportAcl;
  if (differs.xattr) flags |= ItemFlag.reportXattr;
  return flags;
}

/**
 * As `itemFlags`, of an object whose content stays: a stock receiver sets the attributes before it tells of them, and an
 * access ACL that it sets brings the permissions along. A dry run sets nothing.
 */
export function keptItemFlags(session: PushSession, file: FileEntry, existing: Entry): number {
  const flags = itemFlags(session, file, existing, 0);
  return flags & ItemFlag.reportAcl && !session.dryRun ? flags & ~ItemFlag.reportPerms : flags;
}

/** Whether an item with these flags is told to the client at all. */
export function isTold(session: PushSession, iflags: number, linkName?: string): boolean {
  const { options } = session;
  return isChange(iflags) || options.tellsUnchanged || (linkName !== undefined && linkName !== '');
}

/** Whether item flags say that anything differs. */
export function isChange(iflags: number): boolean {
  return (iflags & 0xffff & ~INSIGNIFICANT) !== 0;
}

/** Adds to the counts what a created item is. */
export function countCreated(session: PushSession, iflags: number): void {
  if (iflags & ItemFlag.isNew) session.counts.created++;
}

/** The kinds of the protocol's delete statistics. */
export function deleteKind(mode: number): 'files' | 'directories' | 'symlinks' | 'devices' | 'specials' {
  if (isFile(mode)) return 'files';
  if (isDir(mode)) return 'directories';
  if (isSymlink(mode)) return 'symlinks';
  return isDevice(mode) ? 'devices' : 'specials';
}

/** Between the state's entries and the repository's nodes. */
import { isFile } from '../lib/stat.ts';
import type { Snapshot } from '../repository/snapshot.ts';
import type { TreeNode } from '../repository/tree.ts';
import { type Entry, NO_BLOBS } from './entry.ts';

export function entryToNode(entry: Entry, subtree: Buffer | undefined): TreeNode {
  const mtime = { sec: entry.mtime, nsec: entry.mtimeNsec };
  return {
    name: entry.name,
    mode: entry.mode,
    mtime,
    atime: entry.atime === undefined ? mtime : { sec: entry.atime, nsec: 0 },
    uid: entry.uid,
    gid: entry.gid,
    user: entry.user,
    group: entry.group,
    size: entry.size,
    target: entry.target,
    rdevMajor: entry.rdevMajor,
    rdevMinor: entry.rdevMinor,
    inode: entry.inode,
    content: entry.blobs,
    subtree,
    xattrs: entry.xattrs,
  };
}

export function nodeToEntry(node: TreeNode): Entry {
  const sameTime = node.atime.sec === node.mtime.sec && node.atime.nsec === node.mtime.nsec;
  return {
    name: node.name,
    mode: node.mode,
    uid: node.uid,
    gid: node.gid,
    user: node.user,
    group: node.group,
    mtime: node.mtime.sec,
    mtimeNsec: node.mtime.nsec,
    atime: sameTime ? undefined : node.atime.sec,
    size: isFile(node.mode) ? node.size : 0,
    target: node.target,
    rdevMajor: node.rdevMajor,
    rdevMinor: node.rdevMinor,
    inode: node.inode,
    blobs: isFile(node.mode) ? node.content : NO_BLOBS,
    xattrs: node.xattrs,
  };
}

/** Whether a snapshot is one that `latest` may mean. */
export function isComplete(snapshot: Snapshot): boolean {
  return snapshot.nightdrop?.complete ?? !(snapshot.tags ?? []).includes('incomplete');
}

/** Whether nightdrop made the snapshot: operators may put others beside them. Copies by restic keep only the tags. */
export function isOurs(snapshot: Snapshot): boolean {
  return snapshot.nightdrop !== undefined || (snapshot.tags ?? []).includes('nightdrop');
}

/** What a snapshot file says of a push (docs/repository.md, "Snapshots"). */
import { userInfo } from 'node:os';
import type { Snapshot } from '../repository/snapshot.ts';
import { encodeTree } from '../repository/tree.ts';
import { StateDamagedError } from './errors.ts';
import { entryToNode } from './nodes.ts';
import type { StateStore } from './state/store.ts';

export const PROGRAM_VERSION = 'nightdrop 0.1.0';

/** What a push has to say about itself. Crosses threads: plain data. */
export interface SnapshotMeta {
  complete: boolean;
  hostname: string;
  /** address the push came from; '' for commands */
  address: string;
  /** milliseconds since the epoch */
  startedAt: number;
  created: number;
  transferred: number;
  deleted: number;
  literalBytes: number;
  matchedBytes: number;
  wireIn: number;
  wireOut: number;
  /** bytes of data packs this push has stored */
  storedBytes: number;
}

/** What was put into the repository since the snapshot before. */
export interface Added {
  dataBlobs: number;
  treeBlobs: number;
  /** bytes of the blobs as they were, and as packs hold them */
  plainBytes: number;
  packedBytes: number;
  /** of the packed bytes, those of tree packs */
  treeBytes: number;
  /** directories whose trees were written or found again */
  directories: number;
}

/** @param time milliseconds since the epoch, as restic is to see it */
export function describeSnapshot(
  store: StateStore,
  meta: SnapshotMeta,
  sequence: number,
  time: number,
  added: Added,
): Snapshot {
  const tree = store.treeOf('');
  if (!tree) throw new StateDamagedError('the state has no root directory');
  const totals = store.totals();
  const started = new Date(meta.startedAt).toISOString();
  const finished = new Date().toISOString();
  return {
    time: new Date(time).toISOString(),
    tree: tree.toString('hex'),
    // the module's root is the snapshot's root: a restore puts its content right below the target
    paths: ['/'],
    hostname: meta.hostname,
    ...currentUser(),
    tags: meta.complete ? ['nightdrop'] : ['nightdrop', 'incomplete'],
    parent: store.snapshotId,
    program_version: PROGRAM_VERSION,
    summary: {
      backup_start: started,
      backup_end: finished,
      files_new: meta.created,
      files_changed: Math.max(0, meta.transferred - meta.created),
      files_unmodified: Math.max(0, totals.files - meta.transferred),
      dirs_new: 0,
      dirs_changed: added.directories,
      dirs_unmodified: Math.max(0, totals.directories - added.directories),
      data_blobs: added.dataBlobs,
      tree_blobs: added.treeBlobs,
      data_added: added.plainBytes,
      data_added_packed: added.packedBytes,
      total_files_processed: totals.files,
      total_bytes_processed: totals.bytes,
    },
    nightdrop: {
      sequence,
      complete: meta.complete,
      address: meta.address,
      started_at: started,
      finished_at: finished,
      files_transferred: meta.transferred,
      deleted: meta.deleted,
      literal_bytes: meta.literalBytes,
      matched_bytes: meta.matchedBytes,
      wire_in: meta.wireIn,
      wire_out: meta.wireOut,
      stored_bytes: meta.storedBytes + added.treeBytes,
      root: describeRoot(store),
    },
  };
}

/**
 * restic's `latest` is the snapshot of the greatest time, and must never be one that was cut short: such a one is dated
 * a millisecond before the newest complete one, where there is one. A complete one is dated after all others, whatever
 * the clock does. The true times are in `nightdrop`.
 */
export function snapshotTime(store: StateStore, meta: SnapshotMeta): number {
  if (!meta.complete && store.completeTime !== undefined) return store.completeTime - 1;
  return Math.max(meta.startedAt, (store.newestTime ?? 0) + 1);
}

/** The module's root as a node: no tree holds it, so restic does not show it, and a restore of ours sets it. */
function describeRoot(store: StateStore): unknown {
  const root = store.readRoot();
  if (root === undefined) return undefined;
  return JSON.parse(encodeTree([entryToNode({ ...root, name: '/' }, undefined)]).toString('utf8')).nodes[0];
}

function currentUser(): { username: string; uid?: number; gid?: number } {
  try {
    const { username, uid, gid } = userInfo();
    return { username, uid, gid };
  } catch {
    // a container's user may have no name
    return { username: '', uid: process.getuid?.(), gid: process.getgid?.() };
  }
}

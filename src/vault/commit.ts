/** A snapshot of the current state (docs/architecture.md, "Commit"). Each step is durable before the next begins. */
import { userInfo } from 'node:os';
import { isDir } from '../lib/stat.ts';
import type { PackRecord } from '../repository/blob.ts';
import type { Repository } from '../repository/repository.ts';
import type { Snapshot } from '../repository/snapshot.ts';
import { encodeTree, type TreeNode } from '../repository/tree.ts';
import type { Entry } from './entry.ts';
import type { VaultLayout } from './layout.ts';
import { entryToNode, newestComplete } from './nodes.ts';
import { StateStore } from './state/store.ts';

export const PROGRAM_VERSION = 'nightdrop 0.1.0';

/** What a push has to say about itself. */
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

export interface CommitResult {
  /** hex ID of the snapshot */
  id: string;
  /** bytes of tree packs */
  treeBytes: number;
}

/** Writes the trees of changed directories, the index of new packs, and the snapshot. */
export async function commitSnapshot(
  repository: Repository,
  layout: VaultLayout,
  meta: SnapshotMeta,
): Promise<CommitResult> {
  const store = StateStore.open(layout.stateFile);
  try {
    const treeBytes = await writeTrees(repository, store);
    await indexPacks(repository, store);
    const sequence = store.sequence + 1;
    const id = await repository.saveSnapshot(await describe(repository, store, meta, sequence, treeBytes));
    store.setSnapshot(id, sequence);
    store.checkpoint();
    return { id, treeBytes };
  } finally {
    store.close();
  }
}

/** Names all packs that no index file names yet. They are durable. */
export async function indexPacks(repository: Repository, store: StateStore): Promise<void> {
  if (!store.hasUnindexedPacks()) return;
  const names = await repository.saveIndex(store.unindexedPacks());
  store.markIndexed(names);
  store.checkpoint();
}

/** Children before their parents; a tree that is stored already is not stored again. Returns the bytes of the packs. */
async function writeTrees(repository: Repository, store: StateStore): Promise<number> {
  let bytes = 0;
  const packs: PackRecord[] = [];
  const packer = repository.packer('tree', (pack) => {
    packs.push(pack);
    bytes += pack.size;
  });
  const inThisRun = new Set<string>();
  const trees: { path: string; id: Buffer }[] = [];
  const byPath = new Map<string, Buffer>();
  for (const { path, entries } of store.dirtyDirectories()) {
    const nodes: TreeNode[] = entries.map((entry) =>
      entryToNode(entry, isDir(entry.mode) ? childTree(store, byPath, path, entry) : undefined),
    );
    const plain = encodeTree(nodes);
    const id = repository.blobId(plain);
    const key = id.toString('latin1');
    if (!inThisRun.has(key) && !store.hasBlob(id)) {
      inThisRun.add(key);
      const wait = packer.append(repository.sealBlob(plain, id));
      if (wait !== undefined) await wait;
    }
    trees.push({ path, id });
    byPath.set(path, id);
  }
  await packer.finish();
  for (const pack of packs) store.addPack(pack);
  for (const { path, id } of trees) store.setTree(path, id);
  store.checkpoint();
  return bytes;
}

function childTree(store: StateStore, byPath: Map<string, Buffer>, parent: string, entry: Entry): Buffer {
  const path = parent === '' ? entry.name : `${parent}/${entry.name}`;
  const tree = byPath.get(path) ?? store.treeOf(path);
  if (tree === undefined) throw new Error('a directory of the state has no tree');
  byPath.delete(path);
  return tree;
}

async function describe(
  repository: Repository,
  store: StateStore,
  meta: SnapshotMeta,
  sequence: number,
  treeBytes: number,
): Promise<Snapshot> {
  const now = new Date();
  const started = new Date(meta.startedAt).toISOString();
  const newest = await newestComplete(repository, store.snapshotId);
  const totals = store.totals();
  const { username, uid, gid } = userInfo();
  const tree = store.treeOf('');
  if (tree === undefined) throw new Error('the state has no root');
  const added = meta.storedBytes + treeBytes;
  const root = store.readRoot();
  return {
    time: snapshotTime(now, newest, meta.complete),
    tree: tree.toString('hex'),
    paths: ['/'],
    hostname: meta.hostname,
    username,
    uid,
    gid,
    tags: meta.complete ? ['nightdrop'] : ['nightdrop', 'incomplete'],
    parent: store.snapshotId,
    program_version: PROGRAM_VERSION,
    summary: {
      backup_start: started,
      backup_end: now.toISOString(),
      files_new: meta.created,
      files_changed: Math.max(0, meta.transferred - meta.created),
      files_unmodified: Math.max(0, totals.files - meta.transferred),
      dirs_new: 0,
      dirs_changed: 0,
      dirs_unmodified: totals.directories,
      data_blobs: 0,
      tree_blobs: 0,
      data_added: added,
      data_added_packed: added,
      total_files_processed: totals.files,
      total_bytes_processed: totals.bytes,
    },
    nightdrop: {
      sequence,
      complete: meta.complete,
      address: meta.address,
      started_at: started,
      finished_at: now.toISOString(),
      files_transferred: meta.transferred,
      deleted: meta.deleted,
      literal_bytes: meta.literalBytes,
      matched_bytes: meta.matchedBytes,
      wire_in: meta.wireIn,
      wire_out: meta.wireOut,
      stored_bytes: added,
      root: root && JSON.parse(encodeTree([entryToNode({ ...root, name: '/' }, undefined)]).toString('utf8')).nodes[0],
    },
  };
}

/**
 * Complete snapshots never go back in time, whatever the clock does. An incomplete one is dated right before the newest
 * complete one: restic's `latest` is the greatest time, and must not mean it.
 */
function snapshotTime(now: Date, newest: Date | undefined, complete: boolean): string {
  if (newest === undefined) return now.toISOString();
  if (!complete) return new Date(newest.getTime() - 1).toISOString();
  return new Date(Math.max(now.getTime(), newest.getTime() + 1)).toISOString();
}

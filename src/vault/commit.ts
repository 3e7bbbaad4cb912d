/**
 * A snapshot of the current state (docs/architecture.md, "Commit"). Each step is durable before the next begins: packs
 * of trees, index files, the snapshot, and last the state's note of it. A crash in between costs nothing: what is not
 * noted is found again (vault/prepare.ts).
 */
import { NightdropError } from '../lib/errors.ts';
import { brief } from '../lib/names.ts';
import { isDir } from '../lib/stat.ts';
import type { PackRecord } from '../repository/blob.ts';
import type { Repository } from '../repository/repository.ts';
import { encodeTree, type TreeNode } from '../repository/tree.ts';
import { type Added, describeSnapshot, type SnapshotMeta, snapshotTime } from './describe.ts';
import { StateDamagedError } from './errors.ts';
import type { VaultLayout } from './layout.ts';
import { entryToNode } from './nodes.ts';
import { StateStore } from './state/store.ts';

export type { SnapshotMeta } from './describe.ts';

/** Blobs whose index is in memory at once: some 30 MB of text in its several forms. */
const BLOBS_AT_ONCE = 10_000;

export interface CommitResult {
  /** hex ID of the snapshot */
  id: string;
  /** bytes of tree packs */
  treeBytes: number;
  /** bytes of all packs that were added since the snapshot before */
  packedBytes: number;
  /** the vault's snapshots are counted up */
  sequence: number;
}

/**
 * Writes the trees of changed directories, the index of new packs, and the snapshot. The caller holds the vault's lease
 * and a lock of the repository, and does not write to the state meanwhile.
 */
export async function commitSnapshot(
  repository: Repository,
  layout: VaultLayout,
  meta: SnapshotMeta,
): Promise<CommitResult> {
  const store = StateStore.open(layout.stateFile);
  try {
    return await commitStore(repository, store, meta);
  } finally {
    store.close();
  }
}

/** As commitSnapshot, of a state that is open. */
export async function commitStore(
  repository: Repository,
  store: StateStore,
  meta: SnapshotMeta,
): Promise<CommitResult> {
  // a push that brought nothing into an empty vault
  if (!store.hasDir('')) store.writeDir('', []);
  const directories = await writeTrees(repository, store);
  const added = { ...(await indexPacks(repository, store)), directories };
  const sequence = store.sequence + 1;
  const time = snapshotTime(store, meta);
  const id = await repository.saveSnapshot(describeSnapshot(store, meta, sequence, time, added));
  store.setSnapshot(id, { sequence, time, complete: meta.complete });
  store.checkpointDurably();
  // after the snapshot: what is forgotten here can be computed again
  store.sweep();
  store.checkpoint();
  return { id, sequence, treeBytes: added.treeBytes, packedBytes: added.packedBytes };
}

/** Names all packs that no index file names yet, which are durable; says what they hold. */
export async function indexPacks(repository: Repository, store: StateStore): Promise<Added> {
  const added: Added = { dataBlobs: 0, treeBlobs: 0, plainBytes: 0, packedBytes: 0, treeBytes: 0, directories: 0 };
  if (!store.hasUnindexedPacks()) return added;
  const names: string[] = [];
  for (const group of grouped(counted(store.unindexedPacks(), added)))
    names.push(...(await repository.saveIndex(group)));
  store.markIndexed(names);
  store.checkpoint();
  return added;
}

/** Packs that go into one index file. */
function* grouped(packs: Iterable<PackRecord>): Generator<PackRecord[]> {
  let group: PackRecord[] = [];
  let blobs = 0;
  for (const pack of packs) {
    group.push(pack);
    blobs += pack.blobs.length;
    if (blobs < BLOBS_AT_ONCE) continue;
    yield group;
    group = [];
    blobs = 0;
  }
  if (group.length > 0) yield group;
}

function* counted(packs: Iterable<PackRecord>, added: Added): Generator<PackRecord> {
  for (const pack of packs) {
    const trees = pack.blobs[0]?.type === 'tree';
    if (trees) {
      added.treeBlobs += pack.blobs.length;
      added.treeBytes += pack.size;
    } else {
      added.dataBlobs += pack.blobs.length;
    }
    added.packedBytes += pack.size;
    for (const blob of pack.blobs) added.plainBytes += blob.plainLength;
    yield pack;
  }
}

/**
 * Writes the tree blobs of dirty directories, children before their parents; one that is stored already is not stored
 * again. All in one transaction, which ends when the packs are durable. Returns the number of directories.
 */
async function writeTrees(repository: Repository, store: StateStore): Promise<number> {
  /** in packs that are not durable yet, so not in the blob index */
  const pending = new Set<string>();
  const packer = repository.packer('tree', (pack) => {
    store.addPack(pack);
    for (const { id } of pack.blobs) pending.delete(id.toString('latin1'));
  });
  let directories = 0;
  try {
    for (const path of store.dirtyPaths()) {
      const plain = encodeTree(nodesOf(store, path, pending));
      const id = repository.blobId(plain);
      const key = id.toString('latin1');
      if (!pending.has(key) && !store.hasBlob(id)) {
        pending.add(key);
        const wait = packer.append(repository.sealBlob(plain, id));
        if (wait !== undefined) await wait;
      }
      store.setTree(path, id);
      directories++;
    }
    await packer.finish();
  } catch (error) {
    await packer.abort();
    throw error;
  }
  store.checkpoint();
  return directories;
}

/** The nodes of a directory. Nothing gets into a tree that is not stored. */
function nodesOf(store: StateStore, path: string, pending: Set<string>): TreeNode[] {
  const entries = store.readDir(path);
  if (entries === undefined) throw new StateDamagedError('a directory of the state is missing');
  return entries.map((entry) => {
    if (!store.holdsAll(entry.blobs)) throw notStored(joinPath(path, entry.name));
    return entryToNode(entry, isDir(entry.mode) ? childTree(store, joinPath(path, entry.name), pending) : undefined);
  });
}

function childTree(store: StateStore, path: string, pending: Set<string>): Buffer {
  const tree = store.treeOf(path);
  if (!tree) throw new StateDamagedError('a directory of the state has no tree');
  if (!pending.has(tree.toString('latin1')) && !store.hasBlob(tree))
    throw new StateDamagedError('a tree of the state is not stored');
  return tree;
}

function notStored(path: string): NightdropError {
  return new NightdropError(
    'ERR_BLOB_MISSING',
    `the content of ${brief(path)} was not stored to the end; no snapshot was made`,
    { forClient: true },
  );
}

function joinPath(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

/** Makes sure, before a push, that the state is there and is the repository's (docs/architecture.md, "Recovery"). */
import { rm } from 'node:fs/promises';
import { isDir, isFile } from '../lib/stat.ts';
import type { Repository } from '../repository/repository.ts';
import { decodeTree, type TreeNode } from '../repository/tree.ts';
import { commitSnapshot, indexPacks } from './commit.ts';
import { contentKey, ID_BYTES } from './content.ts';
import type { Entry } from './entry.ts';
import { StateDamagedError } from './errors.ts';
import type { VaultLayout } from './layout.ts';
import { nodeToEntry } from './nodes.ts';
import { rebuildState } from './rebuild.ts';
import { StateStore } from './state/store.ts';

/** Returns what was found wrong and mended, a line each; nothing when all is well. The caller holds the lease. */
export async function ensureState(layout: VaultLayout, repository: Repository): Promise<string[]> {
  const notes: string[] = [];
  let store = await openOrRebuild(layout, repository, notes);
  try {
    if (
      store.snapshotId !== undefined &&
      (await repository.backend.size('snapshots', store.snapshotId)) === undefined
    ) {
      store.close();
      notes.push('the snapshot of the current state was removed; the state was rebuilt from the newest one');
      store = await rebuilt(layout, repository);
    }
    if (await refreshIndex(repository, store))
      notes.push('the repository was pruned or added to by others; the blob index was read again');
    if (store.hasDirty() || store.hasUnindexedPacks()) notes.push(...(await recover(layout, repository, store)));
  } catch (error) {
    if (!(error instanceof StateDamagedError)) throw error;
    notes.push(`${error.message}; the state was rebuilt`);
    store.close();
    store = await rebuilt(layout, repository);
  } finally {
    store.close();
  }
  return notes;
}

async function openOrRebuild(layout: VaultLayout, repository: Repository, notes: string[]): Promise<StateStore> {
  try {
    const store = StateStore.open(layout.stateFile);
    if (store.snapshotId !== undefined || !(await hasSnapshots(repository))) return store;
    store.close();
    notes.push('the state was missing; it was rebuilt from the repository');
  } catch (error) {
    if (!(error instanceof StateDamagedError)) throw error;
    notes.push(`${error.message}; the state was rebuilt`);
  }
  return rebuilt(layout, repository);
}

async function hasSnapshots(repository: Repository): Promise<boolean> {
  for await (const _ of repository.backend.list('snapshots')) return true;
  return false;
}

async function rebuilt(layout: VaultLayout, repository: Repository): Promise<StateStore> {
  for (const suffix of ['', '-wal', '-shm']) await rm(layout.stateFile + suffix, { force: true });
  await rebuildState(layout, repository);
  return StateStore.open(layout.stateFile);
}

/** Reads the index files again when they are not those the blob index was made of: others may prune. True when so. */
export async function refreshIndex(repository: Repository, store: StateStore): Promise<boolean> {
  const known = store.indexFiles();
  const present: string[] = [];
  for await (const { name } of repository.backend.list('index')) present.push(name);
  if (present.length === known.size && present.every((name) => known.has(name))) return false;
  const unindexed = [...store.unindexedPacks()];
  store.clearBlobs();
  for (const name of present) store.addIndexFile(name, (await repository.loadIndex(name)).packs);
  for (const pack of unindexed) {
    if ((await repository.backend.size('data', pack.id.toString('hex'))) !== undefined) store.addPack(pack);
  }
  store.checkpoint();
  return true;
}

/** A push ended without its last steps: what it had stored becomes an incomplete snapshot. */
async function recover(layout: VaultLayout, repository: Repository, store: StateStore): Promise<string[]> {
  const notes: string[] = [];
  await indexPacks(repository, store);
  if (!store.hasDirty()) return notes;
  const mended = await mendDirty(repository, store);
  store.checkpoint();
  store.close();
  const { id } = await commitSnapshot(repository, layout, {
    complete: false,
    hostname: layout.name,
    address: '',
    startedAt: Date.now(),
    created: 0,
    transferred: 0,
    deleted: 0,
    literalBytes: 0,
    matchedBytes: 0,
    wireIn: 0,
    wireOut: 0,
    storedBytes: 0,
  });
  notes.push(`a push had ended without a snapshot; what it left is kept as the incomplete snapshot ${id.slice(0, 8)}`);
  if (mended > 0) notes.push(`${mended} files of it were not stored to the end; they are as they were before`);
  return notes;
}

/** Entries that name blobs which never became durable go back to what the last snapshot has, or go. */
async function mendDirty(repository: Repository, store: StateStore): Promise<number> {
  const previous = new PreviousSnapshot(repository, store);
  let mended = 0;
  for (const { path, entries } of [...store.dirtyDirectories()]) {
    const sound: Entry[] = [];
    let changed = false;
    for (const entry of entries) {
      if (isStored(store, entry) && (!isDir(entry.mode) || store.readDir(joined(path, entry.name)) !== undefined)) {
        sound.push(entry);
        continue;
      }
      changed = true;
      mended++;
      const before = await previous.find(path, entry.name);
      if (before !== undefined && isFile(before.mode) && isStored(store, nodeToEntry(before)))
        sound.push(nodeToEntry(before));
    }
    if (changed) store.writeDir(path, sound);
  }
  return mended;
}

function joined(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`;
}

function isStored(store: StateStore, entry: Entry): boolean {
  if (contentKey(entry.blobs) === '') return entry.size === 0 || !isFile(entry.mode);
  for (let at = 0; at < entry.blobs.length; at += ID_BYTES)
    if (!store.hasBlob(entry.blobs.subarray(at, at + ID_BYTES))) return false;
  return true;
}

/** Looks paths up in the last snapshot's trees. */
class PreviousSnapshot {
  private readonly repository: Repository;
  private readonly store: StateStore;

  constructor(repository: Repository, store: StateStore) {
    this.repository = repository;
    this.store = store;
  }

  async find(path: string, name: string): Promise<TreeNode | undefined> {
    const { snapshotId } = this.store;
    if (snapshotId === undefined) return undefined;
    let tree: Buffer | undefined = Buffer.from((await this.repository.loadSnapshot(snapshotId)).tree, 'hex');
    let node: TreeNode | undefined;
    for (const part of [...(path === '' ? [] : path.split('/')), name]) {
      if (tree === undefined) return undefined;
      const location = this.store.findBlob(tree);
      if (location === undefined) return undefined;
      node = decodeTree(await this.repository.loadBlob(location)).find((n) => n.name === part);
      tree = node?.subtree;
    }
    return node;
  }
}

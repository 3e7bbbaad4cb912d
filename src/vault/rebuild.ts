/** The state made anew from the repository: blob index, directories, root (docs/architecture.md, "Recovery"). */
import { rename, rm } from 'node:fs/promises';
import { isDir } from '../lib/stat.ts';
import { RepositoryDamagedError } from '../repository/errors.ts';
import type { Repository } from '../repository/repository.ts';
import type { Snapshot } from '../repository/snapshot.ts';
import { decodeTree } from '../repository/tree.ts';
import type { VaultLayout } from './layout.ts';
import { nodeToEntry } from './nodes.ts';
import { StateStore } from './state/store.ts';

/** Directories after which what was written is committed. */
const CHECKPOINT_EVERY = 1000;

/**
 * Writes a new state beside the old one and puts it in its place. Block sums are not computed here: a push computes
 * those it needs when it needs them. The caller holds the lease.
 *
 * @param onProgress directories read so far
 */
export async function rebuildState(
  layout: VaultLayout,
  repository: Repository,
  onProgress: (directories: number) => void = () => {},
): Promise<void> {
  const temporary = `${layout.temporary}/state-${process.pid}.db`;
  await removeDatabase(temporary);
  const store = StateStore.open(temporary);
  try {
    for await (const { name } of repository.backend.list('index')) {
      store.addIndexFile(name, (await repository.loadIndex(name)).packs);
      store.checkpoint();
    }
    const newest = await newestState(repository);
    if (newest !== undefined) await readSnapshot(repository, store, newest.id, newest.snapshot, onProgress);
    store.checkpoint();
  } finally {
    store.close();
  }
  await removeDatabase(layout.stateFile);
  await rename(temporary, layout.stateFile);
}

async function removeDatabase(file: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) await rm(file + suffix, { force: true });
}

/** The snapshot of the last push: the greatest sequence, where there are none the greatest time. */
export async function newestState(repository: Repository): Promise<{ id: string; snapshot: Snapshot } | undefined> {
  let newest: { id: string; snapshot: Snapshot } | undefined;
  const rank = ({ nightdrop, time }: Snapshot): [number, number] => [nightdrop?.sequence ?? 0, Date.parse(time)];
  for await (const candidate of repository.snapshots()) {
    if (newest === undefined) newest = candidate;
    const [sequence, time] = rank(candidate.snapshot);
    const [bestSequence, bestTime] = rank(newest.snapshot);
    if (sequence > bestSequence || (sequence === bestSequence && time > bestTime)) newest = candidate;
  }
  return newest;
}

async function readSnapshot(
  repository: Repository,
  store: StateStore,
  id: string,
  snapshot: Snapshot,
  onProgress: (directories: number) => void,
): Promise<void> {
  const pending: { path: string; tree: Buffer }[] = [{ path: '', tree: Buffer.from(snapshot.tree, 'hex') }];
  const trees: { path: string; tree: Buffer }[] = [];
  let inode = 0;
  let read = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const location = store.findBlob(next.tree);
    if (location === undefined)
      throw new RepositoryDamagedError(
        `the tree ${next.tree.toString('hex')} of snapshot ${id.slice(0, 8)} is not in the index; run check`,
      );
    const entries = [];
    for (const node of decodeTree(await repository.loadBlob(location))) {
      entries.push(nodeToEntry(node));
      inode = Math.max(inode, node.inode);
      if (isDir(node.mode) && node.subtree !== undefined)
        pending.push({ path: next.path === '' ? node.name : `${next.path}/${node.name}`, tree: node.subtree });
    }
    store.writeDir(next.path, entries);
    trees.push(next);
    if (++read % CHECKPOINT_EVERY === 0) store.checkpoint();
    onProgress(read);
  }
  for (const { path, tree } of trees) store.setTree(path, tree);
  store.reserveInodes(inode);
  const root = snapshot.nightdrop?.root;
  if (root !== undefined)
    store.writeRoot({ ...nodeToEntry(decodeTree(Buffer.from(JSON.stringify({ nodes: [root] })))[0]), name: '' });
  store.setSnapshot(id, snapshot.nightdrop?.sequence ?? 1);
}

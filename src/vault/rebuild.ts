/**
 * The state made anew from the repository: blob index, directories, root (docs/architecture.md, "Recovery"). Block sums
 * are not computed here: a push computes those it needs when it needs them.
 */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { compareNames, printable } from '../lib/names.ts';
import { isDir } from '../lib/stat.ts';
import { syncFolder } from '../repository/backend/local-writer.ts';
import { RepositoryDamagedError } from '../repository/errors.ts';
import type { Repository } from '../repository/repository.ts';
import type { Snapshot } from '../repository/snapshot.ts';
import { decodeTree, type TreeNode } from '../repository/tree.ts';
import type { Entry } from './entry.ts';
import { type VaultLayout, vaultSeed } from './layout.ts';
import { addOrphanPacks } from './leftovers.ts';
import { isComplete, isOurs, nodeToEntry } from './nodes.ts';
import { removeDamageMark, removeState } from './state/database.ts';
import { StateStore } from './state/store.ts';

/** Directories after which what was written is committed. */
const CHECKPOINT_EVERY = 1000;

export interface RebuildProgress {
  step: 'index' | 'directories';
  /** index files or directories read */
  done: number;
  /** index files there are; directories known of so far */
  total: number;
}

export interface RebuildResult {
  /** hex ID of the snapshot that the state now is; undefined when there is none */
  snapshot: string | undefined;
  packs: number;
  directories: number;
  files: number;
}

/** A snapshot of the vault's, and where it stands among them. */
export interface StoredSnapshot {
  id: string;
  snapshot: Snapshot;
}

/**
 * Writes a new state beside the old one and puts it in its place. The caller holds the lease.
 *
 * @throws RepositoryDamagedError when an index file, the newest snapshot or one of its trees cannot be read; the old
 *   state stays as it was
 */
export async function rebuildState(
  layout: VaultLayout,
  repository: Repository,
  onProgress: (progress: RebuildProgress) => void = () => {},
): Promise<RebuildResult> {
  const temporary = join(layout.temporary, `state-${process.pid}.db`);
  removeState(temporary);
  const store = StateStore.open(temporary, { checksumSeed: vaultSeed(layout) });
  let result: RebuildResult;
  try {
    result = await fill(store, repository, onProgress);
    store.checkpointDurably();
  } catch (error) {
    store.close();
    removeState(temporary);
    throw error;
  }
  // the last connection to close moves the log into the file
  store.close();
  removeState(layout.stateFile, { keepFile: true });
  await rename(temporary, layout.stateFile);
  await rm(`${temporary}-shm`, { force: true });
  removeDamageMark(layout.stateFile);
  await syncFolder(layout.folder);
  return result;
}

async function fill(
  store: StateStore,
  repository: Repository,
  onProgress: (progress: RebuildProgress) => void,
): Promise<RebuildResult> {
  store.repositoryId = repository.config.id;
  await readIndexes(store, repository, onProgress);
  const packs = await addOrphanPacks(repository, store);
  const { newest, sequence } = await readSnapshots(store, repository);
  if (newest !== undefined) {
    await readDirectories(store, repository, newest, onProgress);
    const { time } = newest.snapshot;
    // where restic left our numbers out, the next snapshot still has to count on
    store.setSnapshot(newest.id, {
      sequence: Math.max(1, sequence),
      time: Date.parse(time),
      complete: isComplete(newest.snapshot),
    });
  }
  const { files, directories } = store.totals();
  return { snapshot: newest?.id, packs, files, directories };
}

async function readIndexes(
  store: StateStore,
  repository: Repository,
  onProgress: (progress: RebuildProgress) => void,
): Promise<void> {
  const names: string[] = [];
  for await (const { name } of repository.backend.list('index')) names.push(name);
  let done = 0;
  for (const name of names) {
    store.addIndexFile(name, (await repository.loadIndex(name)).packs);
    store.checkpoint();
    onProgress({ step: 'index', done: ++done, total: names.length });
  }
}

/** Notes the snapshots there are; finds the one that the current state is, and the greatest sequence. */
async function readSnapshots(
  store: StateStore,
  repository: Repository,
): Promise<{ newest: StoredSnapshot | undefined; sequence: number }> {
  let newest: StoredSnapshot | undefined;
  let sequence = 0;
  for await (const stored of repository.snapshots()) {
    sequence = Math.max(sequence, stored.snapshot.nightdrop?.sequence ?? 0);
    store.noteSnapshots([stored.id]);
    store.noteTime(Date.parse(stored.snapshot.time), isComplete(stored.snapshot));
    if (isOurs(stored.snapshot) && (newest === undefined || isNewer(stored, newest))) newest = stored;
  }
  return { newest, sequence };
}

/**
 * Whether `a` is the later state of the vault: by sequence, which counts pushes, complete or not; by time where restic
 * has rewritten a snapshot and left our numbers out.
 */
export function isNewer(a: StoredSnapshot, b: StoredSnapshot): boolean {
  const sequences = [a, b].map(({ snapshot }) => snapshot.nightdrop?.sequence);
  if (sequences[0] !== undefined && sequences[1] !== undefined && sequences[0] !== sequences[1])
    return sequences[0] > sequences[1];
  const times = [a, b].map(({ snapshot }) => Date.parse(snapshot.time));
  return times[0] === times[1] ? a.id > b.id : times[0] > times[1];
}

async function readDirectories(
  store: StateStore,
  repository: Repository,
  { id, snapshot }: StoredSnapshot,
  onProgress: (progress: RebuildProgress) => void,
): Promise<void> {
  const pending: { path: string; tree: Buffer }[] = [{ path: '', tree: Buffer.from(snapshot.tree, 'hex') }];
  let inode = 0;
  let done = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const nodes = await loadNodes(store, repository, next.tree, id);
    store.writeStoredDir(next.path, nodes.map(nodeToEntry), next.tree);
    for (const node of nodes) {
      inode = Math.max(inode, node.inode);
      if (!isDir(node.mode)) continue;
      if (node.subtree === undefined)
        throw new RepositoryDamagedError(
          `the directory ${printable(node.name)} of snapshot ${id.slice(0, 8)} has no tree; run check`,
        );
      pending.push({ path: next.path === '' ? node.name : `${next.path}/${node.name}`, tree: node.subtree });
    }
    if (++done % CHECKPOINT_EVERY === 0) store.checkpoint();
    onProgress({ step: 'directories', done, total: done + pending.length });
  }
  store.reserveInodes(inode);
  const root = rootOf(snapshot);
  if (root !== undefined) store.writeRoot(root);
}

/** A tree's nodes in byte order, their names checked: whoever wrote it, the state holds only what could be a file. */
async function loadNodes(
  store: StateStore,
  repository: Repository,
  tree: Buffer,
  snapshot: string,
): Promise<TreeNode[]> {
  const at = store.findBlob(tree);
  if (at === undefined)
    throw new RepositoryDamagedError(
      `the tree ${tree.toString('hex')} of snapshot ${snapshot.slice(0, 8)} is in no pack that an index names; run check`,
    );
  const nodes = decodeTree(await repository.loadBlob(at)).sort((a, b) => compareNames(a.name, b.name));
  nodes.forEach(({ name }, i) => {
    if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name) || (i > 0 && nodes[i - 1].name === name)) {
      throw new RepositoryDamagedError(
        `the tree ${tree.toString('hex')} of snapshot ${snapshot.slice(0, 8)} has a name that no file can have, or one twice: ${printable(name)}`,
      );
    }
  });
  return nodes;
}

/** The module's root as the snapshot has it; undefined where restic left it out. */
export function rootOf(snapshot: Snapshot): Entry | undefined {
  const root = snapshot.nightdrop?.root;
  if (root === undefined || root === null) return undefined;
  return { ...nodeToEntry(decodeTree(Buffer.from(JSON.stringify({ nodes: [root] })))[0]), name: '' };
}

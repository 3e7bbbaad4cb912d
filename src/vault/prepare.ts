/** Makes sure, before a push, that the state is there and is the repository's (docs/architecture.md, "Recovery"). */

import { existsSync } from 'node:fs';
import { RepositoryDamagedError } from '../repository/errors.ts';
import { RepositoryLock } from '../repository/lock.ts';
import type { Repository } from '../repository/repository.ts';
import { StateDamagedError } from './errors.ts';
import { refreshIndex } from './index-refresh.ts';
import type { VaultLayout } from './layout.ts';
import { addOrphanPacks, removeLeftovers } from './leftovers.ts';
import { isComplete, isOurs } from './nodes.ts';
import { type RebuildProgress, rebuildState } from './rebuild.ts';
import { type Recovery, recover } from './recover.ts';
import { StateStore } from './state/store.ts';

export { refreshIndex } from './index-refresh.ts';

/** Returns what was found wrong and mended, a sentence each; nothing when all is well. The caller holds the lease. */
export async function ensureState(
  layout: VaultLayout,
  repository: Repository,
  onProgress?: (progress: RebuildProgress) => void,
): Promise<string[]> {
  const notes: string[] = [];
  const died = (await removeLeftovers(layout)) > 0;
  try {
    await settle(layout, repository, died, notes);
  } catch (error) {
    if (!(error instanceof StateDamagedError)) throw error;
    notes.push(error.message);
    const { directories, files } = await rebuildState(layout, repository, onProgress);
    notes.push(`the state was rebuilt from the repository: ${files} files in ${directories} directories`);
    await settle(layout, repository, died, notes);
  }
  return notes;
}

/** Opens the state, compares it with the repository, and finishes what a push may have left. */
async function settle(layout: VaultLayout, repository: Repository, died: boolean, notes: string[]): Promise<void> {
  // opening would make a new one
  if (!existsSync(layout.stateFile)) throw new StateDamagedError('the state was missing');
  const store = StateStore.open(layout.stateFile);
  try {
    await compare(repository, store, notes);
    if (await refreshIndex(repository, store))
      notes.push('the index files of the repository were changed by others; the blob index was read again');
    if (died) {
      const packs = await addOrphanPacks(repository, store);
      if (packs > 0)
        notes.push(`a process had ended without its last steps; ${packs} packs that it had stored were found`);
    }
    const recovery = await recovered(layout, repository, store);
    if (recovery !== undefined) notes.push(...describeRecovery(recovery));
    store.checkpoint();
  } finally {
    store.close();
  }
}

/** Locks the repository only when there is something to write. */
async function recovered(
  layout: VaultLayout,
  repository: Repository,
  store: StateStore,
): Promise<Recovery | undefined> {
  if (!store.hasDirty() && !store.hasUnindexedPacks()) return undefined;
  const lock = await RepositoryLock.take(repository, false);
  try {
    return await recover(repository, store, layout.name);
  } finally {
    await lock.release();
  }
}

function describeRecovery({ snapshot, packs, reverted, dropped }: Recovery): string[] {
  if (snapshot === undefined) return [`${packs} packs had no index file yet; they have one now`];
  const lost = reverted + dropped;
  const kept = `a push had ended without a snapshot; what it left is kept as the incomplete snapshot ${snapshot.slice(0, 8)}`;
  return lost === 0
    ? [kept]
    : [
        kept,
        `${lost} of its files were not stored to the end: ${reverted} are as they were before, ${dropped} are left out`,
      ];
}

/**
 * The state must be that of the newest snapshot. Two directory listings when all is well; only snapshots that were not
 * there the last time are read.
 *
 * @throws StateDamagedError when it has to be rebuilt
 */
async function compare(repository: Repository, store: StateStore, notes: string[]): Promise<void> {
  const owner = store.repositoryId;
  if (owner === undefined) store.repositoryId = repository.config.id;
  else if (owner !== repository.config.id) throw new StateDamagedError('the state belongs to another repository');
  const present = new Set<string>();
  for await (const { name } of repository.backend.list('snapshots')) present.add(name);
  const current = store.snapshotId;
  if (current !== undefined && !present.has(current))
    throw new StateDamagedError('the snapshot that the state is of was removed');
  const known = store.knownSnapshots();
  store.forgetSnapshots([...known].filter((name) => !present.has(name)));
  for (const name of present) if (!known.has(name)) await meet(repository, store, name, notes);
  store.checkpoint();
}

/** A snapshot that the state does not know: made by restic, or by us right before a crash. */
async function meet(repository: Repository, store: StateStore, name: string, notes: string[]): Promise<void> {
  let snapshot: Awaited<ReturnType<Repository['loadSnapshot']>>;
  try {
    snapshot = await repository.loadSnapshot(name);
  } catch (error) {
    if (!(error instanceof RepositoryDamagedError)) throw error;
    notes.push(error.message);
    return;
  }
  const held = {
    sequence: snapshot.nightdrop?.sequence ?? 0,
    time: Date.parse(snapshot.time),
    complete: isComplete(snapshot),
  };
  if (isOurs(snapshot) && (store.snapshotId === undefined || held.sequence > store.sequence)) {
    // all that is missing is the note of it, or else the state is one of an earlier day
    const same = !store.hasDirty() && store.treeOf('')?.toString('hex') === snapshot.tree;
    if (!same)
      throw new StateDamagedError(
        store.snapshotId === undefined ? 'the state was missing' : 'the state is older than the newest snapshot',
      );
    store.setSnapshot(name, held);
    return;
  }
  store.noteSnapshots([name]);
  store.noteTime(held.time, held.complete);
}

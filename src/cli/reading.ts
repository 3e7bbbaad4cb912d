/** A vault opened for commands that only read. They take no lease: a push may go on beside them. */

import type { BlobLocation, PackRecord } from '../repository/blob.ts';
import { loadBlobTable } from '../repository/blob-table.ts';
import { RepositoryLock } from '../repository/lock.ts';
import type { Repository } from '../repository/repository.ts';
import type { TreeSource } from '../restore/tree-source.ts';
import { StateDamagedError } from '../vault/errors.ts';
import { listSnapshots, resolveSnapshot, type SnapshotInfo } from '../vault/snapshots.ts';
import type { StateStore } from '../vault/state/store.ts';
import { openVault, type Vault } from '../vault/vault.ts';

export interface ReadableVault extends TreeSource {
  repository: Repository;
  snapshots: SnapshotInfo[];
  snapshot(name: string): SnapshotInfo;
}

/** Opens the vault, keeps restic's prune away meanwhile, and closes it however `read` ends. */
export async function withVault<T>(
  dataDir: string,
  name: string,
  read: (vault: ReadableVault) => Promise<T>,
): Promise<T> {
  const vault = await openVault(dataDir, name);
  try {
    return await withLock(vault.repository, async () => {
      // before the index files: what these snapshots need is in one of them by then
      const snapshots = await listSnapshots(vault.repository);
      const blobs = await blobIndex(vault);
      try {
        return await read({
          repository: vault.repository,
          blobs: blobs.find,
          snapshots,
          snapshot: (wanted) => resolveSnapshot(snapshots, wanted),
        });
      } finally {
        blobs.close();
      }
    });
  } finally {
    await vault.close();
  }
}

/** restic's lock for readers, given back also when a person interrupts. Nothing can prune where nothing can be written. */
export async function withLock<T>(repository: Repository, work: () => Promise<T>): Promise<T> {
  let lock: RepositoryLock | undefined;
  try {
    lock = await RepositoryLock.take(repository, false);
  } catch (error) {
    if (!['EROFS', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
  const interrupt = (signal: NodeJS.Signals) => {
    const code = signal === 'SIGINT' ? 130 : 143;
    void (lock?.release() ?? Promise.resolve()).finally(() => process.exit(code));
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    return await work();
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    await lock?.release();
  }
}

interface BlobIndex {
  find(id: Buffer): BlobLocation | undefined;
  close(): void;
}

/** The state's blob index where it is that of the repository's index files; else those files themselves. */
async function blobIndex(vault: Vault): Promise<BlobIndex> {
  const { repository } = vault;
  const names: string[] = [];
  for await (const { name } of repository.backend.list('index')) names.push(name);
  const state = stateOf(vault, names);
  if (state !== undefined) return { find: (id) => state.findBlob(id), close: () => state.close() };
  const table = await loadBlobTable(indexFiles(repository, names));
  return { find: (id) => table.locate(id, 'data') ?? table.locate(id, 'tree'), close: () => undefined };
}

async function* indexFiles(repository: Repository, names: string[]): AsyncGenerator<{ packs: PackRecord[] }> {
  for (const name of names) yield await repository.loadIndex(name);
}

function stateOf(vault: Vault, indexNames: string[]): StateStore | undefined {
  let state: StateStore | undefined;
  try {
    state = vault.openState();
    const known = state.indexFiles();
    if (known.size === indexNames.length && indexNames.every((name) => known.has(name))) return state;
  } catch (error) {
    if (!(error instanceof StateDamagedError)) throw error;
  }
  state?.close();
  return undefined;
}

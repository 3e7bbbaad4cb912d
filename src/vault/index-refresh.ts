import type { Repository } from '../repository/repository.ts';
import type { StateStore } from './state/store.ts';

/**
 * Brings the blob index up to the repository's index files, when they are not those it was made of: somebody pruned, or
 * added, or we crashed before the last one was noted. True when there was anything to do.
 */
export async function refreshIndex(repository: Repository, store: StateStore): Promise<boolean> {
  const known = store.indexFiles();
  const present = new Set<string>();
  for await (const { name } of repository.backend.list('index')) present.add(name);
  const removed = [...known].some((name) => !present.has(name));
  const added = [...present].filter((name) => !known.has(name));
  if (!removed && added.length === 0) return false;
  if (removed) await readAll(repository, store, present);
  else for (const name of added) await readFile(repository, store, name);
  store.checkpoint();
  return true;
}

async function readFile(repository: Repository, store: StateStore, name: string): Promise<void> {
  store.addIndexFile(name, (await repository.loadIndex(name)).packs);
}

/** Blobs may be gone or elsewhere: all is read again, in one transaction. Durable packs that no index names stay. */
async function readAll(repository: Repository, store: StateStore, names: Iterable<string>): Promise<void> {
  const unindexed = [...store.unindexedPacks()];
  store.clearBlobs();
  for (const name of names) await readFile(repository, store, name);
  for (const pack of unindexed) {
    if ((await repository.backend.size('data', pack.id.toString('hex'))) !== undefined) store.addPack(pack);
  }
  store.dropUnstoredSums(true);
}

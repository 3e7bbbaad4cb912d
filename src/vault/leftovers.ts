/** What a process that died may have left in a vault's folder. To be used by the holder of the lease only. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RepositoryDamagedError } from '../repository/errors.ts';
import type { Repository } from '../repository/repository.ts';
import type { VaultLayout } from './layout.ts';
import type { StateStore } from './state/store.ts';

/** Files that only the holder of the lease makes; locks may be on their way in from elsewhere. */
const OURS = /^(data|index|snapshots|state)-/;

/** Whether a file of the temporary folder was left by a process that died: while the lease is free, none should be there. */
export function isLeftover(name: string): boolean {
  return OURS.test(name);
}

/** Removes files that were on their way into the repository; returns their number. */
export async function removeLeftovers(layout: VaultLayout): Promise<number> {
  const names = (await readdir(layout.temporary)).filter(isLeftover);
  for (const name of names) await rm(join(layout.temporary, name), { force: true });
  return names.length;
}

/**
 * Adds durable packs that neither an index file nor the state names: what they hold need not be stored again. Returns
 * their number. Packs that cannot be read are passed over; check tells of them.
 */
export async function addOrphanPacks(repository: Repository, store: StateStore): Promise<number> {
  let found = 0;
  for await (const { name, size } of repository.backend.list('data')) {
    if (store.hasPack(Buffer.from(name, 'hex'))) continue;
    try {
      store.addPack(await repository.packRecord(name, size));
      found++;
    } catch (error) {
      if (!(error instanceof RepositoryDamagedError)) throw error;
    }
  }
  if (found > 0) store.checkpoint();
  return found;
}

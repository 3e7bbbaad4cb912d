/** The quick look before a push. It needs no key, so that it can be had without starting whoever holds one. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { StateDamagedError } from './errors.ts';
import type { VaultLayout } from './layout.ts';
import { isLeftover } from './leftovers.ts';
import { StateStore } from './state/store.ts';

/**
 * Whether the last push ended well, and nobody has changed the repository since. When not, `ensureState` (vault/prepare.ts)
 * has to go first. A few directory listings; the caller holds the lease.
 */
export function looksSound(layout: VaultLayout): boolean {
  // opening would make a new one
  if (!existsSync(layout.stateFile)) return false;
  if (readdirSync(layout.temporary).some(isLeftover)) return false;
  let store: StateStore | undefined;
  try {
    store = StateStore.open(layout.stateFile);
    if (store.repositoryId === undefined || store.hasDirty() || store.hasUnindexedPacks()) return false;
    const snapshots = list(layout, 'snapshots');
    const known = store.knownSnapshots();
    if (snapshots.length !== known.size || !snapshots.every((name) => known.has(name))) return false;
    if (store.snapshotId !== undefined && !known.has(store.snapshotId)) return false;
    const indexes = list(layout, 'index');
    const files = store.indexFiles();
    return indexes.length === files.size && indexes.every((name) => files.has(name));
  } catch (error) {
    if (error instanceof StateDamagedError) return false;
    throw error;
  } finally {
    store?.close();
  }
}

function list(layout: VaultLayout, folder: string): string[] {
  return readdirSync(join(layout.repository, folder)).filter((name) => /^[0-9a-f]{64}$/.test(name));
}

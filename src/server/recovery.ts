/** What a crash left is put right, so that the next push finds a clean vault (docs/architecture.md, "Recovery"). */
import { setPriority } from 'node:os';
import { LeaseBusyError } from '../vault/errors.ts';
import { vaultLayout } from '../vault/layout.ts';
import { Lease } from '../vault/lease.ts';
import { ensureState } from '../vault/prepare.ts';
import { looksSound } from '../vault/sound.ts';
import { openRepository } from '../vault/vault.ts';

const NICE = 10;

/** Returns what was found and mended, a sentence each. A vault at work looks after itself and is left alone. */
export async function recoverVault(dataDir: string, name: string): Promise<string[]> {
  const layout = vaultLayout(dataDir, name);
  let lease: Lease;
  try {
    lease = await Lease.take(layout.leaseFile, 'recovery', 0);
  } catch (error) {
    if (error instanceof LeaseBusyError) return [];
    throw error;
  }
  try {
    // opening the repository costs a tenth of a second and 32 MB for its password: only where there is need
    if (looksSound(layout)) return [];
    setPriority(NICE);
    const repository = await openRepository(layout);
    try {
      return await ensureState(layout, repository);
    } finally {
      await repository.backend.close();
    }
  } finally {
    lease.release();
  }
}

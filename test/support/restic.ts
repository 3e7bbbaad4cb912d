import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VaultInfo } from './nightdrop.ts';
import { type RunResult, run, runOk } from './run.ts';

/** Milliseconds that a lock may take to go. */
const MOST_WAIT = 10_000;

/** Runs stock restic on a vault's repository; without a cache, so that it reads what is stored. */
export function restic(vault: VaultInfo, args: string[]): Promise<RunResult> {
  return run('restic', [...base(vault), ...args], { timeout: 600 });
}

/**
 * `restic check --read-data` must find nothing to complain of, unused blobs and orphaned packs included. It wants the
 * repository for itself, and a session gives back its lock when the client may be gone already.
 */
export async function resticCheck(vault: VaultInfo): Promise<void> {
  const locks = path.join(vault.repository, 'locks');
  for (let waited = 0; waited < MOST_WAIT && readdirSync(locks).length > 0; waited += 50) await sleep(50);
  const { stdout } = await runOk('restic', [...base(vault), 'check', '--read-data'], { timeout: 600 });
  if (!stdout.includes('no errors were found')) throw new Error(`restic check:\n${stdout}`);
}

/** Restores a snapshot with stock restic into a new folder. */
export async function resticRestore(vault: VaultInfo, to: string, snapshot = 'latest'): Promise<string> {
  await runOk('restic', [...base(vault), 'restore', snapshot, '--target', path.resolve(to)], { timeout: 600 });
  return to;
}

function base(vault: VaultInfo): string[] {
  return ['-r', vault.repository, '-p', vault.passwordFile, '--no-cache'];
}

import path from 'node:path';
import type { VaultInfo } from './nightdrop.ts';
import { type RunResult, run, runOk } from './run.ts';

/** Runs stock restic on a vault's repository; without a cache, so that it reads what is stored. */
export function restic(vault: VaultInfo, args: string[]): Promise<RunResult> {
  return run('restic', [...base(vault), ...args], { timeout: 600 });
}

/** `restic check --read-data` must find nothing to complain of, unused blobs and orphaned packs included. */
export async function resticCheck(vault: VaultInfo): Promise<void> {
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

/** Where a vault's files lie: DATA/vaults/NAME/… (docs/architecture.md, "On disk"). */
import { hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NightdropError } from '../lib/errors.ts';

export interface VaultLayout {
  name: string;
  folder: string;
  /** the restic repository */
  repository: string;
  /** file with the repository's password, mode 0600 */
  passwordFile: string;
  /** file with the client's secret, mode 0600 */
  secretFile: string;
  /** file with the names and secrets of further users of the client, mode 0600 */
  loginsFile: string;
  /** rebuildable */
  stateFile: string;
  leaseFile: string;
  /** files on their way into the repository; on the same file system */
  temporary: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function isVaultName(name: string): boolean {
  return NAME.test(name);
}

export function checkVaultName(name: string): void {
  if (isVaultName(name)) return;
  throw new NightdropError(
    'ERR_VAULT_NAME',
    'a client name has 1 to 64 letters, digits, dots, underscores and hyphens, and begins with a letter or digit',
  );
}

export function vaultsFolder(dataDir: string): string {
  return join(dataDir, 'vaults');
}

export function vaultLayout(dataDir: string, name: string): VaultLayout {
  checkVaultName(name);
  return layoutOf(join(vaultsFolder(dataDir), name), name);
}

export function layoutOf(folder: string, name: string): VaultLayout {
  return {
    name,
    folder,
    repository: join(folder, 'repository'),
    passwordFile: join(folder, 'password'),
    secretFile: join(folder, 'secret'),
    loginsFile: join(folder, 'logins'),
    stateFile: join(folder, 'state.db'),
    leaseFile: join(folder, 'lease.db'),
    temporary: join(folder, 'tmp'),
  };
}

/** Whether there is any secret that lets the client in: else it was removed, and its backups are here. */
export function mayPush({ secretFile, loginsFile }: VaultLayout): boolean {
  return existsSync(secretFile) || existsSync(loginsFile);
}

/**
 * The seed of a vault's block sums: positive, below 2^31, the same for as long as the repository is. It hangs on the
 * config file as stored, which needs no key to read and tells nothing.
 */
export function vaultSeed(layout: VaultLayout): number {
  const digest = hash('sha256', readFileSync(join(layout.repository, 'config')), 'buffer');
  return digest.readUInt32LE(0) >>> 1 || 1;
}

/** A vault as commands see it: made, listed, opened. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { NightdropError } from '../lib/errors.ts';
import { LocalBackend } from '../repository/backend/local.ts';
import { syncFolder } from '../repository/backend/local-writer.ts';
import { Repository } from '../repository/repository.ts';
import { isVaultName, layoutOf, type VaultLayout, vaultLayout, vaultSeed, vaultsFolder } from './layout.ts';
import { Lease } from './lease.ts';
import { ensureState } from './prepare.ts';
import type { RebuildProgress } from './rebuild.ts';
import { StateStore } from './state/store.ts';

const PASSWORD_BYTES = 32;

/**
 * Makes the vault of a new client: folders (0700), password file (0600), repository, state. It is there at once or not
 * at all. The client's secret is the caller's.
 *
 * @throws ERR_VAULT_EXISTS, ERR_VAULT_NAME
 */
export async function createVault(dataDir: string, name: string): Promise<VaultLayout> {
  const layout = vaultLayout(dataDir, name);
  const parent = vaultsFolder(dataDir);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  // no vault's name begins with a dot
  const making = layoutOf(`${parent}/.new-${name}-${process.pid}`, name);
  await rm(making.folder, { recursive: true, force: true });
  try {
    await fillVault(making);
    await publish(making, layout);
  } catch (error) {
    await rm(making.folder, { recursive: true, force: true });
    throw error;
  }
  return layout;
}

async function fillVault(layout: VaultLayout): Promise<void> {
  for (const folder of [layout.folder, layout.temporary, layout.repository]) await mkdir(folder, { mode: 0o700 });
  for (const folder of ['keys', 'data', 'index', 'snapshots', 'locks'])
    await mkdir(`${layout.repository}/${folder}`, { mode: 0o700 });
  for (let i = 0; i < 256; i++)
    await mkdir(`${layout.repository}/data/${i.toString(16).padStart(2, '0')}`, { mode: 0o700 });
  const password = randomBytes(PASSWORD_BYTES).toString('base64url');
  // without it the repository is lost: on the disk before there is one
  await writeSecret(layout.passwordFile, password);
  await syncFolder(layout.folder);
  const repository = await Repository.init(new LocalBackend(layout.repository, layout.temporary), password);
  await repository.backend.close();
  const store = StateStore.open(layout.stateFile, { checksumSeed: vaultSeed(layout) });
  try {
    store.repositoryId = repository.config.id;
    store.checkpointDurably();
  } finally {
    store.close();
  }
}

async function publish(made: VaultLayout, layout: VaultLayout): Promise<void> {
  try {
    // fails where the folder is and has something in it
    await rename(made.folder, layout.folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR') throw error;
    throw new NightdropError(
      'ERR_VAULT_EXISTS',
      `there is a client ${layout.name} already, or what one left: ${layout.folder}`,
    );
  }
  await syncFolder(dirname(layout.folder));
}

/** Writes a file that only its owner may read, durably: whole or not at all. */
export async function writeSecret(file: string, secret: string | Buffer): Promise<void> {
  const temporary = `${file}.${process.pid}.new`;
  await rm(temporary, { force: true });
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(Buffer.concat([Buffer.from(secret), Buffer.from('\n')]));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

export async function listVaults(dataDir: string): Promise<string[]> {
  try {
    const entries = await readdir(vaultsFolder(dataDir), { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isFile() && isVaultName(entry.name))
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The layout of a vault that is there. */
export async function findVault(dataDir: string, name: string): Promise<VaultLayout> {
  const layout = vaultLayout(dataDir, name);
  if (existsSync(layout.folder)) return layout;
  throw new NightdropError(
    'ERR_NO_VAULT',
    `there is no client ${name} in ${dataDir}; nightdrop client list shows those that are`,
  );
}

/** Opens a vault's repository with the password that lies beside it. */
export async function openRepository(layout: VaultLayout): Promise<Repository> {
  let password: string;
  try {
    password = (await readFile(layout.passwordFile, 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    throw new NightdropError(
      'ERR_NO_PASSWORD',
      `the repository's password cannot be read from ${layout.passwordFile}; without it nothing in the repository can be read`,
      { cause: error },
    );
  }
  return Repository.open(new LocalBackend(layout.repository, layout.temporary), password);
}

/** A vault opened for a command. */
export interface Vault {
  layout: VaultLayout;
  repository: Repository;
  /** The lease, for commands that write; waits ten seconds. @throws LeaseBusyError */
  lease(what: string): Promise<Lease>;
  /** The state to read from. Without the lease it may be that of a push that is going on. @throws StateDamagedError */
  openState(): StateStore;
  /** Has the state mended where that is needed, and opens it. Only with the lease. */
  soundState(onNote: (note: string) => void, onProgress?: (progress: RebuildProgress) => void): Promise<StateStore>;
  close(): Promise<void>;
}

export async function openVault(dataDir: string, name: string): Promise<Vault> {
  const layout = await findVault(dataDir, name);
  const repository = await openRepository(layout);
  return {
    layout,
    repository,
    lease: (what) => Lease.take(layout.leaseFile, what, 10),
    openState: () => StateStore.open(layout.stateFile, { readOnly: true }),
    soundState: async (onNote, onProgress) => {
      for (const note of await ensureState(layout, repository, onProgress)) onNote(note);
      return StateStore.open(layout.stateFile);
    },
    close: () => repository.backend.close(),
  };
}

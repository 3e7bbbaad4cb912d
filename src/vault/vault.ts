/** A vault as commands see it: made, listed, opened. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { NightdropError } from '../lib/errors.ts';
import { LocalBackend } from '../repository/backend/local.ts';
import { Repository } from '../repository/repository.ts';
import { isVaultName, type VaultLayout, vaultLayout, vaultsFolder } from './layout.ts';
import { StateStore } from './state/store.ts';

const PASSWORD_BYTES = 32;

/** Makes the vault of a new client: folders, repository, state. */
export async function createVault(dataDir: string, name: string): Promise<VaultLayout> {
  const layout = vaultLayout(dataDir, name);
  await mkdir(vaultsFolder(dataDir), { recursive: true, mode: 0o700 });
  try {
    await mkdir(layout.folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new NightdropError(
      'ERR_VAULT_EXISTS',
      `there is a client ${name} already, or what one left: ${layout.folder}`,
    );
  }
  await mkdir(layout.temporary, { mode: 0o700 });
  await mkdir(layout.repository, { mode: 0o700 });
  for (const folder of ['keys', 'data', 'index', 'snapshots', 'locks'])
    await mkdir(`${layout.repository}/${folder}`, { mode: 0o700 });
  for (let i = 0; i < 256; i++)
    await mkdir(`${layout.repository}/data/${i.toString(16).padStart(2, '0')}`, { mode: 0o700 });
  const password = randomBytes(PASSWORD_BYTES).toString('base64url');
  await writeSecret(layout.passwordFile, password);
  const repository = await Repository.init(new LocalBackend(layout.repository, layout.temporary), password);
  await repository.backend.close();
  StateStore.open(layout.stateFile).close();
  return layout;
}

/** A file that only its owner may read. */
export async function writeSecret(file: string, secret: string): Promise<void> {
  await writeFile(file, `${secret}\n`, { mode: 0o600 });
  await chmod(file, 0o600);
}

export async function listVaults(dataDir: string): Promise<string[]> {
  try {
    const names = await readdir(vaultsFolder(dataDir));
    return names.filter(isVaultName).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The layout of a vault that is there. */
export async function findVault(dataDir: string, name: string): Promise<VaultLayout> {
  const layout = vaultLayout(dataDir, name);
  if (!(await exists(layout.folder)))
    throw new NightdropError(
      'ERR_NO_VAULT',
      `there is no client ${name} in ${dataDir}; nightdrop client list shows those that are`,
    );
  return layout;
}

/** Opens a vault's repository with the password that lies beside it. */
export async function openRepository(layout: VaultLayout): Promise<Repository> {
  const password = (await readFile(layout.passwordFile, 'utf8')).replace(/\r?\n$/, '');
  return Repository.open(new LocalBackend(layout.repository, layout.temporary), password);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

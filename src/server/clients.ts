/** The clients of a data folder: a vault each, and the secret that lets them push into it. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { loadSettings } from '../config/load.ts';
import { NightdropError } from '../lib/errors.ts';
import { StateDamagedError } from '../vault/errors.ts';
import { checkVaultName, mayPush, type VaultLayout, vaultLayout, vaultsFolder } from '../vault/layout.ts';
import { Lease } from '../vault/lease.ts';
import { StateStore, type Totals } from '../vault/state/store.ts';
import { createVault, findVault, listVaults, writeSecret } from '../vault/vault.ts';
import { formatListen, nearestToClients, parseListen } from './addresses.ts';
import { type RunningAddress, runningAddress } from './running.ts';
import { checkedSecret, usersOf } from './secrets.ts';

const SECRET_BYTES = 32;

export interface ClientAccess {
  layout: VaultLayout;
  /** known to nobody but the caller from now on; undefined when it is in `secretFile` */
  secret: string | undefined;
  /** absolute */
  secretFile: string | undefined;
}

/**
 * Makes a client. Its secret is new unless `secretFile` exists, which then holds it; where it does not exist the secret
 * is written there.
 */
export async function addClient(dataDir: string, name: string, secretFile?: string): Promise<ClientAccess> {
  checkVaultName(name);
  const layout = vaultLayout(dataDir, name);
  if (existsSync(layout.folder) && !mayPush(layout)) {
    throw new NightdropError(
      'ERR_VAULT_EXISTS',
      `backups of a client ${name} are here, which was removed: client rotate ${name} lets it in again, client remove ${name} --purge deletes them`,
    );
  }
  const secret = await prepareSecret(secretFile);
  try {
    await createVault(dataDir, name);
  } catch (error) {
    if (secret.isWritten) await rm(secretFile!, { force: true });
    throw error;
  }
  return giveSecret(layout, secret.value, secretFile);
}

/** Gives an existing client (or one that was removed) another secret; old ones, of further users too, are worth nothing from now on. */
export async function rotateClient(dataDir: string, name: string, secretFile?: string): Promise<ClientAccess> {
  const layout = await findVault(dataDir, name);
  const access = await giveSecret(layout, (await prepareSecret(secretFile)).value, secretFile);
  await rm(layout.loginsFile, { force: true });
  return access;
}

/**
 * Takes the secret away: the client cannot log in any more. With `purge` all its backups go, too.
 *
 * @throws LeaseBusyError with `purge`, while somebody pushes: nothing has been done then
 */
export async function removeClient(dataDir: string, name: string, purge: boolean): Promise<void> {
  const layout = await findVault(dataDir, name);
  if (!purge) return takeSecrets(layout);
  const lease = await Lease.take(layout.leaseFile, 'client remove --purge', 0);
  const doomed = path.join(vaultsFolder(dataDir), `.removed-${name}-${process.pid}`);
  try {
    await takeSecrets(layout);
    await rename(layout.folder, doomed);
  } finally {
    lease.release();
  }
  await rm(doomed, { recursive: true, force: true });
}

async function takeSecrets({ secretFile, loginsFile }: VaultLayout): Promise<void> {
  for (const file of [secretFile, loginsFile]) await rm(file, { force: true });
}

export interface ClientInfo {
  name: string;
  /** whether it has a secret */
  login: boolean;
  /** who may log in to it */
  users: string[];
  snapshots: number;
  /** of the current state; undefined where that cannot be read and has to be rebuilt */
  totals: Totals | undefined;
  /** hex ID of the snapshot that holds the current state */
  current: string | undefined;
}

export async function listClients(dataDir: string): Promise<ClientInfo[]> {
  return Promise.all((await listVaults(dataDir)).map((name) => clientInfo(vaultLayout(dataDir, name))));
}

/** What can be told of a vault without its key. */
export async function clientInfo(layout: VaultLayout): Promise<ClientInfo> {
  const snapshots = await readdir(path.join(layout.repository, 'snapshots')).catch(() => []);
  const base = { name: layout.name, login: mayPush(layout), users: await usersOf(layout), snapshots: snapshots.length };
  let state: StateStore | undefined;
  try {
    state = StateStore.open(layout.stateFile, { readOnly: true });
    return { ...base, totals: state.totals(), current: state.snapshotId };
  } catch (error) {
    if (!(error instanceof StateDamagedError)) throw error;
    return { ...base, totals: undefined, current: undefined };
  } finally {
    state?.close();
  }
}

export interface PushTarget {
  program: 'rsync' | 'rsync-ssl';
  /** rsync://NAME@HOST:PORT/NAME/ */
  url: string;
}

/** How a client can reach the server, as far as this machine knows: with TLS where there is TLS. */
export function pushTarget(dataDir: string, name: string): PushTarget {
  const { clear, tls } = runningAddress(dataDir) ?? configuredAddress(dataDir);
  const { host, port } = parseListen(tls ?? clear ?? '') ?? { host: '127.0.0.1', port: 8730 };
  const everywhere = host === '0.0.0.0' || host === '::' || host === '*';
  const url = `rsync://${name}@${formatListen(everywhere ? hostname() : host, port)}/${name}/`;
  return { program: tls === undefined ? 'rsync' : 'rsync-ssl', url };
}

function configuredAddress(dataDir: string): RunningAddress {
  const { server, tls } = loadSettings(path.join(dataDir, 'nightdrop.toml'));
  return { clear: nearestToClients(server.listen), tls: nearestToClients(tls.listen) };
}

/** That of the file; a new one where there is none, which is written there. Nothing else has been done by then. */
async function prepareSecret(file: string | undefined): Promise<{ value: string; isWritten: boolean }> {
  if (file !== undefined && existsSync(file))
    return { value: checkedSecret(await readFile(file), file).toString('latin1'), isWritten: false };
  const value = randomBytes(SECRET_BYTES).toString('base64url');
  if (file === undefined) return { value, isWritten: false };
  try {
    await writeFile(file, `${value}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new NightdropError('ERR_SECRET_FILE', `${file} cannot be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return { value, isWritten: true };
}

async function giveSecret(layout: VaultLayout, secret: string, file: string | undefined): Promise<ClientAccess> {
  await writeSecret(layout.secretFile, Buffer.from(secret, 'latin1'));
  if (file === undefined) return { layout, secret, secretFile: undefined };
  return { layout, secret: undefined, secretFile: path.resolve(file) };
}

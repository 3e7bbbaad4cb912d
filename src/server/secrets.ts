/** The secret of a client, as it is at this moment: adding, rotating and removing count at the next login. */
import { constants, existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { NightdropError } from '../lib/errors.ts';
import { printable } from '../lib/names.ts';
import { isVaultName, type VaultLayout, vaultLayout } from '../vault/layout.ts';

const LONGEST_SECRET = 1024;
const LONGEST_LOGINS = 256 * 1024;

/** A secret that is there but must not be used; the sentence says why. */
export class SecretError extends NightdropError {
  constructor(message: string, cause?: unknown) {
    super('ERR_SECRET', message, { cause });
  }
}

/**
 * The secret by which a user logs in to a vault: the client's own where the user is named like the vault, else one of its
 * further logins. undefined when there is no such client or user. @throws SecretError
 */
export async function readSecret(dataDir: string, vault: string, user: string): Promise<Buffer | undefined> {
  if (!isVaultName(vault)) return undefined;
  const { secretFile, loginsFile } = vaultLayout(dataDir, vault);
  if (user === vault) {
    const own = await readPrivate(secretFile, LONGEST_SECRET);
    if (own !== undefined) return checkedSecret(own, secretFile);
  }
  const logins = await readPrivate(loginsFile, LONGEST_LOGINS);
  const secret = logins && parseLogins(logins.toString('latin1')).get(user);
  return secret === undefined ? undefined : checkedSecret(Buffer.from(secret, 'latin1'), loginsFile);
}

/** Names of the users that have a secret, for people. */
export async function usersOf({ name, secretFile, loginsFile }: VaultLayout): Promise<string[]> {
  const logins = await readFile(loginsFile, 'latin1').catch(() => '');
  const further = [...parseLogins(logins).keys()].filter((user) => user !== name);
  return [...(existsSync(secretFile) ? [name] : []), ...further.map(printable)];
}

/** Lines of USER:SECRET; the first of a user counts. Latin1-tagged. */
export function parseLogins(text: string): Map<string, string> {
  const logins = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0 && !logins.has(line.slice(0, colon))) logins.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return logins;
}

async function readPrivate(file: string, longest: number): Promise<Buffer | undefined> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new SecretError(`${file} cannot be read: ${(error as Error).message}`, error);
  }
  try {
    const { mode, size } = await handle.stat();
    if ((mode & 0o077) !== 0) throw new SecretError(`${file} can be read by others; chmod 600 it`);
    if (size > longest) throw new SecretError(`${file} is longer than ${longest} bytes`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** One line, without what ends it. */
export function checkedSecret(content: Buffer, file: string): Buffer {
  const text = content.toString('latin1').replace(/\r?\n$/, '');
  if (text === '') throw new SecretError(`${file} is empty`);
  if (text.length > LONGEST_SECRET) throw new SecretError(`${file} is longer than ${LONGEST_SECRET} bytes`);
  if (/[\r\n\0]/.test(text)) throw new SecretError(`${file} has more than one line`);
  return Buffer.from(text, 'latin1');
}

/** The secret of a client, as it is at this moment: adding, rotating and removing count at the next login. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { NightdropError } from '../lib/errors.ts';
import { isVaultName, vaultLayout } from '../vault/layout.ts';

const LONGEST_SECRET = 1024;

/** A secret that is there but must not be used; the sentence says why. */
export class SecretError extends NightdropError {
  constructor(message: string, cause?: unknown) {
    super('ERR_SECRET', message, { cause });
  }
}

/** undefined when there is no such client. @throws SecretError */
export async function readSecret(dataDir: string, vault: string): Promise<Buffer | undefined> {
  if (!isVaultName(vault)) return undefined;
  const { secretFile } = vaultLayout(dataDir, vault);
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(secretFile, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new SecretError(`${secretFile} cannot be read: ${(error as Error).message}`, error);
  }
  try {
    const { mode, size } = await handle.stat();
    if ((mode & 0o077) !== 0) throw new SecretError(`${secretFile} can be read by others; chmod 600 it`);
    if (size > LONGEST_SECRET) throw new SecretError(`${secretFile} is longer than ${LONGEST_SECRET} bytes`);
    return checkedSecret(await handle.readFile(), secretFile);
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

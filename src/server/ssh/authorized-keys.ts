/** Lines of sshd's authorized_keys that let a key do nothing but push into one vault. */
import { randomBytes } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { lstat, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { NightdropError } from '../../lib/errors.ts';
import { shellWord } from '../../lib/shell-word.ts';
import type { PublicKey } from './public-keys.ts';

/**
 * `restrict` takes away terminal, forwarding and the user's rc file, now and in sshds to come; `command` is run whatever
 * the client asks for.
 *
 * @param command words of the command line, quoted here for the shell that sshd hands it to
 */
export function authorizedLine(command: readonly string[], key: PublicKey): string {
  const line = command.map(shellWord).join(' ');
  if (/[\p{Cc}]/u.test(line))
    throw new NightdropError('ERR_KEY_LINE', 'a path with control characters cannot stand in authorized_keys');
  // sshd knows one escape within the quotes, for the quote
  const quoted = line.replaceAll('"', '\\"');
  return `restrict,command="${quoted}" ${key.type} ${key.base64}${key.comment === '' ? '' : ` ${key.comment}`}`;
}

export interface Installed {
  /** absolute, links resolved */
  file: string;
  added: number;
  /** lines of the same keys that said something else */
  replaced: number;
  unchanged: number;
}

/**
 * Puts lines into an authorized_keys file, each in place of all that are of the same key. All other lines stay as they
 * are. The file is there whole at any moment, with mode 0600 and its owner.
 */
export async function installKeys(file: string, keys: readonly PublicKey[], lines: string[]): Promise<Installed> {
  const target = await resolved(file);
  const before = await readIfThere(target);
  const result: Installed = { file: target, added: 0, replaced: 0, unchanged: 0 };
  let rows = before === undefined || before === '' ? [] : before.replace(/\n$/, '').split('\n');
  keys.forEach((key, i) => {
    const line = Buffer.from(lines[i], 'utf8').toString('latin1');
    const at = rows.findIndex((row) => isOf(row, key));
    const same = rows.filter((row) => isOf(row, key));
    if (same.length === 1 && same[0] === line) result.unchanged++;
    else if (at < 0) result.added++;
    else result.replaced++;
    if (at < 0) rows.push(line);
    else rows = rows.flatMap((row, j) => (j === at ? [line] : isOf(row, key) ? [] : [row]));
  });
  const after = `${rows.join('\n')}\n`;
  if (after !== before) await replaceFile(target, Buffer.from(after, 'latin1'));
  else await makePrivate(target);
  return result;
}

/** Whether a line is about the key, whatever options stand in front. */
function isOf(row: string, key: PublicKey): boolean {
  if (/^\s*(#|$)/.test(row)) return false;
  const words = row.split(/[ \t]+/);
  return words.some((word, i) => word === key.type && words[i + 1]?.replace(/\r$/, '') === key.base64);
}

/** Where a symlink leads, so that it is not replaced by a file. */
async function resolved(file: string): Promise<string> {
  const absolute = path.resolve(file);
  try {
    return await realpath(absolute);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await lstat(absolute).then(
    () => Promise.reject(new NightdropError('ERR_KEY_INSTALL', `${absolute} is a symlink to what is not there`)),
    () => undefined,
  );
  return absolute;
}

/** latin1-tagged: other lines keep their bytes. */
async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function makePrivate(file: string): Promise<void> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    await handle.chmod(0o600);
  } finally {
    await handle.close();
  }
}

/** Of a user whose home is there. */
async function makeSshFolder(folder: string): Promise<void> {
  if (path.basename(folder) !== '.ssh' || existsSync(folder)) return;
  const home = path.dirname(folder);
  if (!existsSync(home)) {
    throw new NightdropError(
      'ERR_KEY_INSTALL',
      `${home} is not there: make the home of the user first, or name a file`,
    );
  }
  await mkdir(folder, { mode: 0o700 });
}

async function replaceFile(file: string, content: Buffer): Promise<void> {
  const folder = path.dirname(file);
  await makeSshFolder(folder);
  // sshd reads it as the user whose file it is: the one of the file before, or of the folder
  const { uid, gid } = await stat(file).catch(() => stat(folder));
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    // by the handle: the folder is the user's, who may put a link to anything in place of the name
    if (uid !== process.geteuid?.()) await handle.chown(uid, gid);
    await handle.chmod(0o600);
    await handle.sync();
    await handle.close();
    await rename(temporary, file);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}

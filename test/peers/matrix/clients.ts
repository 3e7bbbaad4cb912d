import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../../support/run.ts';

/** The other release that Debian carries: 3.2.7, as most machines have it. */
const OLD = '3.2.7';
const OLD_PACKAGE = 'rsync=3.2.7-1+deb12u6';

export interface RsyncClient {
  name: string;
  command: string;
}

/**
 * Stock rsync in the versions that can be had: the installed one, and 3.2.7 unpacked beside it, not installed. It stays
 * in the system's temporary folder for the next run. Where apt cannot bring it, it is missing, and said so.
 */
export async function stockClients(): Promise<{ clients: RsyncClient[]; missing: string | undefined }> {
  const installed = { name: await versionOf('rsync'), command: 'rsync' };
  if (installed.name === OLD) return { clients: [installed], missing: undefined };
  const command = path.join(tmpdir(), `nightdrop-rsync-${OLD}`, 'usr', 'bin', 'rsync');
  const missing = existsSync(command) ? undefined : await unpackOld(command);
  if (missing !== undefined) return { clients: [installed], missing };
  return { clients: [installed, { name: await versionOf(command), command }], missing: undefined };
}

async function versionOf(command: string): Promise<string> {
  const { stdout } = await run(command, ['--version']);
  return /version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
}

/** @returns why it could not be had */
async function unpackOld(command: string): Promise<string | undefined> {
  const folder = path.resolve(command, '../../..');
  const making = `${folder}.${process.pid}`;
  mkdirSync(making, { recursive: true });
  try {
    const got = await run('apt-get', ['download', OLD_PACKAGE], { cwd: making });
    const deb = readdirSync(making).find((name) => name.endsWith('.deb'));
    if (deb === undefined) return `apt-get download ${OLD_PACKAGE}: ${got.stderr}`;
    const done = await run('dpkg', ['-x', path.join(making, deb), making]);
    if (done.code !== 0) return `dpkg -x ${deb}: ${done.stderr}`;
    if (!existsSync(command)) renameSync(making, folder);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

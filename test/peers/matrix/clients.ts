import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run, runOk } from '../../support/run.ts';

/** The other release that Debian carries: 3.2.7, as most machines have it. */
const OLD = '3.2.7';
const OLD_PACKAGE = 'rsync=3.2.7-1+deb12u6';

const OTHERS = process.env.NIGHTDROP_CLIENTS;
/** What goes before a command that is to have the same clients. */
export const chosenClients = OTHERS === undefined ? '' : `NIGHTDROP_CLIENTS=${OTHERS} `;

export interface RsyncClient {
  /** its release */
  name: string;
  command: string;
  /** the newest protocol it speaks */
  protocol: number;
}

/**
 * Stock rsync in the versions that can be had: the installed one, and 3.2.7 unpacked beside it, not installed. It stays
 * in the system's temporary folder for the next run. Where apt cannot bring it, it is missing, and said so.
 *
 * NIGHTDROP_CLIENTS=/opt/rsync-3.0.9/rsync:… names other ones that are to be tried in their place.
 */
export async function stockClients(): Promise<{ clients: RsyncClient[]; missing: string | undefined }> {
  if (OTHERS !== undefined) {
    const clients = await Promise.all(OTHERS.split(':').map(clientAt));
    const names = clients.map(({ name }) => name);
    if (new Set(names).size < names.length)
      throw new Error(`NIGHTDROP_CLIENTS has a release twice: ${names.join(' ')}`);
    return { clients, missing: undefined };
  }
  const installed = await clientAt('rsync');
  if (installed.name === OLD) return { clients: [installed], missing: undefined };
  const command = path.join(tmpdir(), `nightdrop-rsync-${OLD}`, 'usr', 'bin', 'rsync');
  const missing = existsSync(command) ? undefined : await unpackOld(command);
  if (missing !== undefined) return { clients: [installed], missing };
  return { clients: [installed, await clientAt(command)], missing: undefined };
}

async function clientAt(command: string): Promise<RsyncClient> {
  const { stdout } = await runOk(command, ['--version']);
  const told = /version (\S+)\s+protocol version (\d+)/.exec(stdout);
  if (told === null) throw new Error(`${command} --version says nothing of an rsync: ${stdout.slice(0, 80)}`);
  return { name: told[1], command, protocol: Number(told[2]) };
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

/** The programs compared: each takes a tree, and says what that cost. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Client, type NightdropServer, startNightdrop } from '../test/support/nightdrop.ts';
import { startStock } from '../test/support/rsyncd.ts';
import { type RunResult, runOk } from '../test/support/run.ts';
import type { Scope } from '../test/support/temporary.ts';
import {
  difference,
  type Memory,
  MemoryWatch,
  processTree,
  type Usage,
  usageOf,
  usageOfEndedChildren,
} from './meter.ts';

/** What one push or backup cost; bytes and seconds. */
export interface Cost {
  wall: number;
  /** of all server processes; restic has no server: of restic */
  cpu: number;
  memory: Memory;
  /** on the wire, from the client's --stats; undefined where there is no wire */
  up: number | undefined;
  down: number | undefined;
  literal: number | undefined;
  /** through read and write calls of the server, less what went over the wire */
  read: number;
  written: number;
  /** from and to the block device */
  deviceRead: number;
  deviceWritten: number;
  /** allocated by the store afterwards */
  store: number;
}

export interface Peer {
  name: string;
  /** Takes the tree into the store of that name, which is made when it is new. */
  take(tree: string, store: string): Promise<Cost>;
}

const OPTIONS = ['-aHAX', '--delete', '--stats', '--no-human-readable'];
const LIMIT = { timeout: 900 };

export async function startNightdropPeer(scope: Scope, folder: string): Promise<Peer> {
  const server = await startNightdrop(scope, { data: path.join(folder, 'nightdrop') });
  const clients = new Map<string, Client>();
  const clientOf = async (store: string) => {
    const client = clients.get(store) ?? (await server.addClient(store));
    clients.set(store, client);
    return client;
  };
  return {
    name: 'nightdrop',
    async take(tree, store) {
      const client = await clientOf(store);
      const args = [...OPTIONS, `${tree}/`, `${client.url}/`];
      return measureServer(
        server.pid,
        () => runOk('rsync', args, { ...LIMIT, env: client.env }),
        () => storeOf(server, store),
      );
    },
  };
}

/** Repository and state together: all that the vault takes on disk. */
async function storeOf(server: NightdropServer, store: string): Promise<number> {
  const { repository } = await server.vaultInfo(store);
  return allocated(path.dirname(repository));
}

/** `fsync`: have the daemon flush each file, which is what the others do with theirs. */
export async function startRsyncdPeer(scope: Scope, folder: string, fsync = false): Promise<Peer> {
  const parent = path.join(folder, fsync ? 'rsyncd-fsync' : 'rsyncd');
  mkdirSync(parent, { recursive: true });
  const daemon = await startStock(scope, { module: 'bench', parent });
  return {
    name: fsync ? 'rsyncd --fsync' : 'rsyncd',
    take(tree, store) {
      const args = [...OPTIONS, ...(fsync ? ['--fsync'] : []), `${tree}/`, `${daemon.url}/${store}/`];
      return measureServer(
        daemon.pid,
        () => runOk('rsync', args, LIMIT),
        () => allocated(path.join(daemon.folder, store)),
      );
    },
  };
}

export function makeResticPeer(folder: string): Peer {
  const parent = path.join(folder, 'restic');
  mkdirSync(parent, { recursive: true });
  const password = path.join(parent, 'password');
  writeFileSync(password, 'bench\n');
  const made = new Set<string>();
  return {
    name: 'restic',
    async take(tree, store) {
      const repository = path.join(parent, store);
      const base = ['-r', repository, '-p', password, '--cache-dir', path.join(parent, 'cache'), '--quiet'];
      if (!made.has(store)) await runOk('restic', [...base, 'init']);
      made.add(store);
      return measureChild(
        () => runOk('restic', [...base, 'backup', '.'], { ...LIMIT, cwd: tree }),
        () => allocated(repository),
      );
    },
  };
}

async function measureServer(pid: number, push: () => Promise<RunResult>, size: () => Promise<number>): Promise<Cost> {
  const idle = processTree(pid).length;
  const before = usageOf(pid);
  const watch = new MemoryWatch(pid);
  const { stdout, seconds } = await push();
  await sessionEnded(pid, idle);
  const memory = watch.stop();
  const used = difference(usageOf(pid), before);
  const up = statistic(stdout, 'Total bytes sent');
  const down = statistic(stdout, 'Total bytes received');
  return {
    ...costOf(used, up, down),
    wall: seconds,
    memory,
    literal: statistic(stdout, 'Literal data'),
    store: await size(),
  };
}

/** A session that outlives its client still works on the push: its time is part of the server's CPU. */
async function sessionEnded(pid: number, idle: number): Promise<void> {
  const end = Date.now() + 5000;
  while (processTree(pid).length > idle && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function measureChild(backup: () => Promise<RunResult>, size: () => Promise<number>): Promise<Cost> {
  const before = usageOfEndedChildren();
  const watch = new MemoryWatch(process.pid, (tree) => tree.slice(1));
  const { seconds } = await backup();
  const memory = watch.stop();
  const used = difference(usageOfEndedChildren(), before);
  return { ...costOf(used), wall: seconds, memory, literal: undefined, store: await size() };
}

function costOf(used: Usage, up?: number, down?: number): Omit<Cost, 'wall' | 'memory' | 'literal' | 'store'> {
  return {
    cpu: used.cpu,
    up,
    down,
    read: Math.max(0, used.readChars - (up ?? 0)),
    written: Math.max(0, used.writtenChars - (down ?? 0)),
    deviceRead: used.readBytes,
    deviceWritten: used.writtenBytes,
  };
}

function statistic(stdout: string, name: string): number {
  return Number(new RegExp(`^${name}: ([\\d,]+)`, 'm').exec(stdout)?.[1].replaceAll(',', '') ?? Number.NaN);
}

async function allocated(folder: string): Promise<number> {
  const { stdout } = await runOk('du', ['-s', '--block-size=1', folder], LIMIT);
  return Number(stdout.split('\t')[0]);
}

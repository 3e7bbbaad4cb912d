import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isRoot } from './make-tree.ts';
import { freePort, ServerProcess, waitForPort } from './server.ts';
import { makeFolder, removeFolder, type Scope } from './temporary.ts';

/** A stock rsync daemon with one write-only module, the peer that nightdrop is compared with. */
export interface StockDaemon {
  port: number;
  pid: number;
  /** what the module holds */
  folder: string;
  url: string;
  stop(): Promise<void>;
}

export interface StockOptions {
  /** module name, the vault's name on the other side so that messages are the same */
  module?: string;
  /** further lines of the module's configuration */
  lines?: string[];
  /** where the module's folder is made; a temporary folder unless told */
  parent?: string;
  /** more arguments of the daemon */
  args?: string[];
  /** further modules; each has a folder of its name beside that of the first one */
  modules?: string[];
}

export async function startStock(scope: Scope, options: StockOptions = {}): Promise<StockDaemon> {
  const folder = options.parent ?? makeFolder('stock');
  const module = options.module ?? 'm';
  const files = path.join(folder, 'module');
  mkdirSync(files, { recursive: true });
  const config = path.join(folder, 'rsyncd.conf');
  // Only in a chroot does a daemon store symlink targets as they are; elsewhere it munges or sanitizes them.
  const owner = isRoot ? ['use chroot = yes', 'uid = root', 'gid = root'] : ['use chroot = no'];
  writeFileSync(
    config,
    [
      `lock file = ${path.join(folder, 'lock')}`,
      `log file = ${path.join(folder, 'log')}`,
      ...owner,
      'read only = no',
      'write only = yes',
      'list = no',
      ...(options.lines ?? []),
      `[${module}]`,
      `path = ${files}`,
      ...(options.modules ?? []).flatMap((name) => [`[${name}]`, `path = ${path.join(folder, name)}`]),
      '',
    ].join('\n'),
  );
  const port = await freePort();
  const args = ['--daemon', '--no-detach', '--address=127.0.0.1', `--port=${port}`, `--config=${config}`];
  const server = new ServerProcess('rsync', [...args, ...(options.args ?? [])]);
  const stop = async () => {
    await server.stop();
    if (!options.parent) removeFolder(folder);
  };
  scope.after(stop);
  await waitForPort(port, () => server.ended);
  return { port, pid: server.pid, folder: files, url: `rsync://127.0.0.1:${port}/${module}`, stop };
}

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunOptions, type RunResult, run } from './run.ts';
import { ServerProcess } from './server.ts';
import { makeFolder, removeFolder, type Scope } from './temporary.ts';

export const projectFolder = fileURLToPath(new URL('../..', import.meta.url));
const command = path.join(projectFolder, 'bin', 'nightdrop');

/** Runs the command line against a data folder, or without one (`data` undefined). */
export function nightdrop(data: string | undefined, args: string[], options: RunOptions = {}): Promise<RunResult> {
  return run(command, [...(data === undefined ? [] : ['--data', data]), ...args], options);
}

/** The same for a command that must succeed. */
export async function nightdropOk(data: string | undefined, args: string[], options: RunOptions = {}): Promise<string> {
  const result = await nightdrop(data, args, options);
  if (result.code !== 0) {
    throw new Error(`nightdrop ${args.join(' ')} ended with ${result.code}\n${result.stdout}\n${result.stderr}`);
  }
  return result.stdout;
}

export interface Client {
  name: string;
  secret: string;
  /** rsync://NAME@127.0.0.1:PORT/NAME, without a trailing slash */
  url: string;
  /** environment with the secret, for rsync */
  env: { RSYNC_PASSWORD: string };
}

/** Where stock restic finds a vault's repository. */
export interface VaultInfo {
  repository: string;
  passwordFile: string;
}

export interface StartOptions {
  /** an existing data folder; a fresh temporary one unless told */
  data?: string;
  /** changes nightdrop.toml before the server starts */
  configure?: (toml: string) => string;
  /** more arguments of `serve` */
  args?: string[];
}

/** A data folder with a server on a free port of 127.0.0.1. */
export class NightdropServer {
  readonly data: string;
  private process: ServerProcess | undefined;
  private listening = 0;

  constructor(data: string) {
    this.data = data;
  }

  get port(): number {
    return this.listening;
  }

  get pid(): number {
    return this.process?.pid ?? -1;
  }

  /** What the server printed: its ready line and its log. */
  get printed(): string {
    return this.process?.printed ?? '';
  }

  async start(args: string[] = []): Promise<void> {
    const server = new ServerProcess(command, ['--data', this.data, 'serve', '--listen', '127.0.0.1:0', ...args]);
    this.process = server;
    const ready = await server.waitFor(/127\.0\.0\.1:(\d+)/);
    this.listening = Number(ready[1]);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const code = await this.process?.stop(signal);
    return code ?? null;
  }

  cli(args: string[], options?: RunOptions): Promise<RunResult> {
    return nightdrop(this.data, args, options);
  }

  cliOk(args: string[], options?: RunOptions): Promise<string> {
    return nightdropOk(this.data, args, options);
  }

  async addClient(name: string): Promise<Client> {
    const file = path.join(this.data, `${name}.secret-for-test`);
    await this.cliOk(['client', 'add', name, '--secret-file', file]);
    const secret = readFileSync(file, 'utf8').trim();
    return { name, secret, url: `rsync://${name}@127.0.0.1:${this.port}/${name}`, env: { RSYNC_PASSWORD: secret } };
  }

  async vaultInfo(name: string): Promise<VaultInfo> {
    return JSON.parse(await this.cliOk(['vault', 'info', name, '--json'])) as VaultInfo;
  }

  /** Resolves when the vault lists this many snapshots: a session commits after its client is gone. */
  async waitForSnapshots(name: string, count: number, seconds = 30): Promise<Record<string, unknown>[]> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const found = await this.snapshots(name);
      if (found.length >= count) return found;
      if (Date.now() > end) throw new Error(`${found.length} snapshots after ${seconds} s:\n${this.printed}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async snapshots(name: string): Promise<Record<string, unknown>[]> {
    return JSON.parse(await this.cliOk(['snapshots', name, '--json'])) as Record<string, unknown>[];
  }
}

export async function startNightdrop(scope: Scope, options: StartOptions = {}): Promise<NightdropServer> {
  const parent = options.data ? undefined : makeFolder('data');
  const data = options.data ?? path.join(parent!, 'data');
  const server = new NightdropServer(data);
  scope.after(async () => {
    await server.stop();
    if (parent) removeFolder(parent);
  });
  if (!existsSync(path.join(data, 'nightdrop.toml'))) await nightdropOk(undefined, ['init', data]);
  if (options.configure) {
    const file = path.join(data, 'nightdrop.toml');
    writeFileSync(file, options.configure(readFileSync(file, 'utf8')));
  }
  await server.start(options.args);
  return server;
}

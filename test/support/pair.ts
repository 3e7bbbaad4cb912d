import path from 'node:path';
import { isFile, isSymlink, S_IFMT, S_IFSOCK } from '../../src/lib/stat.ts';
import { assertSameTrees, type CompareOptions } from './compare-trees.ts';
import { type Client, type NightdropServer, type StartOptions, startNightdrop } from './nightdrop.ts';
import { resticRestore } from './restic.ts';
import { type StockDaemon, startStock } from './rsyncd.ts';
import { type RunOptions, type RunResult, run } from './run.ts';
import { makeFolder, removeFolder, type Scope } from './temporary.ts';

export interface PairResult {
  ours: RunResult;
  stock: RunResult;
}

/** nightdrop and a stock write-only rsync daemon, given the same pushes; what one holds the other must hold. */
export class Pair {
  readonly server: NightdropServer;
  readonly client: Client;
  readonly stock: StockDaemon;
  private readonly scratch: string;
  private restores = 0;
  private readonly started = Date.now();

  constructor(server: NightdropServer, client: Client, stock: StockDaemon, scratch: string) {
    this.server = server;
    this.client = client;
    this.stock = stock;
    this.scratch = scratch;
  }

  /** `rsync ARGS SOURCES URL/SUB` to both, one after the other; does not judge the exit codes. */
  async push(args: string[], sources: string[], sub = '', options: RunOptions = {}): Promise<PairResult> {
    const limits: RunOptions = { timeout: 300, ...options };
    const stock = await run('rsync', [...args, ...sources, this.url(this.stock.url, sub)], limits);
    const env = { ...options.env, ...this.client.env };
    const ours = await run('rsync', [...args, ...sources, this.url(this.client.url, sub)], { ...limits, env });
    return { ours, stock };
  }

  /** The same where both must end with exit code 0. */
  async pushOk(args: string[], sources: string[], sub = '', options: RunOptions = {}): Promise<PairResult> {
    const result = await this.push(args, sources, sub, options);
    for (const [who, { code, stdout, stderr }] of Object.entries(result)) {
      if (code !== 0)
        throw new Error(`rsync to ${who} ended with ${code}\n${stdout.slice(-2000)}\n${stderr}\n${this.log()}`);
    }
    return result;
  }

  protected url(base: string, sub: string): string {
    return `${base}/${sub}`;
  }

  private log(): string {
    return this.server.printed.slice(-3000);
  }

  /** `nightdrop restore` of a snapshot into a fresh folder. */
  async restore(snapshot = 'latest', args: string[] = []): Promise<string> {
    const to = this.freshFolder('restored');
    await this.server.cliOk(['restore', this.client.name, snapshot, '--to', to, ...args], { timeout: 300 });
    return to;
  }

  async resticRestore(snapshot = 'latest'): Promise<string> {
    return resticRestore(await this.server.vaultInfo(this.client.name), this.freshFolder('restic'), snapshot);
  }

  freshFolder(name: string): string {
    this.restores++;
    return path.join(this.scratch, `${name}-${this.restores}`);
  }

  /** What nightdrop restores equals what the stock daemon's folder holds. */
  async assertSame(options: CompareOptions = {}): Promise<void> {
    const restored = await this.restore();
    assertSameTrees(restored, this.stock.folder, { touchedSince: this.started, ...options });
    removeFolder(restored);
  }

  /** The same for what stock restic restores, but for what restic 0.14 cannot restore. */
  async assertSameByRestic(options: CompareOptions = {}): Promise<void> {
    const restored = await this.resticRestore();
    assertSameTrees(restored, this.stock.folder, { touchedSince: this.started, ...resticLimits, ...options });
    removeFolder(restored);
  }
}

/**
 * What restic 0.14 leaves out of a restore, of its own snapshots too: the target's own attributes, sockets, symlink
 * targets that are not UTF-8, and hard links between anything but files. Attributes of a symlink it gives to what the
 * link points to.
 */
export const resticLimits: CompareOptions = {
  ignore: ['rootAttributes'],
  skip: (_, mode) => (mode & S_IFMT) === S_IFSOCK,
  ignoreFor: (at, mode) => {
    if (/(^|\/)xattrs\/(symlink|short)$/.test(at)) return ['links', 'xattrs'];
    if (isFile(mode)) return [];
    return isSymlink(mode) && at.endsWith('links/bytes') ? ['links', 'target'] : ['links'];
  },
};

export async function startPair(scope: Scope, options: StartOptions & { name?: string } = {}): Promise<Pair> {
  const name = options.name ?? 'web1';
  const scratch = makeFolder('pair');
  const server = await startNightdrop(scope, options);
  const client = await server.addClient(name);
  const stock = await startStock(scope, { module: name });
  scope.after(() => removeFolder(scratch));
  return new Pair(server, client, stock, scratch);
}

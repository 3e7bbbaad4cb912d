import { closeSync, mkdirSync, mkdtempSync, openSync } from 'node:fs';
import path from 'node:path';
import type { PushReport } from '../../../src/push/request.ts';
import { setXattr } from '../../../src/restore/libc.ts';
import { type PushServer, startPushServer } from '../../support/push-server.ts';
import { type StockDaemon, startStock } from '../../support/rsyncd.ts';
import { makeFolder, removeFolder, type Scope } from '../../support/temporary.ts';
import type { Transport } from './cases.ts';
import { type StdioDoor, startStdioDoor } from './stdio-door.ts';
import { Vaults } from './vaults.ts';

/** Both servers, for many cases: each case has a module of its own, which is a vault here and a folder there. */
export class Servers {
  readonly scratch: string;
  readonly vaults: Vaults;
  readonly ours: PushServer;
  readonly stock: StockDaemon;
  readonly stdio: StdioDoor;

  private constructor(scratch: string, vaults: Vaults, ours: PushServer, stock: StockDaemon, stdio: StdioDoor) {
    this.scratch = scratch;
    this.vaults = vaults;
    this.ours = ours;
    this.stock = stock;
    this.stdio = stdio;
  }

  static async start(scope: Scope, modules: string[]): Promise<Servers> {
    const scratch = scratchFolder();
    scope.after(() => removeFolder(scratch));
    const vaults = await Vaults.make(path.join(scratch, 'data'));
    const folders = new Map<string, string>();
    const vaultDir = (module: string) => {
      const known = folders.get(module);
      if (known !== undefined || !modules.includes(module)) return known;
      const folder = vaults.add(module);
      folders.set(module, folder);
      return folder;
    };
    const ours = await startPushServer(scope, {
      vaultDir,
      // what small files hold is told by stock, too
      policy: { revealFloor: 0, mergeFiles: true, zlibDeltas: true },
    });
    const parent = path.join(scratch, 'stock');
    mkdirSync(parent);
    const stock = await startStock(scope, { parent, modules });
    const onReport = (report: PushReport) => void ours.reports.push(report);
    const stdio = await startStdioDoor(scope, { folder: scratch, stock: parent, vaultDir, onReport });
    return new Servers(scratch, vaults, ours, stock, stdio);
  }

  /** The destination as each of both is told it: ours, stock's. */
  destinations(transport: Transport, module: string, to: string): [string, string] {
    if (transport === 'stdio') return [`ours-${module}:${to}`, `stock-${module}:${to}`];
    const url = (port: number) => `rsync://127.0.0.1:${port}/${module}/${to}`;
    return [url(this.ours.port), url(this.stock.port)];
  }

  /** What stock's module holds. */
  stockFolder(module: string): string {
    return path.join(this.scratch, 'stock', module);
  }

  begin(module: string): void {
    mkdirSync(this.stockFolder(module));
  }

  /** A session ends after its client. */
  async settled(): Promise<void> {
    await this.ours.ended();
    await this.stdio.ended();
  }

  end(module: string): void {
    removeFolder(this.stockFolder(module));
    this.vaults.remove(module);
  }
}

/**
 * A folder in memory where that takes all that a tree has: thousands of pushes are durable, each flushes more than one
 * file. Else the system's temporary folder.
 */
function scratchFolder(): string {
  try {
    const folder = mkdtempSync('/dev/shm/nightdrop-matrix-');
    try {
      const handle = openSync(folder, 'r');
      setXattr(handle, 'user.takes', Buffer.from('xattrs'));
      closeSync(handle);
      return folder;
    } catch {
      removeFolder(folder);
    }
  } catch {
    // there is no such folder
  }
  return makeFolder('matrix');
}

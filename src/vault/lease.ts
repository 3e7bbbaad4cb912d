import { accessSync, closeSync, constants, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { NightdropError } from '../lib/errors.ts';
import { LeaseBusyError } from './errors.ts';

const POLL_MILLISECONDS = 100;
const SQLITE_BUSY = 5;

/** Who holds a lease, as the note beside it says. */
export interface LeaseHolder {
  pid: number;
  /** RFC 3339 */
  since: string;
  what: string;
}

/**
 * One writer per vault, across processes and inside one. The lock is SQLite's own on an empty database, held by an open
 * transaction: it ends with the process that holds it, however that ends. Nothing else may open that file, for closing
 * it would end the locks of the whole process (fcntl(2)); so the note of who holds it lies beside it.
 */
export class Lease {
  private readonly db: DatabaseSync;
  private readonly file: string;

  private constructor(db: DatabaseSync, file: string) {
    this.db = db;
    this.file = file;
  }

  /**
   * @param what the holder does, for others to read
   * @param waitSeconds how long to wait for another one to end
   * @param signal ends the waiting with its reason
   * @throws LeaseBusyError
   */
  static async take(file: string, what: string, waitSeconds: number, signal?: AbortSignal): Promise<Lease> {
    const until = performance.now() + waitSeconds * 1000;
    let db: DatabaseSync;
    try {
      if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
      accessSync(file, constants.R_OK | constants.W_OK);
      db = new DatabaseSync(file, { timeout: 0 });
    } catch (error) {
      throw new NightdropError('ERR_LEASE', `the lease ${file} cannot be opened: ${(error as Error).message}`, {
        cause: error,
      });
    }
    try {
      while (!tryLock(db)) {
        signal?.throwIfAborted();
        if (performance.now() >= until) throw new LeaseBusyError(describeBusy(leaseHolder(file)));
        await sleep(POLL_MILLISECONDS, undefined, { signal });
      }
    } catch (error) {
      db.close();
      throw error;
    }
    const holder: LeaseHolder = { pid: process.pid, since: new Date().toISOString(), what };
    try {
      writeFileSync(noteOf(file), JSON.stringify(holder), { mode: 0o600 });
    } catch {
      // only for people; a full disk is told where it matters
    }
    return new Lease(db, file);
  }

  release(): void {
    if (!this.db.isOpen) return;
    rmSync(noteOf(this.file), { force: true });
    this.db.close();
  }
}

/** Who holds the lease, or held it when that process died; undefined when nobody does or the note cannot be read. */
export function leaseHolder(file: string): LeaseHolder | undefined {
  try {
    const { pid, since, what } = JSON.parse(readFileSync(noteOf(file), 'utf8')) as LeaseHolder;
    return { pid: Number(pid), since: String(since), what: String(what) };
  } catch {
    return undefined;
  }
}

function tryLock(db: DatabaseSync): boolean {
  try {
    db.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY) return false;
    throw error;
  }
}

function describeBusy(holder: LeaseHolder | undefined): string {
  if (holder === undefined) return 'the vault is in use by another push or command; try again when that has ended';
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(holder.since)) / 1000));
  return `the vault is in use by ${holder.what} (process ${holder.pid}, for ${seconds} s); try again when that has ended`;
}

function noteOf(file: string): string {
  return `${file}.holder`;
}

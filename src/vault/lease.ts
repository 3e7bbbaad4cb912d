import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { LeaseBusyError } from './errors.ts';

const POLL_MILLISECONDS = 200;

/**
 * One writer per vault, across processes. SQLite's own file lock is the lease: it ends with the process that holds it,
 * however that ends. A note beside it says who that is.
 */
export class Lease {
  private readonly db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.db = db;
  }

  /**
   * @param what the holder does, for others to read
   * @param waitSeconds how long to wait for another one to end
   * @throws LeaseBusyError
   */
  static async take(file: string, what: string, waitSeconds: number): Promise<Lease> {
    const until = Date.now() + waitSeconds * 1000;
    for (;;) {
      const db = new DatabaseSync(file);
      try {
        // the rollback journal, unlike WAL, lets one connection keep all others out
        db.exec(
          'PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE',
        );
        db.exec(
          'BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS holder (what TEXT, pid INTEGER, since TEXT); DELETE FROM holder',
        );
        db.prepare('INSERT INTO holder VALUES (?, ?, ?)').run(what, process.pid, new Date().toISOString());
        db.exec('COMMIT');
        // with locking_mode = EXCLUSIVE the lock stays after the commit
        return new Lease(db);
      } catch (error) {
        db.close();
        if (!/locked|busy/i.test((error as Error).message)) throw error;
      }
      if (Date.now() >= until)
        throw new LeaseBusyError('the vault is in use by another push or command; try again when that has ended');
      await sleep(POLL_MILLISECONDS);
    }
  }

  release(): void {
    this.db.close();
  }
}

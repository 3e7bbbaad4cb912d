import { closeSync, existsSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { NightdropError } from '../../lib/errors.ts';
import { StateDamagedError } from '../errors.ts';
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from './schema.ts';

const CACHE_KIBIBYTES = 8192;
/** Pages written to the log before they are moved into the database: 16 MiB. */
const CHECKPOINT_PAGES = 4096;
const BUSY_MILLISECONDS = 10_000;
/** SQLite's result codes (sqlite.org/rescode.html). */
const SQLITE = { error: 1, busy: 5, ioError: 10, corrupt: 11, full: 13, notADatabase: 26 };

export type Value = null | number | string | Uint8Array;
type Row = Value[];

/** A prepared statement whose rows are arrays. Not to be run while its own rows are being read. */
export class Statement {
  private readonly statement: StatementSync;
  private readonly database: Database;

  constructor(statement: StatementSync, database: Database) {
    statement.setReturnArrays(true);
    this.statement = statement;
    this.database = database;
  }

  get(...values: Value[]): Row | undefined {
    try {
      return this.statement.get(...values) as unknown as Row | undefined;
    } catch (error) {
      throw this.database.failure(error);
    }
  }

  all(...values: Value[]): Row[] {
    try {
      return this.statement.all(...values) as unknown as Row[];
    } catch (error) {
      throw this.database.failure(error);
    }
  }

  /** Writes, in the open transaction (`Database.write`); returns the number of the row that was inserted last. */
  run(...values: Value[]): number {
    try {
      return Number(this.statement.run(...values).lastInsertRowid);
    } catch (error) {
      throw this.database.failure(error);
    }
  }
}

/**
 * The embedded database of a state: write-ahead log, one transaction that begins with the first write. Whatever shows
 * that the file is damaged leaves a mark beside it, so that the next to open it has it rebuilt.
 */
export class Database {
  readonly file: string;
  private readonly db: DatabaseSync;
  private readonly statements = new Map<string, Statement>();
  private readonly version: Statement;
  private lastVersion = -1;
  private writing = false;
  private full = false;

  /** Creates the tables when the file is new. @throws StateDamagedError when it is not a state of this version */
  constructor(file: string, readOnly: boolean) {
    this.file = file;
    if (existsSync(damageMark(file))) throw new StateDamagedError(`the state of the vault was found damaged`);
    if (readOnly && !existsSync(file)) throw new StateDamagedError(`the state of the vault is missing`);
    // only when it is new: to close a file that others of this process have open would end their locks (fcntl(2))
    if (!existsSync(file)) createPrivate(file);
    try {
      this.db = new DatabaseSync(file, { readOnly });
    } catch (error) {
      throw this.failure(error);
    }
    try {
      this.prepareFile(readOnly);
      this.version = this.prepare('PRAGMA data_version');
    } catch (error) {
      this.db.close();
      throw this.failure(error);
    }
  }

  prepare(sql: string): Statement {
    let statement = this.statements.get(sql);
    if (statement === undefined) {
      try {
        statement = new Statement(this.db.prepare(sql), this);
      } catch (error) {
        throw this.failure(error);
      }
      this.statements.set(sql, statement);
    }
    return statement;
  }

  /** Begins the transaction when none is open; true when this call began it. */
  write(): boolean {
    if (this.writing) return false;
    this.exec('BEGIN IMMEDIATE');
    this.writing = true;
    return true;
  }

  get inTransaction(): boolean {
    return this.writing;
  }

  /** Whether another connection has written since this was last asked. */
  changedElsewhere(): boolean {
    const version = this.version.get()![0] as number;
    const changed = version !== this.lastVersion;
    this.lastVersion = version;
    return changed;
  }

  /** Commits what was written since the last time. */
  commit(): void {
    if (!this.writing) return;
    this.exec('COMMIT');
    this.writing = false;
  }

  /** Commits, and does not return before that is on the disk. */
  commitDurably(): void {
    this.commit();
    if (!this.full) this.exec('PRAGMA synchronous = FULL');
    this.full = true;
    try {
      // a commit that writes one page flushes the whole log with it
      this.exec('BEGIN IMMEDIATE; UPDATE meta SET crc = crc; COMMIT');
    } finally {
      this.exec('PRAGMA synchronous = NORMAL');
      this.full = false;
    }
  }

  /** Gives up what was not committed. */
  close(): void {
    this.statements.clear();
    if (this.db.isOpen) this.db.close();
  }

  exec(sql: string): void {
    try {
      this.db.exec(sql);
    } catch (error) {
      throw this.failure(error);
    }
  }

  /** The error to throw for what SQLite threw; damage is marked. */
  failure(error: unknown): unknown {
    if (error instanceof NightdropError) return error;
    const { errcode, message } = error as { errcode?: number; message: string };
    const code = (errcode ?? 0) & 0xff;
    if (
      code === SQLITE.corrupt ||
      code === SQLITE.notADatabase ||
      (code === SQLITE.error && /no such (table|column|index)/.test(message))
    ) {
      return this.damaged(message, error);
    }
    if (code === SQLITE.full)
      return new NightdropError(
        'ERR_DISK_FULL',
        'the disk of the server is full: this push cannot be stored; what was stored before is safe',
        {
          cause: error,
          forClient: true,
        },
      );
    if (code === SQLITE.busy)
      return new NightdropError('ERR_VAULT_BUSY', `the state of the vault is being written by another process`, {
        cause: error,
      });
    if (errcode !== undefined)
      return new NightdropError('ERR_STATE_IO', `the state of the vault cannot be used: ${message}`, { cause: error });
    return error;
  }

  /** Marks the file as damaged and gives the error that says so. */
  damaged(what: string, cause?: unknown): StateDamagedError {
    try {
      writeFileSync(damageMark(this.file), `${what}\n`, { mode: 0o600 });
    } catch {
      // a full or read-only disk: the next to meet the damage tries again
    }
    return new StateDamagedError(
      `the state of the vault is damaged (${what}); it will be rebuilt from the repository`,
      cause,
    );
  }

  private prepareFile(readOnly: boolean): void {
    this.db.exec(
      `PRAGMA busy_timeout = ${BUSY_MILLISECONDS}; PRAGMA cache_size = -${CACHE_KIBIBYTES}; PRAGMA trusted_schema = OFF`,
    );
    const pages = this.number('PRAGMA page_count');
    if (pages > 0) this.checkVersion();
    else if (readOnly) throw new StateDamagedError(`the state of the vault is empty`);
    if (readOnly) return;
    this.db.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = 67108864`,
    );
    if (pages === 0)
      this.db.exec(
        `BEGIN IMMEDIATE; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; ${SCHEMA} COMMIT`,
      );
  }

  private checkVersion(): void {
    if (this.number('PRAGMA application_id') !== APPLICATION_ID)
      throw new StateDamagedError(`${this.file} is not a state of nightdrop; it will be rebuilt from the repository`);
    const version = this.number('PRAGMA user_version');
    if (version > SCHEMA_VERSION) {
      throw new NightdropError(
        'ERR_STATE_VERSION',
        `the state of the vault was made by a newer nightdrop (schema ${version}, this one knows ${SCHEMA_VERSION}); use that, or remove state.db to have it rebuilt`,
      );
    }
    if (version < SCHEMA_VERSION)
      throw new StateDamagedError(
        `the state of the vault is of the older schema ${version}; it will be rebuilt from the repository`,
      );
  }

  private number(sql: string): number {
    const row = this.db.prepare(sql).get() as Record<string, unknown>;
    return Number(Object.values(row)[0]);
  }
}

/** SQLite would make it readable for all; what it puts beside it gets the same mode. */
function createPrivate(file: string): void {
  closeSync(openSync(file, 'a', 0o600));
}

function damageMark(file: string): string {
  return `${file}.damaged`;
}

/** Takes away a state with everything beside it, or only what lies beside it. */
export function removeState(file: string, { keepFile = false }: { keepFile?: boolean } = {}): void {
  const beside = [`${file}-wal`, `${file}-shm`, `${file}-journal`];
  for (const path of keepFile ? beside : [file, ...beside]) rmSync(path, { force: true });
}

export function removeDamageMark(file: string): void {
  rmSync(damageMark(file), { force: true });
}

/** Node hands blobs out as Uint8Array; this is the same memory. */
export function toBuffer(value: Value): Buffer {
  const bytes = value as Uint8Array;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

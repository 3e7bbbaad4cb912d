import { existsSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { NightdropError } from '../../lib/errors.ts';
import { StateDamagedError } from '../errors.ts';
import { SCHEMA, SCHEMA_VERSION } from './schema.ts';

const CACHE_KIBIBYTES = 8192;
const PAGE_BYTES = 8192;
/** Pages written to the log before they are moved into the database: 32 MiB. */
const CHECKPOINT_PAGES = 4096;
const BUSY_MILLISECONDS = 10_000;

type Value = null | number | bigint | string | Uint8Array;
export type Row = Record<string, Value>;

/** The embedded database: prepared statements, and one transaction that begins with the first write. */
export class Database {
  private readonly db: DatabaseSync;
  private readonly statements = new Map<string, StatementSync>();
  private writing = false;

  /** Creates the tables when the file is new. @throws StateDamagedError when it is not a state of this version */
  constructor(file: string, readOnly: boolean) {
    const isNew = !existsSync(file);
    if (isNew && readOnly) throw new StateDamagedError(`the state ${file} is missing`);
    try {
      this.db = new DatabaseSync(file, { readOnly });
      if (!readOnly)
        this.db.exec(
          `PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
        );
      this.db.exec(`PRAGMA cache_size = -${CACHE_KIBIBYTES}; PRAGMA busy_timeout = ${BUSY_MILLISECONDS}`);
      if (isNew) this.create();
    } catch (error) {
      throw asDamage(error, file);
    }
    this.checkVersion(file);
  }

  get(sql: string, ...values: Value[]): Row | undefined {
    try {
      return this.prepare(sql).get(...values) as Row | undefined;
    } catch (error) {
      throw asDamage(error, 'read');
    }
  }

  *iterate(sql: string, ...values: Value[]): Generator<Row> {
    try {
      // a statement of its own: the rows may be read while others run
      yield* this.db.prepare(sql).iterate(...values) as Iterable<Row> as Generator<Row>;
    } catch (error) {
      throw asDamage(error, 'read');
    }
  }

  /** Runs a statement that writes, in the open transaction. */
  run(sql: string, ...values: Value[]): { lastInsertRowid: number | bigint; changes: number | bigint } {
    try {
      if (!this.writing) {
        this.db.exec('BEGIN IMMEDIATE');
        this.writing = true;
      }
      return this.prepare(sql).run(...values);
    } catch (error) {
      throw asDamage(error, 'write');
    }
  }

  /** Commits what was written since the last time. */
  checkpoint(): void {
    if (!this.writing) return;
    this.writing = false;
    try {
      this.db.exec('COMMIT');
    } catch (error) {
      throw asDamage(error, 'commit');
    }
  }

  close(): void {
    this.statements.clear();
    this.db.close();
  }

  private prepare(sql: string): StatementSync {
    let statement = this.statements.get(sql);
    if (statement === undefined) {
      statement = this.db.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }

  private create(): void {
    this.db.exec(`BEGIN; ${SCHEMA} INSERT INTO meta VALUES ('schema', ${SCHEMA_VERSION}); COMMIT`);
  }

  private checkVersion(file: string): void {
    const version = Number(this.get("SELECT value FROM meta WHERE key = 'schema'")?.value ?? 0);
    if (version > SCHEMA_VERSION) {
      this.db.close();
      throw new NightdropError(
        'ERR_STATE_VERSION',
        `the state ${file} was made by a newer nightdrop (schema ${version}); use that, or remove the file to have it rebuilt`,
      );
    }
    if (version < SCHEMA_VERSION) {
      this.db.close();
      throw new StateDamagedError(`the state ${file} is of the older schema ${version}`);
    }
  }
}

/** SQLite's own words for a file that is not a sound database. */
function asDamage(error: unknown, what: string): unknown {
  const message = (error as Error).message ?? '';
  if (/malformed|not a database|corrupt|no such table|no such column/i.test(message)) {
    return new StateDamagedError(`the state cannot be used (${what}: ${message})`, error);
  }
  return error;
}

/** Node hands blobs out as Uint8Array; this is the same memory. */
export function toBuffer(value: Value): Buffer {
  const bytes = value as Uint8Array;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

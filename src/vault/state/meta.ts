import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Database, Statement } from './database.ts';

export interface Totals {
  /** everything that is no directory */
  files: number;
  /** the module's root included */
  directories: number;
  /** sizes of regular files */
  bytes: number;
}

interface Facts extends Totals {
  checksumSeed: number;
  /** ID of the repository the state belongs to, '' until it is known */
  repository: string;
  /** hex ID of the snapshot that holds the state, '' before the first */
  snapshot: string;
  /** of that snapshot: counts up within a vault */
  sequence: number;
  /** milliseconds since the epoch: the greatest `time` of complete snapshots and of all, 0 before the first */
  completeTime: number;
  newestTime: number;
  /** the greatest that was given out */
  inode: number;
  /** bytes of all block sums with their rows, and of those added since the last sweep */
  sumsBytes: number;
  sumsAdded: number;
  /** the last row of sums at the last snapshot */
  sumsRow: number;
}

const KEY = 'facts';

/** The few facts about the whole state. In memory, and written with the transaction that changed them. */
export class StateMeta {
  private readonly db: Database;
  private readonly select: Statement;
  private readonly upsert: Statement;
  private facts: Facts;
  private changed = false;

  constructor(db: Database, readOnly: boolean) {
    this.db = db;
    this.select = db.prepare('SELECT value, crc FROM meta WHERE key = ?');
    this.upsert = db.prepare(
      'INSERT INTO meta VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, crc = excluded.crc',
    );
    const saved = this.read(KEY);
    if (saved === undefined && readOnly) throw db.damaged('it was never filled');
    this.facts = saved === undefined ? newFacts() : this.parse(saved);
    this.changed = saved === undefined;
  }

  get<K extends keyof Facts>(key: K): Facts[K] {
    return this.facts[key];
  }

  set<K extends keyof Facts>(key: K, value: Facts[K]): void {
    this.facts[key] = value;
    this.changed = true;
  }

  totals(): Totals {
    const { files, directories, bytes } = this.facts;
    return { files, directories, bytes };
  }

  count(files: number, directories: number, bytes: number): void {
    this.facts.files += files;
    this.facts.directories += directories;
    this.facts.bytes += bytes;
    this.changed = true;
  }

  /** Another connection has written: reads the facts anew. */
  reload(): void {
    const saved = this.read(KEY);
    if (saved !== undefined) this.facts = this.parse(saved);
    this.changed = saved === undefined;
  }

  /** To be called in a transaction. */
  save(): void {
    if (this.changed) this.write(KEY, JSON.stringify(this.facts));
    this.changed = false;
  }

  get unsaved(): boolean {
    return this.changed;
  }

  /** A text kept under a name of its own. */
  read(key: string): string | undefined {
    const row = this.select.get(key);
    if (row === undefined) return undefined;
    if (crc32(row[0] as string) !== row[1]) throw this.db.damaged(`its ${key} was changed on disk`);
    return row[0] as string;
  }

  write(key: string, value: string): void {
    this.upsert.run(key, value, crc32(value));
  }

  private parse(text: string): Facts {
    return { ...newFacts(), ...(JSON.parse(text) as Facts) };
  }
}

function newFacts(): Facts {
  return {
    checksumSeed: randomInt(1, 0x7fffffff),
    repository: '',
    snapshot: '',
    sequence: 0,
    completeTime: 0,
    newestTime: 0,
    inode: 0,
    files: 0,
    directories: 0,
    bytes: 0,
    sumsBytes: 0,
    sumsAdded: 0,
    sumsRow: 0,
  };
}

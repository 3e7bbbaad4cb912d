import type { Database, Statement, Value } from './database.ts';

/** Rows that gather before they are merged: what stays in the page cache, and less where the table is small. */
const FEWEST_FRESH = 16_384;
const MOST_FRESH = 65_536;

/**
 * A table whose keys come in no order, such as hashes: each row put straight into a tree of a million would touch a
 * page of its own. New rows gather in a small table, `fresh_NAME`, and are merged in order of their keys, so that a page
 * is touched once for many. Look-ups ask both, the fresh one first.
 */
export class TwoLevelTable {
  private readonly db: Database;
  private readonly name: string;
  private readonly columns: string[];
  private readonly keys: number;
  private readonly insert: Statement;
  private fresh: number | undefined;
  private total: number | undefined;

  /**
   * @param columns in the order of the schema, the primary key first
   * @param keys how many of them are the primary key
   */
  constructor(db: Database, name: string, columns: string[], keys: number) {
    this.db = db;
    this.name = name;
    this.columns = columns;
    this.keys = keys;
    this.insert = db.prepare(`INSERT OR REPLACE INTO fresh_${name} VALUES (${columns.map(() => '?').join(', ')})`);
  }

  /** A statement that finds rows of which the first `keys` columns are as bound. */
  lookUp(columns: string, keys: number = this.keys, limit = 1): Statement {
    const where = this.columns.slice(0, keys).map((column, i) => `${column} = ?${i + 1}`);
    const from = (table: string) => `SELECT ${columns} FROM ${table} WHERE ${where.join(' AND ')}`;
    return this.db.prepare(`${from(`fresh_${this.name}`)} UNION ALL ${from(this.name)} LIMIT ${limit}`);
  }

  /** Adds a row, or replaces the one of the same key. */
  put(...values: Value[]): void {
    this.insert.run(...values);
    this.added(1);
  }

  /** Tells of rows that were put into the fresh table by other statements. */
  added(count: number): void {
    this.fresh = (this.fresh ?? this.count(`fresh_${this.name}`) - count) + count;
    if (this.fresh < FEWEST_FRESH) return;
    this.total ??= this.count(this.name);
    if (this.fresh >= Math.min(MOST_FRESH, this.total / 8)) this.merge();
  }

  /** Deletes rows by their first `keys` columns. */
  delete(...keys: Value[]): void {
    const where = keys.map((_, i) => `${this.columns[i]} = ?`).join(' AND ');
    for (const table of [this.name, `fresh_${this.name}`])
      this.db.prepare(`DELETE FROM ${table} WHERE ${where}`).run(...keys);
  }

  merge(): void {
    const order = this.columns.slice(0, this.keys).join(', ');
    this.db.exec(
      `INSERT OR REPLACE INTO ${this.name} SELECT * FROM fresh_${this.name} ORDER BY ${order}; DELETE FROM fresh_${this.name}`,
    );
    this.total = (this.total ?? 0) + (this.fresh ?? 0);
    this.fresh = 0;
  }

  clear(): void {
    this.db.exec(`DELETE FROM ${this.name}; DELETE FROM fresh_${this.name}`);
    this.forget();
  }

  /** Another connection has written. */
  forget(): void {
    this.fresh = undefined;
    this.total = undefined;
  }

  private count(table: string): number {
    return this.db.prepare(`SELECT count(*) FROM ${table}`).get()![0] as number;
  }
}

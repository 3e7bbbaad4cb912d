import { crc32 } from 'node:zlib';
import { type Database, type Statement, toBuffer } from './database.ts';
import type { StateMeta } from './meta.ts';
import { PieceWriter, type SumsFacts, type SumsHead, type SumsWriter } from './sums-writer.ts';
import { TwoLevelTable } from './two-level.ts';

/** A piece is numbered by its sums' row times this, plus its place. */
export const MOST_PIECES: number = 2 ** 20;
/** What a row of sums weighs beside its records, about. */
export const ROW_BYTES = 200;
/** Contents of one size and time that are looked at for one that has sums of the right kind. */
const MOVED_CANDIDATES = 8;
const PAGE_ROWS = 500;
/** Kinds of sums that one content may have: clients differ in what they agree on. */
const MOST_KINDS = 64;

/** Contents of one size and time that are looked at. */
const MOST_MOVED = 16;

/** The cache of block sums. A lost entry costs a reading of the content, never more. */
export class SumsCache {
  private readonly db: Database;
  private readonly meta: StateMeta;
  private readonly kinds = new Map<string, number>();
  private nextRow = 0;
  /** content and kind to the row of its sums */
  private readonly keys: TwoLevelTable;
  private readonly moved: TwoLevelTable;
  private readonly q: Record<'row' | 'records' | 'page' | 'insert' | 'dropRow' | 'lastRow', Statement>;
  private readonly lookUp: Record<'row' | 'rows' | 'moved', Statement>;
  private readonly pieces: Record<'get' | 'add' | 'drop' | 'last', Statement>;
  private readonly others: Record<'kind' | 'addKind' | 'digest' | 'addDigest' | 'dropDigests', Statement>;

  constructor(db: Database, meta: StateMeta) {
    this.db = db;
    this.meta = meta;
    this.keys = new TwoLevelTable(db, 'sum_key', ['key', 'kind', 'row'], 2);
    this.moved = new TwoLevelTable(db, 'moved', ['size', 'mtime', 'nsec', 'key'], 4);
    this.lookUp = {
      row: this.keys.lookUp('row'),
      rows: this.keys.lookUp('row, kind', 1, MOST_KINDS),
      moved: this.moved.lookUp('key', 3, MOVED_CANDIDATES),
    };
    this.q = {
      row: db.prepare(
        'SELECT key, kind, crc, size, block_length, count, record_length, literal_bytes, literal_runs, blobs, records FROM sums WHERE row = ?',
      ),
      records: db.prepare('SELECT records FROM sums WHERE row = ?'),
      page: db.prepare(`SELECT row, key, kind, blobs FROM sums WHERE row > ? ORDER BY row LIMIT ${PAGE_ROWS}`),
      insert: db.prepare('INSERT INTO sums VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
      dropRow: db.prepare('DELETE FROM sums WHERE row = ?'),
      lastRow: db.prepare('SELECT max(row) FROM sums'),
    };
    this.pieces = {
      get: db.prepare('SELECT crc, records FROM piece WHERE id = ?'),
      add: db.prepare('INSERT INTO piece VALUES (?, ?, ?)'),
      drop: db.prepare('DELETE FROM piece WHERE id >= ? AND id < ?'),
      last: db.prepare('SELECT max(id) FROM piece'),
    };
    this.others = {
      kind: db.prepare('SELECT number FROM kind WHERE name = ?'),
      addKind: db.prepare('INSERT INTO kind (name) VALUES (?)'),
      digest: db.prepare('SELECT digest FROM digest WHERE key = ? AND algorithm = ?'),
      addDigest: db.prepare('INSERT OR REPLACE INTO digest VALUES (?, ?, ?)'),
      dropDigests: db.prepare('DELETE FROM digest WHERE key = ?'),
    };
    this.forget();
  }

  find(key: string, kind: string): SumsHead | undefined {
    return this.findKey(toKey(key), kind);
  }

  findMoved(size: number, mtime: number, mtimeNsec: number, kind: string): SumsHead | undefined {
    let best: SumsHead | undefined;
    let left = MOST_MOVED;
    for (const [key] of this.lookUp.moved.all(size, mtime, mtimeNsec)) {
      if (left-- === 0) break;
      const head = this.findKey(toBuffer(key), kind);
      if (head === undefined || head.count === 0) continue;
      // pushes that were cut leave fronts of files under the size of the whole
      if (best === undefined || covered(head) > covered(best)) best = head;
      if (covered(head) + head.blockLength > size) break;
    }
    return best;
  }

  /** Pieces of whole records, in order. */
  *read(head: SumsHead): Generator<Buffer> {
    const row = this.q.records.get(head.row);
    if (row === undefined) throw this.db.damaged('block sums are missing');
    if (row[0] !== null) {
      yield toBuffer(row[0]);
      return;
    }
    let left = head.count * head.recordLength;
    for (let piece = head.row * MOST_PIECES; left > 0; piece++) {
      const stored = this.pieces.get.get(piece);
      if (stored === undefined) throw this.db.damaged('a piece of block sums is missing');
      const records = toBuffer(stored[1]);
      left -= records.length;
      if (crc32(records) !== stored[0] || left < 0) throw this.db.damaged('block sums were changed on disk');
      yield records;
    }
  }

  writer(kind: string): SumsWriter {
    return new PieceWriter(this, kind);
  }

  /** Forgets all sums and digests of a content. */
  drop(key: string): void {
    for (const [row, kind] of this.lookUp.rows.all(toKey(key)) as number[][]) {
      this.dropRow(row);
      this.keys.delete(toKey(key), kind);
    }
    this.others.dropDigests.run(toKey(key));
  }

  /** The greatest row number given out. */
  get lastRow(): number {
    return this.nextRow - 1;
  }

  /** Forgets the sums behind row `after` of which `isGone` says so, and those that others have replaced; returns their number. */
  dropWhere(after: number, isGone: (blobs: Buffer, key: Buffer) => boolean): number {
    let gone = 0;
    for (let rows = this.q.page.all(after); rows.length > 0; rows = this.q.page.all(rows[rows.length - 1][0])) {
      for (const [row, key, kind, blobs] of rows) {
        const current = this.lookUp.row.get(key, kind)?.[0] === row;
        if (current && !isGone(toBuffer(blobs), toBuffer(key))) continue;
        this.dropRow(row as number);
        if (current) this.keys.delete(key, kind);
        gone++;
      }
    }
    return gone;
  }

  /** The content is now in a file of this time: `findMoved` finds it there too. */
  touch(key: string, mtime: number, mtimeNsec: number): void {
    for (const [row] of this.lookUp.rows.all(toKey(key))) {
      const size = this.q.row.get(row)?.[3];
      if (size !== undefined) this.moved.put(size, mtime, mtimeNsec, toKey(key));
    }
  }

  findDigest(key: string, algorithm: string): Buffer | undefined {
    const row = this.others.digest.get(toKey(key), algorithm);
    return row === undefined ? undefined : toBuffer(row[0]);
  }

  putDigest(key: string, algorithm: string, digest: Buffer): void {
    this.others.addDigest.run(toKey(key), algorithm, digest);
  }

  /** Another connection has written: numbers are looked up anew. */
  forget(): void {
    this.kinds.clear();
    this.keys.forget();
    this.moved.forget();
    const lastRow = (this.q.lastRow.get()![0] as number | null) ?? 0;
    // pieces of a writer that never ended belong to no row
    const lastPiece = (this.pieces.last.get()![0] as number | null) ?? 0;
    this.nextRow = Math.max(lastRow, Math.floor(lastPiece / MOST_PIECES)) + 1;
  }

  /** Brings the tables of keys into the form that a sweep reads. */
  merge(): void {
    this.keys.merge();
    this.moved.merge();
  }

  /** A row number for sums that are being written. */
  takeRow(): number {
    this.db.write();
    return this.nextRow++;
  }

  addPiece(row: number, piece: number, records: Buffer): void {
    if (piece >= MOST_PIECES) throw new RangeError('a file has more block sums than can be kept');
    this.db.write();
    this.pieces.add.run(row * MOST_PIECES + piece, crc32(records), records);
  }

  dropPieces(row: number): void {
    this.pieces.drop.run(row * MOST_PIECES, (row + 1) * MOST_PIECES);
  }

  /**
   * Sums of the same content and kind that were there before lie idle until the next sweep: to look for them would cost
   * more than they take.
   *
   * @param inline the records, unless they lie in pieces
   */
  insert(row: number, kind: string, count: number, inline: Buffer | null, facts: SumsFacts): void {
    const { size, mtime, mtimeNsec, blockLength, recordLength, literalBytes, literalRuns, blobs } = facts;
    const key = toKey(facts.key);
    const number = this.kindNumber(kind) ?? this.addKind(kind);
    const numbers = [size, blockLength, count, recordLength, literalBytes, literalRuns];
    this.q.insert.run(row, key, number, checkOf(numbers, number, key, blobs, inline), ...numbers, blobs, inline);
    this.keys.put(key, number, row);
    this.moved.put(size, mtime, mtimeNsec, key);
    const bytes = ROW_BYTES + blobs.length + count * recordLength;
    this.meta.set('sumsBytes', this.meta.get('sumsBytes') + bytes);
    this.meta.set('sumsAdded', this.meta.get('sumsAdded') + bytes);
  }

  private dropRow(row: number): void {
    this.dropPieces(row);
    this.q.dropRow.run(row);
  }

  private kindNumber(kind: string): number | undefined {
    let number = this.kinds.get(kind);
    if (number === undefined) {
      number = this.others.kind.get(kind)?.[0] as number | undefined;
      if (number !== undefined) this.kinds.set(kind, number);
    }
    return number;
  }

  private addKind(kind: string): number {
    const number = this.others.addKind.run(kind);
    this.kinds.set(kind, number);
    return number;
  }

  private findKey(key: Buffer, kind: string): SumsHead | undefined {
    const number = this.kindNumber(kind);
    const found = number === undefined ? undefined : this.lookUp.row.get(key, number);
    const row = found && this.q.row.get(found[0]);
    if (row === undefined) return undefined;
    const numbers = row.slice(3, 9) as number[];
    const blobs = toBuffer(row[9]);
    const inline = row[10] === null ? null : toBuffer(row[10]);
    const isRight = row[1] === number && toBuffer(row[0]).equals(key);
    if (!isRight || checkOf(numbers, number, key, blobs, inline) !== row[2])
      throw this.db.damaged('block sums were changed on disk');
    const [size, blockLength, count, recordLength, literalBytes, literalRuns] = numbers;
    return {
      row: found![0] as number,
      key: key.toString('latin1'),
      kind,
      blobs,
      size,
      blockLength,
      count,
      recordLength,
      literalBytes,
      literalRuns,
    };
  }
}

/** SQLite does not check what it reads; wrong sums or blob lists would make wrong files. */
function checkOf(numbers: number[], kind: number, key: Buffer, blobs: Buffer, inline: Buffer | null): number {
  const sum = crc32(blobs, crc32(key, crc32(`${numbers.join()},${kind}`)));
  return inline === null ? sum : crc32(inline, sum);
}

function toKey(key: string): Buffer {
  return Buffer.from(key, 'latin1');
}

/** Bytes that the sums are of, about. */
function covered({ size, count, blockLength }: SumsHead): number {
  return Math.min(size, count * blockLength);
}

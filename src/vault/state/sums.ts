import { crc32 } from 'node:zlib';
import { type Database, type Statement, toBuffer, type Value } from './database.ts';
import type { StateMeta } from './meta.ts';

/** Sums up to this lie in their row: a small file costs one insert. */
const INLINE_BYTES = 8192;
/** Longer ones lie in pieces of whole records and about this. */
const PIECE_BYTES = 160 * 1024;
/** A piece is numbered by its sums' row times this, plus its place. */
const MOST_PIECES = 2 ** 20;
/** What a row of sums weighs beside its records, about. */
const ROW_BYTES = 200;
/** Contents of one size and time that are looked at for one that has sums of the right kind. */
const MOVED_CANDIDATES = 8;
const PAGE_ROWS = 500;

/** Block sums of one stored content. */
export interface SumsHead {
  row: number;
  key: string;
  /** `${algorithm}:${seed}:${seedFirst ? 1 : 0}` */
  kind: string;
  /** blob IDs of the content */
  blobs: Buffer;
  /** bytes of the file; of one cut short in a push, of what it was to become */
  size: number;
  blockLength: number;
  count: number;
  /** bytes of a record: rolling sum and strong sum */
  recordLength: number;
  /** of the delta that made the content: literal bytes, and separate stretches of them */
  literalBytes: number;
  literalRuns: number;
}

export interface SumsFacts {
  key: string;
  blobs: Buffer;
  size: number;
  mtime: number;
  mtimeNsec: number;
  blockLength: number;
  recordLength: number;
  literalBytes: number;
  literalRuns: number;
}

/** Takes the records of one content as they are made; `finish` or `abort` ends it. */
export interface SumsWriter {
  /** @param records whole records; not kept by reference longer than the writer lives */
  append(records: Buffer): void;
  finish(facts: SumsFacts): void;
  abort(): void;
}

/** The cache of block sums. A lost or damaged entry costs a reading of the content, never more. */
export class SumsCache {
  private readonly db: Database;
  private readonly meta: StateMeta;
  private readonly kinds = new Map<string, number>();
  private nextRow = 0;
  private readonly q: Record<
    | 'find'
    | 'moved'
    | 'records'
    | 'piece'
    | 'rowOf'
    | 'kind'
    | 'addKind'
    | 'insert'
    | 'addMoved'
    | 'addPiece'
    | 'dropRow'
    | 'dropPieces'
    | 'lastRow'
    | 'lastPiece'
    | 'rowsOf'
    | 'page'
    | 'dropDigests'
    | 'sizesOf'
    | 'digest'
    | 'addDigest',
    Statement
  >;

  constructor(db: Database, meta: StateMeta) {
    this.db = db;
    this.meta = meta;
    const columns =
      'sums.row, sums.key, crc, sums.size, block_length, count, record_length, literal_bytes, literal_runs, blobs, records';
    this.q = {
      find: db.prepare(`SELECT ${columns} FROM sums WHERE key = ? AND kind = ?`),
      moved: db.prepare(
        `SELECT ${columns} FROM (SELECT key FROM moved WHERE size = ? AND mtime = ? AND nsec = ? LIMIT ${MOVED_CANDIDATES}) AS m JOIN sums ON sums.key = m.key AND kind = ? WHERE count > 0 LIMIT 1`,
      ),
      records: db.prepare('SELECT records FROM sums WHERE row = ?'),
      piece: db.prepare('SELECT crc, records FROM piece WHERE id = ?'),
      rowOf: db.prepare(
        'SELECT row, length(blobs) + coalesce(length(records), count * record_length) FROM sums WHERE key = ? AND kind = ?',
      ),
      rowsOf: db.prepare(
        'SELECT row, length(blobs) + coalesce(length(records), count * record_length) FROM sums WHERE key = ?',
      ),
      page: db.prepare(
        `SELECT row, length(blobs) + coalesce(length(records), count * record_length), blobs FROM sums WHERE row > ? ORDER BY row LIMIT ${PAGE_ROWS}`,
      ),
      kind: db.prepare('SELECT number FROM kind WHERE name = ?'),
      addKind: db.prepare('INSERT INTO kind (name) VALUES (?)'),
      insert: db.prepare('INSERT INTO sums VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
      addMoved: db.prepare('INSERT OR IGNORE INTO moved VALUES (?, ?, ?, ?)'),
      addPiece: db.prepare('INSERT INTO piece VALUES (?, ?, ?)'),
      dropRow: db.prepare('DELETE FROM sums WHERE row = ?'),
      dropPieces: db.prepare('DELETE FROM piece WHERE id >= ? AND id < ?'),
      lastRow: db.prepare('SELECT max(row) FROM sums'),
      lastPiece: db.prepare('SELECT max(id) FROM piece'),
      dropDigests: db.prepare('DELETE FROM digest WHERE key = ?'),
      sizesOf: db.prepare('SELECT DISTINCT size FROM sums WHERE key = ?'),
      digest: db.prepare('SELECT digest FROM digest WHERE key = ? AND algorithm = ?'),
      addDigest: db.prepare('INSERT OR REPLACE INTO digest VALUES (?, ?, ?)'),
    };
    this.forget();
  }

  find(key: string, kind: string): SumsHead | undefined {
    const number = this.kindNumber(kind);
    return number === undefined ? undefined : this.head(this.q.find.get(toKey(key), number), kind, number);
  }

  findMoved(size: number, mtime: number, mtimeNsec: number, kind: string): SumsHead | undefined {
    const number = this.kindNumber(kind);
    return number === undefined ? undefined : this.head(this.q.moved.get(size, mtime, mtimeNsec, number), kind, number);
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
      const stored = this.q.piece.get(piece);
      if (stored === undefined) throw this.db.damaged('a piece of block sums is missing');
      const records = toBuffer(stored[1]);
      left -= records.length;
      if (crc32(records) !== stored[0] || left < 0) throw this.db.damaged('block sums were changed on disk');
      yield records;
    }
  }

  writer(kind: string): SumsWriter {
    return new Writer(this, kind);
  }

  /** Forgets all sums and digests of a content. */
  drop(key: string): void {
    for (const [row, bytes] of this.q.rowsOf.all(toKey(key)) as number[][]) this.dropRow(row, bytes);
    this.q.dropDigests.run(toKey(key));
  }

  /** The greatest row number given out. */
  get lastRow(): number {
    return this.nextRow - 1;
  }

  /** Forgets the sums behind row `after` of which `isGone` says so; returns their number. */
  dropWhere(after: number, isGone: (blobs: Buffer) => boolean): number {
    let gone = 0;
    for (let rows = this.q.page.all(after); rows.length > 0; rows = this.q.page.all(rows[rows.length - 1][0])) {
      for (const [row, bytes, blobs] of rows) {
        if (!isGone(toBuffer(blobs))) continue;
        this.dropRow(row as number, bytes as number);
        gone++;
      }
    }
    return gone;
  }

  /** The content is now in a file of this time: `findMoved` finds it there too. */
  touch(key: string, mtime: number, mtimeNsec: number): void {
    for (const [size] of this.q.sizesOf.all(toKey(key))) this.q.addMoved.run(size, mtime, mtimeNsec, toKey(key));
  }

  findDigest(key: string, algorithm: string): Buffer | undefined {
    const row = this.q.digest.get(toKey(key), algorithm);
    return row === undefined ? undefined : toBuffer(row[0]);
  }

  putDigest(key: string, algorithm: string, digest: Buffer): void {
    this.q.addDigest.run(toKey(key), algorithm, digest);
  }

  /** Another connection has written: numbers are looked up anew. */
  forget(): void {
    this.kinds.clear();
    const lastRow = (this.q.lastRow.get()![0] as number | null) ?? 0;
    // pieces of a writer that never ended belong to no row
    const lastPiece = (this.q.lastPiece.get()![0] as number | null) ?? 0;
    this.nextRow = Math.max(lastRow, Math.floor(lastPiece / MOST_PIECES)) + 1;
  }

  /** A row number for sums that are being written. */
  takeRow(): number {
    this.db.write();
    return this.nextRow++;
  }

  addPiece(row: number, piece: number, records: Buffer): void {
    if (piece >= MOST_PIECES) throw new RangeError('a file has more block sums than can be kept');
    this.db.write();
    this.q.addPiece.run(row * MOST_PIECES + piece, crc32(records), records);
  }

  dropPieces(row: number): void {
    this.q.dropPieces.run(row * MOST_PIECES, (row + 1) * MOST_PIECES);
  }

  /** @param inline the records, unless they lie in pieces */
  insert(row: number, kind: string, count: number, inline: Buffer | null, facts: SumsFacts): void {
    const { size, mtime, mtimeNsec, blockLength, recordLength, literalBytes, literalRuns, blobs } = facts;
    const key = toKey(facts.key);
    const number = this.kindNumber(kind) ?? this.addKind(kind);
    const old = this.q.rowOf.get(key, number) as number[] | undefined;
    if (old !== undefined) this.dropRow(old[0], old[1]);
    const numbers = [size, blockLength, count, recordLength, literalBytes, literalRuns];
    this.q.insert.run(row, key, number, checkOf(numbers, number, key, blobs, inline), ...numbers, blobs, inline);
    this.q.addMoved.run(size, mtime, mtimeNsec, key);
    const bytes = ROW_BYTES + blobs.length + count * recordLength;
    this.meta.set('sumsBytes', this.meta.get('sumsBytes') + bytes);
    this.meta.set('sumsAdded', this.meta.get('sumsAdded') + bytes);
  }

  private dropRow(row: number, bytes: number): void {
    this.dropPieces(row);
    this.q.dropRow.run(row);
    this.meta.set('sumsBytes', Math.max(0, this.meta.get('sumsBytes') - bytes - ROW_BYTES));
  }

  private kindNumber(kind: string): number | undefined {
    let number = this.kinds.get(kind);
    if (number === undefined) {
      number = this.q.kind.get(kind)?.[0] as number | undefined;
      if (number !== undefined) this.kinds.set(kind, number);
    }
    return number;
  }

  private addKind(kind: string): number {
    const number = this.q.addKind.run(kind);
    this.kinds.set(kind, number);
    return number;
  }

  private head(row: Value[] | undefined, kind: string, kindNumber: number): SumsHead | undefined {
    if (row === undefined) return undefined;
    const numbers = row.slice(3, 9) as number[];
    const key = toBuffer(row[1]);
    const blobs = toBuffer(row[9]);
    const inline = row[10] === null ? null : toBuffer(row[10]);
    if (checkOf(numbers, kindNumber, key, blobs, inline) !== row[2])
      throw this.db.damaged('block sums were changed on disk');
    const [size, blockLength, count, recordLength, literalBytes, literalRuns] = numbers;
    return {
      row: row[0] as number,
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

class Writer implements SumsWriter {
  private readonly cache: SumsCache;
  private readonly kind: string;
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private total = 0;
  private row: number | undefined;
  private pieces = 0;

  constructor(cache: SumsCache, kind: string) {
    this.cache = cache;
    this.kind = kind;
  }

  append(records: Buffer): void {
    this.pending.push(records);
    this.pendingBytes += records.length;
    this.total += records.length;
    if (this.pendingBytes >= PIECE_BYTES) this.writePiece();
  }

  finish(facts: SumsFacts): void {
    if (this.total % facts.recordLength !== 0)
      throw new RangeError('block sums are not of the length they are said to be');
    let inline: Buffer | null = null;
    if (this.row === undefined && this.pendingBytes <= INLINE_BYTES)
      inline = this.pending.length === 1 ? this.pending[0] : Buffer.concat(this.pending);
    else if (this.pendingBytes > 0) this.writePiece();
    this.cache.insert(this.row ?? this.cache.takeRow(), this.kind, this.total / facts.recordLength, inline, facts);
    this.pending = [];
  }

  abort(): void {
    this.pending = [];
    if (this.row !== undefined) this.cache.dropPieces(this.row);
  }

  private writePiece(): void {
    this.row ??= this.cache.takeRow();
    this.cache.addPiece(
      this.row,
      this.pieces++,
      this.pending.length === 1 ? this.pending[0] : Buffer.concat(this.pending),
    );
    this.pending = [];
    this.pendingBytes = 0;
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

import { type Database, type Row, toBuffer } from './database.ts';

/** Sums up to this lie in their row: a small file costs one insert. */
const INLINE_BYTES = 4096;
/** Longer ones lie in pieces of about this. */
const PIECE_BYTES = 160 * 1024;
/** Snapshots for which the sums of a content that is gone are kept: it may come back under another name. */
const KEPT_SEQUENCES = 2;

/** Block sums of one stored content. */
export interface SumsHead {
  row: number;
  key: string;
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
  append(records: Buffer): void;
  finish(facts: SumsFacts): void;
  abort(): void;
}

const COLUMNS = 'row, key, kind, blobs, size, block_length, count, record_length, literal_bytes, literal_runs';

export class SumsCache {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  find(key: string, kind: string): SumsHead | undefined {
    return toHead(
      this.db.get(`SELECT ${COLUMNS} FROM sums WHERE key = ? AND kind = ? ORDER BY row DESC LIMIT 1`, bytes(key), kind),
    );
  }

  findMoved(size: number, mtime: number, mtimeNsec: number, kind: string): SumsHead | undefined {
    return toHead(
      this.db.get(
        `SELECT ${COLUMNS} FROM sums WHERE size = ? AND mtime = ? AND nsec = ? AND kind = ? AND key IS NOT NULL ORDER BY count DESC, row DESC LIMIT 1`,
        size,
        mtime,
        mtimeNsec,
        kind,
      ),
    );
  }

  *read(head: SumsHead): Generator<Buffer> {
    const inline = this.db.get('SELECT records FROM sums WHERE row = ?', head.row)?.records;
    if (inline !== undefined && inline !== null) {
      yield toBuffer(inline);
      return;
    }
    for (let seq = 0; ; seq++) {
      const piece = this.db.get('SELECT records FROM piece WHERE row = ? AND seq = ?', head.row, seq);
      if (piece === undefined) return;
      yield toBuffer(piece.records);
    }
  }

  writer(kind: string): SumsWriter {
    return new Writer(this.db, kind);
  }

  findDigest(key: string, algorithm: string): Buffer | undefined {
    const row = this.db.get('SELECT digest FROM digest WHERE key = ? AND algorithm = ?', bytes(key), algorithm);
    return row === undefined ? undefined : toBuffer(row.digest);
  }

  putDigest(key: string, algorithm: string, digest: Buffer): void {
    this.db.run('INSERT OR REPLACE INTO digest VALUES (?, ?, ?)', bytes(key), algorithm, digest);
  }

  /** Forgets the sums of contents that no directory has held for some snapshots, and of writers that never ended. */
  sweep(sequence: number): void {
    for (const { key } of [
      ...this.db.iterate('SELECT key FROM dropped WHERE sequence <= ?', sequence - KEPT_SEQUENCES),
    ]) {
      this.db.run('DELETE FROM piece WHERE row IN (SELECT row FROM sums WHERE key = ?)', key);
      this.db.run('DELETE FROM sums WHERE key = ?', key);
      this.db.run('DELETE FROM digest WHERE key = ?', key);
      this.db.run('DELETE FROM dropped WHERE key = ?', key);
    }
    this.db.run('DELETE FROM piece WHERE row IN (SELECT row FROM sums WHERE key IS NULL)');
    this.db.run('DELETE FROM sums WHERE key IS NULL');
  }
}

class Writer implements SumsWriter {
  private readonly db: Database;
  private readonly kind: string;
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private total = 0;
  private row: number | undefined;
  private seq = 0;

  constructor(db: Database, kind: string) {
    this.db = db;
    this.kind = kind;
  }

  append(records: Buffer): void {
    this.pending.push(records);
    this.pendingBytes += records.length;
    this.total += records.length;
    if (this.pendingBytes >= PIECE_BYTES) this.writePiece();
  }

  finish(facts: SumsFacts): void {
    const inline = this.row === undefined && this.pendingBytes <= INLINE_BYTES ? Buffer.concat(this.pending) : null;
    if (inline === null && this.pendingBytes > 0) this.writePiece();
    if (this.row !== undefined) this.db.run('DELETE FROM sums WHERE row = ?', this.row);
    const { key, blobs, size, mtime, mtimeNsec, blockLength, recordLength, literalBytes, literalRuns } = facts;
    forget(this.db, bytes(key), this.kind);
    const count = this.total / recordLength;
    this.db.run(
      'INSERT INTO sums VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      this.row ?? null,
      bytes(key),
      this.kind,
      blobs,
      size,
      mtime,
      mtimeNsec,
      blockLength,
      count,
      recordLength,
      literalBytes,
      literalRuns,
      inline,
    );
    this.db.run('DELETE FROM dropped WHERE key = ?', bytes(key));
  }

  abort(): void {
    this.pending = [];
    if (this.row === undefined) return;
    this.db.run('DELETE FROM piece WHERE row = ?', this.row);
    this.db.run('DELETE FROM sums WHERE row = ?', this.row);
  }

  private writePiece(): void {
    this.row ??= Number(this.db.run('INSERT INTO sums (kind) VALUES (?)', this.kind).lastInsertRowid);
    this.db.run('INSERT INTO piece VALUES (?, ?, ?)', this.row, this.seq++, Buffer.concat(this.pending));
    this.pending = [];
    this.pendingBytes = 0;
  }
}

/** Sums of the same content that were made before. */
function forget(db: Database, key: Buffer, kind: string): void {
  for (const { row } of [...db.iterate('SELECT row FROM sums WHERE key = ? AND kind = ?', key, kind)]) {
    db.run('DELETE FROM piece WHERE row = ?', row);
    db.run('DELETE FROM sums WHERE row = ?', row);
  }
}

function bytes(key: string): Buffer {
  return Buffer.from(key, 'latin1');
}

function toHead(row: Row | undefined): SumsHead | undefined {
  if (row === undefined) return undefined;
  return {
    row: row.row as number,
    key: toBuffer(row.key).toString('latin1'),
    kind: row.kind as string,
    blobs: toBuffer(row.blobs),
    size: row.size as number,
    blockLength: row.block_length as number,
    count: row.count as number,
    recordLength: row.record_length as number,
    literalBytes: row.literal_bytes as number,
    literalRuns: row.literal_runs as number,
  };
}

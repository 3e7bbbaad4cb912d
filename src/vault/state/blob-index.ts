import { crc32 } from 'node:zlib';
import type { BlobLocation, PackBlob, PackRecord } from '../../repository/blob.ts';
import { ID_BYTES } from '../content.ts';
import { type Database, type Statement, toBuffer } from './database.ts';
import { TwoLevelTable } from './two-level.ts';

const FLAG = { tree: 1, compressed: 2 };
/** The rest of `flags` checks the row's numbers, which SQLite does not. */
const CHECK_SHIFT = 2;
/** Bytes of a blob in the list of a pack that has no index file yet: ID, flags, length and plain length. */
const LISTED_BYTES = ID_BYTES + 1 + 4 + 4;
const CRC_BYTES = 4;
/** IDs of packs kept in memory. */
const KNOWN_PACKS = 4096;
/** Blobs that go into the table with one statement. */
const ROWS_AT_ONCE = 32;

/** Which blobs lie where: a copy of the repository's index that is asked by ID. Numbers of a blob fit 32 bits. */
export class BlobIndex {
  private readonly db: Database;
  private readonly table: TwoLevelTable;
  private readonly packs = new Map<number, Buffer>();
  private readonly q: Record<
    | 'find'
    | 'has'
    | 'packId'
    | 'packNumber'
    | 'addPack'
    | 'indexed'
    | 'addBlob'
    | 'addBlobs'
    | 'anyUnindexed'
    | 'unindexed'
    | 'allIndexed'
    | 'addFile'
    | 'files',
    Statement
  >;

  constructor(db: Database) {
    this.db = db;
    this.table = new TwoLevelTable(db, 'blob', ['id', 'pack', 'offset', 'length', 'plain', 'flags'], 1);
    const insert = 'INSERT OR REPLACE INTO fresh_blob VALUES ';
    const row = '(?, ?, ?, ?, ?, ?)';
    this.q = {
      find: this.table.lookUp('pack, offset, length, plain, flags'),
      has: this.table.lookUp('1'),
      packId: db.prepare('SELECT id FROM pack WHERE number = ?'),
      packNumber: db.prepare('SELECT number FROM pack WHERE id = ?'),
      addPack: db.prepare('INSERT INTO pack (id, size, blobs) VALUES (?, ?, ?)'),
      indexed: db.prepare('UPDATE pack SET blobs = NULL WHERE number = ? AND blobs IS NOT NULL'),
      addBlob: db.prepare(insert + row),
      addBlobs: db.prepare(insert + Array(ROWS_AT_ONCE).fill(row).join(', ')),
      anyUnindexed: db.prepare('SELECT 1 FROM pack WHERE blobs IS NOT NULL LIMIT 1'),
      unindexed: db.prepare(
        'SELECT number, id, size, blobs FROM pack WHERE blobs IS NOT NULL AND number > ? ORDER BY number LIMIT 1',
      ),
      allIndexed: db.prepare('UPDATE pack SET blobs = NULL WHERE blobs IS NOT NULL'),
      addFile: db.prepare('INSERT OR IGNORE INTO index_file VALUES (?)'),
      files: db.prepare('SELECT name FROM index_file'),
    };
  }

  /** Hot. */
  find(id: Buffer): BlobLocation | undefined {
    const row = this.q.find.get(id);
    if (row === undefined) return undefined;
    const [pack, offset, length, plainLength, flags] = row as number[];
    if (flags >>> CHECK_SHIFT !== checkOf(id, pack, offset, length, plainLength))
      throw this.db.damaged('the place of a blob was changed on disk');
    return {
      id,
      pack: this.packId(pack),
      type: flags & FLAG.tree ? 'tree' : 'data',
      offset,
      length,
      plainLength,
      compressed: (flags & FLAG.compressed) !== 0,
    };
  }

  has(id: Buffer): boolean {
    return this.q.has.get(id) !== undefined;
  }

  hasPack(id: Buffer): boolean {
    return this.q.packNumber.get(id) !== undefined;
  }

  /** @param indexed an index file names the pack */
  add(pack: PackRecord, indexed: boolean): void {
    const known = this.q.packNumber.get(pack.id);
    if (known !== undefined) {
      if (indexed) this.q.indexed.run(known[0]);
      return;
    }
    const number = this.q.addPack.run(pack.id, pack.size, indexed ? null : encodeList(pack.blobs));
    // neighbours in the table are written together
    const blobs = [...pack.blobs].sort((a, b) => Buffer.compare(a.id, b.id));
    let at = 0;
    for (; at + ROWS_AT_ONCE <= blobs.length; at += ROWS_AT_ONCE) {
      const values: (number | Buffer)[] = [];
      for (let i = at; i < at + ROWS_AT_ONCE; i++) pushRow(values, blobs[i], number);
      this.q.addBlobs.run(...values);
    }
    for (; at < blobs.length; at++) {
      const values: (number | Buffer)[] = [];
      pushRow(values, blobs[at], number);
      this.q.addBlob.run(...values);
    }
    this.table.added(blobs.length);
  }

  hasUnindexed(): boolean {
    return this.q.anyUnindexed.get() !== undefined;
  }

  /** Packs that no index file names, one at a time. */
  *unindexed(): Generator<PackRecord> {
    let last = 0;
    for (let row = this.q.unindexed.get(last); row !== undefined; row = this.q.unindexed.get(last)) {
      last = row[0] as number;
      const blobs = decodeList(toBuffer(row[3]));
      if (blobs === undefined) throw this.db.damaged('the list of a pack was changed on disk');
      yield { id: toBuffer(row[1]), size: row[2] as number, blobs };
    }
  }

  /** The index files `names` name all packs now. */
  markIndexed(names: string[]): void {
    this.q.allIndexed.run();
    for (const name of names) this.noteIndexFile(name);
  }

  noteIndexFile(name: string): void {
    this.q.addFile.run(name);
  }

  indexFiles(): Set<string> {
    return new Set(this.q.files.all().map(([name]) => name as string));
  }

  clear(): void {
    this.table.clear();
    for (const table of ['pack', 'index_file']) this.db.exec(`DELETE FROM ${table}`);
    this.packs.clear();
  }

  /** Another connection has written: what is remembered of the tables may be wrong. */
  forget(): void {
    this.table.forget();
    this.packs.clear();
  }

  private packId(number: number): Buffer {
    let id = this.packs.get(number);
    if (id === undefined) {
      const row = this.q.packId.get(number);
      if (row === undefined) throw this.db.damaged('a pack is missing from the table of packs');
      id = toBuffer(row[0]);
      if (this.packs.size >= KNOWN_PACKS) this.packs.clear();
      this.packs.set(number, id);
    }
    return id;
  }
}

function pushRow(values: (number | Buffer)[], blob: PackBlob, pack: number): void {
  const { id, offset, length, plainLength } = blob;
  values.push(
    id,
    pack,
    offset,
    length,
    plainLength,
    flagsOf(blob) | (checkOf(id, pack, offset, length, plainLength) << CHECK_SHIFT),
  );
}

function flagsOf(blob: PackBlob): number {
  return (blob.type === 'tree' ? FLAG.tree : 0) | (blob.compressed ? FLAG.compressed : 0);
}

/** 14 bits that hang on every number of a row. */
function checkOf(id: Buffer, pack: number, offset: number, length: number, plainLength: number): number {
  let sum = Math.imul(pack ^ id[31], 0x9e3779b1) ^ offset;
  sum = Math.imul(sum ^ (sum >>> 15), 0x85ebca6b) ^ length;
  sum = Math.imul(sum ^ (sum >>> 13), 0xc2b2ae35) ^ plainLength;
  sum = Math.imul(sum ^ (sum >>> 16), 0x27d4eb2f);
  return sum >>> 18;
}

function encodeList(blobs: PackBlob[]): Buffer {
  const list = Buffer.allocUnsafe(blobs.length * LISTED_BYTES + CRC_BYTES);
  let at = 0;
  for (const blob of blobs) {
    at += blob.id.copy(list, at);
    list[at] = flagsOf(blob);
    list.writeUInt32LE(blob.length, at + 1);
    list.writeUInt32LE(blob.plainLength, at + 5);
    at += LISTED_BYTES - ID_BYTES;
  }
  list.writeUInt32LE(crc32(list.subarray(0, at)), at);
  return list;
}

/** Blobs lie in their pack without gaps, in the order of the list. undefined when it is not what was written. */
function decodeList(list: Buffer): PackBlob[] | undefined {
  const end = list.length - CRC_BYTES;
  if (end < 0 || end % LISTED_BYTES !== 0 || crc32(list.subarray(0, end)) !== list.readUInt32LE(end)) return undefined;
  const blobs: PackBlob[] = [];
  let offset = 0;
  for (let at = 0; at < end; at += LISTED_BYTES) {
    const flags = list[at + ID_BYTES];
    const length = list.readUInt32LE(at + ID_BYTES + 1);
    const plainLength = list.readUInt32LE(at + ID_BYTES + 5);
    blobs.push({
      id: list.subarray(at, at + ID_BYTES),
      type: flags & FLAG.tree ? 'tree' : 'data',
      offset,
      length,
      plainLength,
      compressed: (flags & FLAG.compressed) !== 0,
    });
    offset += length;
  }
  return blobs;
}

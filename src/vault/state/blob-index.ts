import type { BlobLocation, PackBlob, PackRecord } from '../../repository/blob.ts';
import { type Database, toBuffer } from './database.ts';

const TREE = 1;
const COMPRESSED = 2;

/** Which blobs lie where: a copy of the repository's index that is asked by ID. */
export class BlobIndex {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  find(id: Buffer): BlobLocation | undefined {
    const row = this.db.get(
      'SELECT pack.id AS pack, offset, length, plain, flags FROM blob JOIN pack ON pack.number = blob.pack WHERE blob.id = ?',
      id,
    );
    if (row === undefined) return undefined;
    const flags = row.flags as number;
    return {
      id,
      pack: toBuffer(row.pack),
      type: flags & TREE ? 'tree' : 'data',
      offset: row.offset as number,
      length: row.length as number,
      plainLength: row.plain as number,
      compressed: (flags & COMPRESSED) !== 0,
    };
  }

  has(id: Buffer): boolean {
    return this.db.get('SELECT 1 AS found FROM blob WHERE id = ?', id) !== undefined;
  }

  hasPack(id: Buffer): boolean {
    return this.db.get('SELECT 1 AS found FROM pack WHERE id = ?', id) !== undefined;
  }

  add(pack: PackRecord, indexed: boolean): void {
    const known = this.db.get('SELECT number FROM pack WHERE id = ?', pack.id);
    if (known !== undefined) {
      if (indexed) this.db.run('UPDATE pack SET indexed = 1 WHERE number = ?', known.number);
      return;
    }
    const { lastInsertRowid } = this.db.run(
      'INSERT INTO pack (id, size, indexed) VALUES (?, ?, ?)',
      pack.id,
      pack.size,
      indexed ? 1 : 0,
    );
    for (const blob of pack.blobs) {
      const flags = (blob.type === 'tree' ? TREE : 0) | (blob.compressed ? COMPRESSED : 0);
      this.db.run(
        'INSERT OR IGNORE INTO blob VALUES (?, ?, ?, ?, ?, ?)',
        blob.id,
        lastInsertRowid,
        blob.offset,
        blob.length,
        blob.plainLength,
        flags,
      );
    }
  }

  hasUnindexed(): boolean {
    return this.db.get('SELECT 1 AS found FROM pack WHERE indexed = 0') !== undefined;
  }

  *unindexed(): Generator<PackRecord> {
    const packs = [...this.db.iterate('SELECT number, id, size FROM pack WHERE indexed = 0 ORDER BY number')];
    if (packs.length === 0) return;
    // one pass over the blobs of the newest packs, which have no index of their own by pack
    const first = packs[0].number as number;
    const blobs = new Map<number, PackBlob[]>(packs.map((p) => [p.number as number, []]));
    for (const row of this.db.iterate(
      'SELECT id, pack, offset, length, plain, flags FROM blob WHERE pack >= ?',
      first,
    )) {
      const flags = row.flags as number;
      blobs.get(row.pack as number)?.push({
        id: toBuffer(row.id),
        type: flags & TREE ? 'tree' : 'data',
        offset: row.offset as number,
        length: row.length as number,
        plainLength: row.plain as number,
        compressed: (flags & COMPRESSED) !== 0,
      });
    }
    for (const pack of packs) {
      const listed = blobs.get(pack.number as number)!.sort((a, b) => a.offset - b.offset);
      yield { id: toBuffer(pack.id), size: pack.size as number, blobs: listed };
    }
  }

  markIndexed(names: string[]): void {
    this.db.run('UPDATE pack SET indexed = 1 WHERE indexed = 0');
    for (const name of names) this.noteIndexFile(name);
  }

  noteIndexFile(name: string): void {
    this.db.run('INSERT OR IGNORE INTO index_file VALUES (?)', name);
  }

  indexFiles(): Set<string> {
    return new Set([...this.db.iterate('SELECT name FROM index_file')].map((row) => row.name as string));
  }

  clear(): void {
    for (const table of ['blob', 'pack', 'index_file']) this.db.run(`DELETE FROM ${table}`);
  }
}

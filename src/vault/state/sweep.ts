/**
 * Which block sums may go. Nothing counts who uses a content: that would cost a write per file. Instead, when a quarter
 * of the cache is new since the last time, all directories are walked once, and what they hold goes into a Bloom filter
 * (Bloom, CACM 1970): flat memory, and its errors only keep what could go. Content that was removed can serve as the
 * basis of a renamed file until then.
 */
import { hash } from 'node:crypto';
import { contentKey, KEY_BYTES } from '../content.ts';
import { type Database, toBuffer } from './database.ts';
import type { Directories } from './directories.ts';
import type { StateMeta } from './meta.ts';
import { MOST_PIECES, ROW_BYTES, type SumsCache } from './sums.ts';

/** Bytes added below which a walk is not worth it. */
const LEAST_ADDED = 8 << 20;
const BITS_PER_KEY = 16;
const PROBES = 5;
const PAGE_ROWS = 500;

/** Returns the number of contents forgotten. */
export function sweepSums(
  db: Database,
  meta: StateMeta,
  directories: Directories,
  sums: SumsCache,
  always: boolean,
): number {
  const { files } = meta.totals();
  const added = meta.get('sumsAdded');
  if (!always && (added < LEAST_ADDED || added < meta.get('sumsBytes') / 4)) return 0;
  const live = new Filter(2 * files);
  for (const { entries } of directories.walk('')) {
    for (const { blobs, size, mtime, mtimeNsec } of entries) {
      if (blobs.length === 0) continue;
      const key = Buffer.from(contentKey(blobs), 'latin1');
      live.add(key);
      live.add(movedKey(size, mtime, mtimeNsec, key));
    }
  }
  sums.merge();
  const gone = sums.dropWhere(0, (_, key) => !live.has(key));
  // and those of writers that never ended
  db.exec(`DELETE FROM piece WHERE id / ${MOST_PIECES} NOT IN (SELECT row FROM sums)`);
  sweepMoved(db, live);
  sweepDigests(db, live);
  const [bytes] = db.prepare(`SELECT total(${ROW_BYTES} + length(blobs) + count * record_length) FROM sums`).get()!;
  meta.set('sumsBytes', bytes as number);
  meta.set('sumsAdded', 0);
  return gone;
}

function sweepMoved(db: Database, live: Filter): void {
  const page = db.prepare(
    `SELECT size, mtime, nsec, key FROM moved WHERE (size, mtime, nsec, key) > (?, ?, ?, ?) ORDER BY size, mtime, nsec, key LIMIT ${PAGE_ROWS}`,
  );
  const drop = db.prepare('DELETE FROM moved WHERE size = ? AND mtime = ? AND nsec = ? AND key = ?');
  for (let rows = page.all(-1, 0, 0, Buffer.alloc(0)); rows.length > 0; rows = page.all(...rows[rows.length - 1])) {
    for (const row of rows) {
      const [size, mtime, nsec, key] = row;
      if (!live.has(movedKey(size as number, mtime as number, nsec as number, toBuffer(key)))) drop.run(...row);
    }
  }
}

function sweepDigests(db: Database, live: Filter): void {
  const page = db.prepare(`SELECT DISTINCT key FROM digest WHERE key > ? ORDER BY key LIMIT ${PAGE_ROWS}`);
  const drop = db.prepare('DELETE FROM digest WHERE key = ?');
  for (let rows = page.all(Buffer.alloc(0)); rows.length > 0; rows = page.all(rows[rows.length - 1][0])) {
    for (const [key] of rows) if (!live.has(toBuffer(key))) drop.run(key);
  }
}

function movedKey(size: number, mtime: number, mtimeNsec: number, key: Buffer): Buffer {
  return hash('md5', `${size},${mtime},${mtimeNsec},${key.toString('latin1')}`, 'buffer');
}

/** Keys are bytes of a hash: they are their own hash functions. */
class Filter {
  private readonly bits: Uint8Array;
  private readonly mask: number;

  constructor(keys: number) {
    let bits = 1 << 16;
    while (bits < keys * BITS_PER_KEY && bits < 2 ** 31) bits *= 2;
    this.bits = new Uint8Array(bits / 8);
    this.mask = bits - 1;
  }

  add(key: Buffer): void {
    for (let i = 0; i < PROBES; i++) {
      const bit = this.probe(key, i);
      this.bits[bit >>> 3] |= 1 << (bit & 7);
    }
  }

  has(key: Buffer): boolean {
    for (let i = 0; i < PROBES; i++) {
      const bit = this.probe(key, i);
      if ((this.bits[bit >>> 3] & (1 << (bit & 7))) === 0) return false;
    }
    return true;
  }

  private probe(key: Buffer, i: number): number {
    const first = key.readUInt32LE(0);
    const second = key.readUInt32LE(KEY_BYTES - 8) | 1;
    return ((first + Math.imul(i, second)) & this.mask) >>> 0;
  }
}

import { crc32 } from 'node:zlib';
import { isDir } from '../../lib/stat.ts';
import { contentKey, KEY_BYTES } from '../content.ts';
import type { Entry } from '../entry.ts';
import { type Database, type Statement, toBuffer } from './database.ts';
import { decodeDirectory, type EncodedDirectory, encodeDirectory } from './entry-codec.ts';
import type { StateMeta } from './meta.ts';

/** Paths remembered as dirty; forgetting them costs a look into the table. */
const REMEMBERED_PATHS = 20_000;

/** The directories of the state, by path; dirty ones are those whose tree blob is not written. */
export class Directories {
  private readonly db: Database;
  private readonly meta: StateMeta;
  /** known to be dirty with all their ancestors, so that those are marked once */
  private readonly dirtyPaths = new Set<string>();
  private readonly q: Record<
    | 'read'
    | 'content'
    | 'old'
    | 'insertRecord'
    | 'updateRecord'
    | 'insertDir'
    | 'updateDir'
    | 'markDirty'
    | 'tree'
    | 'setTree'
    | 'anyDirty'
    | 'dirtyBelow'
    | 'subtreeTotals'
    | 'subtreeContents'
    | 'deleteRecords'
    | 'deleteDirs'
    | 'hold'
    | 'letGo'
    | 'dropContent'
    | 'has',
    Statement
  >;

  constructor(db: Database, meta: StateMeta) {
    this.db = db;
    this.meta = meta;
    const below = 'path = ?1 OR (path > ?2 AND path < ?3)';
    this.q = {
      read: db.prepare('SELECT crc, entries FROM dir JOIN record ON record.row = dir.record WHERE path = ?'),
      content: db.prepare('SELECT blobs FROM content WHERE key = ?'),
      has: db.prepare('SELECT 1 FROM dir WHERE path = ?'),
      old: db.prepare('SELECT record, files, bytes, contents FROM dir WHERE path = ?'),
      insertRecord: db.prepare('INSERT INTO record (crc, entries) VALUES (?, ?)'),
      updateRecord: db.prepare('UPDATE record SET crc = ?, entries = ? WHERE row = ?'),
      insertDir: db.prepare('INSERT INTO dir VALUES (?, ?, NULL, ?, ?, ?)'),
      updateDir: db.prepare('UPDATE dir SET tree = NULL, files = ?, bytes = ?, contents = ? WHERE path = ?'),
      markDirty: db.prepare('UPDATE dir SET tree = NULL WHERE path = ? AND tree IS NOT NULL'),
      tree: db.prepare('SELECT tree FROM dir WHERE path = ?'),
      setTree: db.prepare('UPDATE dir SET tree = ? WHERE path = ?'),
      anyDirty: db.prepare('SELECT 1 FROM dir WHERE tree IS NULL LIMIT 1'),
      dirtyBelow: db.prepare(`SELECT path FROM dir WHERE tree IS NULL AND path < ? ORDER BY path DESC LIMIT 1`),
      subtreeTotals: db.prepare(`SELECT count(*), total(files), total(bytes) FROM dir WHERE ${below}`),
      subtreeContents: db.prepare(`SELECT contents FROM dir WHERE contents IS NOT NULL AND (${below})`),
      deleteRecords: db.prepare(`DELETE FROM record WHERE row IN (SELECT record FROM dir WHERE ${below})`),
      deleteDirs: db.prepare(`DELETE FROM dir WHERE ${below}`),
      hold: db.prepare('INSERT INTO content VALUES (?, 1, ?) ON CONFLICT (key) DO UPDATE SET uses = uses + 1'),
      letGo: db.prepare('UPDATE content SET uses = uses - 1 WHERE key = ?'),
      dropContent: db.prepare('DELETE FROM content WHERE key = ? AND uses <= 0'),
    };
  }

  /** Hot: one look-up, one checksum, one pass. */
  read(path: string): Entry[] | undefined {
    const row = this.q.read.get(path);
    if (row === undefined) return undefined;
    const record = toBuffer(row[1]);
    if (crc32(record) !== row[0]) throw this.db.damaged('a directory was changed on disk');
    try {
      return decodeDirectory(record, this.loadContent);
    } catch (error) {
      throw error instanceof RangeError ? this.db.damaged('a directory cannot be decoded', error) : error;
    }
  }

  has(path: string): boolean {
    return this.q.has.get(path) !== undefined;
  }

  /** Writes the directory and marks it and its ancestors dirty. */
  write(path: string, entries: Entry[]): void {
    this.put(path, entries);
    this.remember(path);
    if (path !== '') this.markDirty(parentOf(path));
  }

  /** Writes a directory whose tree is stored, and leaves its ancestors as they are. */
  writeStored(path: string, entries: Entry[], tree: Buffer): void {
    this.put(path, entries);
    this.q.setTree.run(tree, path);
    this.dirtyPaths.delete(path);
  }

  private put(path: string, entries: Entry[]): void {
    if (path.includes('\0')) throw new RangeError('a path has a NUL');
    const encoded = encodeDirectory(entries);
    const { record, files, bytes } = encoded;
    const old = this.q.old.get(path);
    // first held, then let go: a list that stays is not dropped in between
    const contents = this.holdContents(encoded);
    if (old === undefined) {
      const row = this.q.insertRecord.run(crc32(record), record);
      this.q.insertDir.run(path, row, files, bytes, contents);
      this.meta.count(files, 1, bytes);
    } else {
      this.q.updateRecord.run(crc32(record), record, old[0]);
      this.q.updateDir.run(files, bytes, contents, path);
      this.letGoContents(old[3] as Uint8Array | null);
      this.meta.count(files - (old[1] as number), 0, bytes - (old[2] as number));
    }
  }

  /** Marks the directory and its ancestors, those that are there. */
  markDirty(path: string): void {
    for (let at = path; !this.dirtyPaths.has(at); at = parentOf(at)) {
      this.q.markDirty.run(at);
      this.remember(at);
      if (at === '') return;
    }
  }

  remove(path: string): void {
    const below = subtree(path);
    const [count, files, bytes] = this.q.subtreeTotals.get(...below) as number[];
    if (count > 0) {
      for (const [contents] of this.q.subtreeContents.all(...below)) this.letGoContents(contents as Uint8Array);
      this.q.deleteRecords.run(...below);
      this.q.deleteDirs.run(...below);
      this.meta.count(-files, -count, -bytes);
      if (count > 1) this.dirtyPaths.clear();
      else this.dirtyPaths.delete(path);
    }
    if (path !== '') this.markDirty(parentOf(path));
  }

  /** Preorder, names in byte order; only what is reached from `path` by entries. */
  *walk(path: string): Generator<{ path: string; entries: Entry[] }> {
    const pending = [path];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const entries = this.read(next);
      if (entries === undefined) continue;
      yield { path: next, entries };
      const prefix = next === '' ? '' : `${next}/`;
      for (let i = entries.length - 1; i >= 0; i--) if (isDir(entries[i].mode)) pending.push(prefix + entries[i].name);
    }
  }

  /**
   * Every path that is dirty, each after all below it (a path sorts behind its ancestors). Looked up one by one, so that
   * what becomes dirty meanwhile and sorts before the last is not missed.
   */
  *dirty(): Generator<string> {
    // above every path: no name has this character
    let last = '\u{ffff}';
    for (let row = this.q.dirtyBelow.get(last); row !== undefined; row = this.q.dirtyBelow.get(last)) {
      last = row[0] as string;
      yield last;
    }
  }

  hasDirty(): boolean {
    return this.q.anyDirty.get() !== undefined;
  }

  /** The ID of the directory's tree blob; null while it is dirty, undefined when there is no such directory. */
  treeOf(path: string): Buffer | null | undefined {
    const row = this.q.tree.get(path);
    if (row === undefined) return undefined;
    return row[0] === null ? null : toBuffer(row[0]);
  }

  setTree(path: string, tree: Buffer): void {
    this.q.setTree.run(tree, path);
    // whatever is below it, or has no record, no longer leads up to a dirty ancestor
    this.dirtyPaths.clear();
  }

  /** Another connection has written: what is remembered of the tables may be wrong. */
  forget(): void {
    this.dirtyPaths.clear();
  }

  private remember(path: string): void {
    if (this.dirtyPaths.size >= REMEMBERED_PATHS) this.dirtyPaths.clear();
    this.dirtyPaths.add(path);
  }

  private readonly loadContent = (key: string): Buffer => {
    const row = this.q.content.get(Buffer.from(key, 'latin1'));
    if (row === undefined) throw this.db.damaged('the blob list of a file is missing');
    const blobs = toBuffer(row[0]);
    if (contentKey(blobs) !== key) throw this.db.damaged('the blob list of a file was changed on disk');
    return blobs;
  };

  /** Counts the blob lists in; returns their keys, one after another. */
  private holdContents({ contents }: EncodedDirectory): Buffer | null {
    if (contents.length === 0) return null;
    const keys = Buffer.from(contents.map(({ key }) => key).join(''), 'latin1');
    contents.forEach(({ blobs }, i) => {
      this.q.hold.run(keys.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES), blobs);
    });
    return keys;
  }

  private letGoContents(contents: Uint8Array | null): void {
    if (contents === null) return;
    for (let at = 0; at < contents.length; at += KEY_BYTES) {
      const key = contents.subarray(at, at + KEY_BYTES);
      this.q.letGo.run(key);
      this.q.dropContent.run(key);
    }
  }
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** A path, and the open range of all below it: from '/' to the character after it. */
function subtree(path: string): [string, string, string] {
  return path === '' ? ['', '', '\u{ffff}'] : [path, `${path}/`, `${path}0`];
}

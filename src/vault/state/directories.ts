import { contentKey } from '../content.ts';
import { type Entry, NO_BLOBS } from '../entry.ts';
import { StateDamagedError } from '../errors.ts';
import { type Database, type Row, toBuffer } from './database.ts';
import { decodeDirectory, encodeDirectory } from './entry-codec.ts';

export interface Totals {
  /** everything that is no directory */
  files: number;
  directories: number;
  /** of regular files */
  bytes: number;
}

export interface DirtyDirectory {
  path: string;
  entries: Entry[];
}

/** The directories of the state, by path; dirty ones are those whose tree blob is not written. */
export class Directories {
  private readonly db: Database;
  /** paths known to be dirty, so that ancestors are marked once */
  private readonly dirtyPaths = new Set<string>();
  private readonly sums: Totals;
  private sumsChanged = false;
  /** of the newest snapshot */
  sequence: number;

  constructor(db: Database) {
    this.db = db;
    const saved = db.get("SELECT value FROM meta WHERE key = 'totals'")?.value;
    this.sums = saved === undefined ? { files: 0, directories: 0, bytes: 0 } : JSON.parse(saved as string);
    this.sequence = Number(db.get("SELECT value FROM meta WHERE key = 'sequence'")?.value ?? 0);
  }

  totals(): Totals {
    return { ...this.sums };
  }

  saveTotals(): void {
    if (!this.sumsChanged) return;
    this.db.run("INSERT OR REPLACE INTO meta VALUES ('totals', ?)", JSON.stringify(this.sums));
    this.sumsChanged = false;
  }

  read(path: string): Entry[] | undefined {
    const row = this.db.get('SELECT entries, crc FROM dir WHERE path = ?', key(path));
    return row === undefined ? undefined : this.decode(row);
  }

  write(path: string, entries: Entry[]): void {
    const { record, crc, files, bytes, contents } = encodeDirectory(entries);
    const old = this.db.get('SELECT entries, crc, files, bytes, contents FROM dir WHERE path = ?', key(path));
    if (old !== undefined) this.letGo(old, entries);
    for (const [content, blobs] of contents) this.hold(content, blobs);
    this.db.run(
      'INSERT OR REPLACE INTO dir VALUES (?, ?, ?, NULL, ?, ?, ?)',
      key(path),
      record,
      crc,
      files,
      bytes,
      contents.size,
    );
    this.sums.files += files - ((old?.files as number | undefined) ?? 0);
    this.sums.bytes += bytes - ((old?.bytes as number | undefined) ?? 0);
    if (old === undefined) this.sums.directories++;
    this.sumsChanged = true;
    this.markDirty(path);
  }

  remove(path: string): void {
    for (const row of [
      ...this.db.iterate(
        'SELECT path, files, bytes FROM dir WHERE path = ? OR (path > ? AND path < ?)',
        ...subtree(path),
      ),
    ]) {
      const old = this.db.get('SELECT entries, crc, contents FROM dir WHERE path = ?', row.path);
      if (old !== undefined) this.letGo(old, []);
      this.sums.files -= row.files as number;
      this.sums.bytes -= row.bytes as number;
      this.sums.directories--;
      this.dirtyPaths.delete(toBuffer(row.path).toString('latin1'));
    }
    this.sumsChanged = true;
    this.db.run('DELETE FROM dir WHERE path = ? OR (path > ? AND path < ?)', ...subtree(path));
    if (path !== '') this.markDirty(parent(path));
  }

  *walk(path: string): Generator<{ path: string; entries: Entry[] }> {
    const all = 'SELECT path, entries, crc FROM dir';
    const rows =
      path === ''
        ? this.db.iterate(`${all} ORDER BY path`)
        : this.db.iterate(`${all} WHERE path = ? OR (path > ? AND path < ?) ORDER BY path`, ...subtree(path));
    for (const row of rows) yield { path: toBuffer(row.path).toString('latin1'), entries: this.decode(row) };
  }

  *dirty(): Generator<DirtyDirectory> {
    const paths = [...this.db.iterate('SELECT path FROM dir WHERE tree IS NULL')].map((row) =>
      toBuffer(row.path).toString('latin1'),
    );
    // deeper first: a child is always deeper than its parent
    const depth = (path: string) => (path === '' ? 0 : path.split('/').length);
    const keyed = paths.map((path) => ({ path, depth: depth(path) }));
    keyed.sort((a, b) => b.depth - a.depth || (a.path < b.path ? -1 : 1));
    for (const { path } of keyed) {
      const entries = this.read(path);
      if (entries !== undefined) yield { path, entries };
    }
  }

  hasDirty(): boolean {
    return this.db.get('SELECT 1 AS found FROM dir WHERE tree IS NULL LIMIT 1') !== undefined;
  }

  treeOf(path: string): Buffer | undefined {
    const row = this.db.get('SELECT tree FROM dir WHERE path = ?', key(path));
    return row?.tree === undefined || row.tree === null ? undefined : toBuffer(row.tree);
  }

  setTree(path: string, tree: Buffer): void {
    this.db.run('UPDATE dir SET tree = ? WHERE path = ?', tree, key(path));
    this.dirtyPaths.delete(path);
  }

  private markDirty(path: string): void {
    let at = path;
    while (!this.dirtyPaths.has(at)) {
      this.dirtyPaths.add(at);
      if (at !== path || path === '')
        this.db.run('UPDATE dir SET tree = NULL WHERE path = ? AND tree IS NOT NULL', key(at));
      else this.db.run('UPDATE dir SET tree = NULL WHERE path = ?', key(at));
      if (at === '') return;
      at = parent(at);
    }
  }

  private decode(row: Row): Entry[] {
    return decodeDirectory(toBuffer(row.entries), row.crc as number, (content) => this.content(content));
  }

  private content(content: string): Buffer {
    const row = this.db.get('SELECT blobs FROM content WHERE key = ?', key(content));
    if (row === undefined) throw new StateDamagedError('the state lacks the blob list of a file');
    const blobs = toBuffer(row.blobs);
    if (contentKey(blobs) !== content) throw new StateDamagedError('the blob list of a file was changed on disk');
    return blobs;
  }

  private hold(content: string, blobs: Buffer): void {
    this.db.run(
      'INSERT INTO content VALUES (?, ?, 1) ON CONFLICT (key) DO UPDATE SET uses = uses + 1',
      key(content),
      blobs,
    );
  }

  /** Notes which contents an old record names that the new entries do not. */
  private letGo(old: Row, entries: Entry[]): void {
    const kept = new Set<string>();
    for (const entry of entries) kept.add(contentKey(entry.blobs));
    const many = new Set<string>();
    const before = decodeDirectory(toBuffer(old.entries), old.crc as number, (content) => {
      many.add(content);
      // the list itself is not needed, only its key
      return NO_BLOBS;
    });
    for (const content of many) {
      this.db.run('UPDATE content SET uses = uses - 1 WHERE key = ?', key(content));
      this.db.run('DELETE FROM content WHERE key = ? AND uses <= 0', key(content));
      if (!kept.has(content)) this.drop(content);
    }
    for (const entry of before) {
      const content = contentKey(entry.blobs);
      if (content !== '' && !kept.has(content)) this.drop(content);
    }
  }

  private drop(content: string): void {
    this.db.run('INSERT OR REPLACE INTO dropped VALUES (?, ?)', key(content), this.sequence);
  }
}

function key(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function parent(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** A path, and the open range of all below it: '/' and the byte after it. */
function subtree(path: string): [Buffer, Buffer, Buffer] {
  if (path === '') return [key(''), key(''), Buffer.of(0xff, 0xff)];
  return [key(path), key(`${path}/`), key(`${path}0`)];
}

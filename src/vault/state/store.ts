import { randomInt } from 'node:crypto';
import type { BlobLocation, PackRecord } from '../../repository/blob.ts';
import type { Entry } from '../entry.ts';
import { BlobIndex } from './blob-index.ts';
import { Database } from './database.ts';
import { Directories, type DirtyDirectory, type Totals } from './directories.ts';
import { decodeDirectory, encodeDirectory } from './entry-codec.ts';
import { SumsCache, type SumsHead, type SumsWriter } from './sums.ts';

export type { Totals } from './directories.ts';
export type { SumsHead, SumsWriter } from './sums.ts';

/**
 * The current state of a vault: what the last push left, as packed directories, and beside it the blob index and the
 * cache of block sums. Synchronous; one writer. Writes gather in a transaction that `checkpoint` commits, so readers in
 * other threads see what was there at the last checkpoint.
 */
export class StateStore {
  private readonly db: Database;
  private readonly directories: Directories;
  private readonly blobs: BlobIndex;
  private readonly sums: SumsCache;

  private constructor(db: Database) {
    this.db = db;
    this.directories = new Directories(db);
    this.blobs = new BlobIndex(db);
    this.sums = new SumsCache(db);
  }

  /** @throws StateDamagedError when the file is no state: it can be rebuilt then */
  static open(file: string, options: { readOnly?: boolean } = {}): StateStore {
    const store = new StateStore(new Database(file, options.readOnly ?? false));
    if (store.meta('checksumSeed') === undefined) {
      store.setMeta('checksumSeed', randomInt(1, 0x7fffffff));
      store.checkpoint();
    }
    return store;
  }

  checkpoint(): void {
    this.directories.saveTotals();
    this.db.checkpoint();
  }

  close(): void {
    this.db.close();
  }

  /** The seed of all block sums of the vault: positive, constant until the state is lost. */
  get checksumSeed(): number {
    return this.meta('checksumSeed') as number;
  }

  /** Hex ID of the snapshot that holds this state; undefined before the first. */
  get snapshotId(): string | undefined {
    return this.meta('snapshot') as string | undefined;
  }

  /** Counts the vault's snapshots up. */
  get sequence(): number {
    return (this.meta('sequence') as number | undefined) ?? 0;
  }

  /** Notes that `snapshot` holds the state as it is; forgets sums of contents long gone. */
  setSnapshot(snapshot: string, sequence: number): void {
    this.setMeta('snapshot', snapshot);
    this.setMeta('sequence', sequence);
    this.sums.sweep(sequence);
    this.directories.sequence = sequence;
  }

  nextInode(): number {
    const inode = ((this.meta('inode') as number | undefined) ?? 0) + 1;
    this.setMeta('inode', inode);
    return inode;
  }

  /** Keeps inode numbers below `least` from being given out. */
  reserveInodes(least: number): void {
    if (((this.meta('inode') as number | undefined) ?? 0) < least) this.setMeta('inode', least);
  }

  readRoot(): Entry | undefined {
    const row = this.db.get("SELECT value FROM meta WHERE key = 'root'");
    if (row === undefined) return undefined;
    const { record, crc } = JSON.parse(row.value as string) as { record: string; crc: number };
    return decodeDirectory(Buffer.from(record, 'base64'), crc, () => Buffer.alloc(0))[0];
  }

  /** Attributes of the module's root; they are in no tree, so restic does not show them. */
  writeRoot(entry: Entry): void {
    const { record, crc } = encodeDirectory([entry]);
    this.setMeta('root', JSON.stringify({ record: record.toString('base64'), crc }));
  }

  readDir(path: string): Entry[] | undefined {
    return this.directories.read(path);
  }

  writeDir(path: string, entries: Entry[]): void {
    this.directories.write(path, entries);
  }

  removeDir(path: string): void {
    this.directories.remove(path);
  }

  /** Every directory at and below `path`, parents first. */
  walk(path: string): Generator<{ path: string; entries: Entry[] }> {
    return this.directories.walk(path);
  }

  totals(): Totals {
    return this.directories.totals();
  }

  /** Directories whose trees have to be written, children before their parents. */
  dirtyDirectories(): Generator<DirtyDirectory> {
    return this.directories.dirty();
  }

  hasDirty(): boolean {
    return this.directories.hasDirty();
  }

  treeOf(path: string): Buffer | undefined {
    return this.directories.treeOf(path);
  }

  setTree(path: string, tree: Buffer): void {
    this.directories.setTree(path, tree);
  }

  findBlob(id: Buffer): BlobLocation | undefined {
    return this.blobs.find(id);
  }

  hasBlob(id: Buffer): boolean {
    return this.blobs.has(id);
  }

  /** Adds a durable pack that no index file names yet. */
  addPack(pack: PackRecord): void {
    this.blobs.add(pack, false);
  }

  /** Adds the packs of an index file. */
  addIndexFile(name: string, packs: PackRecord[]): void {
    for (const pack of packs) this.blobs.add(pack, true);
    this.blobs.noteIndexFile(name);
  }

  unindexedPacks(): Generator<PackRecord> {
    return this.blobs.unindexed();
  }

  hasUnindexedPacks(): boolean {
    return this.blobs.hasUnindexed();
  }

  /** Index files that name all packs now. */
  markIndexed(names: string[]): void {
    this.blobs.markIndexed(names);
  }

  /** Names of the index files the blob index agrees with. */
  indexFiles(): Set<string> {
    return this.blobs.indexFiles();
  }

  hasPack(id: Buffer): boolean {
    return this.blobs.hasPack(id);
  }

  /** Empties the blob index, to be filled anew from the index files. */
  clearBlobs(): void {
    this.blobs.clear();
  }

  findSums(key: string, kind: string): SumsHead | undefined {
    return this.sums.find(key, kind);
  }

  findMoved(size: number, mtime: number, mtimeNsec: number, kind: string): SumsHead | undefined {
    return this.sums.findMoved(size, mtime, mtimeNsec, kind);
  }

  readSums(head: SumsHead): Generator<Buffer> {
    return this.sums.read(head);
  }

  newSums(kind: string): SumsWriter {
    return this.sums.writer(kind);
  }

  findDigest(key: string, algorithm: string): Buffer | undefined {
    return this.sums.findDigest(key, algorithm);
  }

  putDigest(key: string, algorithm: string, digest: Buffer): void {
    this.sums.putDigest(key, algorithm, digest);
  }

  private meta(key: string): unknown {
    return this.db.get('SELECT value FROM meta WHERE key = ?', key)?.value ?? undefined;
  }

  private setMeta(key: string, value: string | number): void {
    this.db.run('INSERT OR REPLACE INTO meta VALUES (?, ?)', key, value);
  }
}

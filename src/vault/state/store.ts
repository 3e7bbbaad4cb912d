import type { BlobLocation, PackRecord } from '../../repository/blob.ts';
import { ID_BYTES } from '../content.ts';
import type { Entry } from '../entry.ts';
import { BlobIndex } from './blob-index.ts';
import { Database } from './database.ts';
import { Directories } from './directories.ts';
import { decodeDirectory, encodeDirectory } from './entry-codec.ts';
import { StateMeta, type Totals } from './meta.ts';
import { SumsCache } from './sums.ts';
import type { SumsHead, SumsWriter } from './sums-writer.ts';
import { sweepSums } from './sweep.ts';

export type { Totals } from './meta.ts';
export type { SumsFacts, SumsHead, SumsWriter } from './sums-writer.ts';

/** A snapshot that holds the state. */
export interface HeldSnapshot {
  /** counts the vault's snapshots up */
  sequence: number;
  /** milliseconds since the epoch, as restic sees it */
  time: number;
  complete: boolean;
}

const ROOT = 'root';

/**
 * The current state of a vault: what the last push left, as packed directories, and beside it the blob index and the
 * cache of block sums. Synchronous; one writer at a time. Writes gather in a transaction that `checkpoint` commits, so
 * connections of other threads see what was there at the last checkpoint; between two checkpoints another connection
 * may write instead, and this one goes on from what that left.
 *
 * Any method throws StateDamagedError when it meets damage; the file is marked then, and is not opened again before it
 * was rebuilt (vault/rebuild.ts).
 */
export class StateStore {
  private readonly db: Database;
  private readonly facts: StateMeta;
  private readonly directories: Directories;
  private readonly blobs: BlobIndex;
  private readonly sums: SumsCache;

  private constructor(db: Database, readOnly: boolean) {
    this.db = db;
    db.changedElsewhere();
    this.facts = new StateMeta(db, readOnly);
    this.directories = new Directories(db, this.facts);
    this.blobs = new BlobIndex(db);
    this.sums = new SumsCache(db, this.facts);
  }

  /**
   * Creates the file when it is absent, unless `readOnly`.
   *
   * @param options.checksumSeed of a state that is new (vault/layout.ts, vaultSeed); random unless told
   * @throws StateDamagedError when the file is no state, or an older one: it can be rebuilt; ERR_STATE_VERSION when it is newer
   */
  static open(file: string, options: { readOnly?: boolean; checksumSeed?: number } = {}): StateStore {
    const db = new Database(file, options.readOnly ?? false);
    try {
      const store = new StateStore(db, options.readOnly ?? false);
      if (store.facts.unsaved) {
        db.write();
        if (options.checksumSeed !== undefined) store.facts.set('checksumSeed', options.checksumSeed);
        store.checkpoint();
      }
      return store;
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /** Commits what was written since the last checkpoint. */
  checkpoint(): void {
    if (this.db.inTransaction) this.facts.save();
    this.db.commit();
  }

  /** As checkpoint, and on the disk when it returns. */
  checkpointDurably(): void {
    if (this.db.inTransaction) this.facts.save();
    this.db.commitDurably();
  }

  /** What was written after the last checkpoint is given up. */
  close(): void {
    this.db.close();
  }

  /** The seed of all block sums of the vault: positive, below 2^31, constant until the state is lost. */
  get checksumSeed(): number {
    return this.current.get('checksumSeed');
  }

  /** ID of the repository the state was made for; undefined until it is told. */
  get repositoryId(): string | undefined {
    return this.current.get('repository') || undefined;
  }

  set repositoryId(id: string) {
    this.write().set('repository', id);
  }

  /** Hex ID of the snapshot that holds this state but for what is dirty; undefined before the first. */
  get snapshotId(): string | undefined {
    return this.current.get('snapshot') || undefined;
  }

  /** Of that snapshot: counts the vault's snapshots up. */
  get sequence(): number {
    return this.current.get('sequence');
  }

  /** Milliseconds since the epoch: the greatest `time` of complete snapshots; undefined before the first. */
  get completeTime(): number | undefined {
    return this.current.get('completeTime') || undefined;
  }

  /** The same of all snapshots. */
  get newestTime(): number | undefined {
    return this.current.get('newestTime') || undefined;
  }

  /** Notes that `snapshot` (a hex ID) holds the state as it is. */
  setSnapshot(snapshot: string, { sequence, time, complete }: HeldSnapshot): void {
    const facts = this.write();
    facts.set('snapshot', snapshot);
    facts.set('sequence', sequence);
    facts.set('sumsRow', this.sums.lastRow);
    this.noteTime(time, complete);
    this.noteSnapshots([snapshot]);
  }

  /** Notes the time of a snapshot that the next ones have to be dated after. */
  noteTime(time: number, complete: boolean): void {
    const facts = this.write();
    facts.set('newestTime', Math.max(facts.get('newestTime'), time));
    if (complete) facts.set('completeTime', Math.max(facts.get('completeTime'), time));
  }

  /** Snapshots of the repository that were looked at. */
  knownSnapshots(): Set<string> {
    return new Set(
      this.db
        .prepare('SELECT name FROM snapshot')
        .all()
        .map(([name]) => name as string),
    );
  }

  noteSnapshots(names: Iterable<string>): void {
    this.write();
    for (const name of names) this.db.prepare('INSERT OR IGNORE INTO snapshot VALUES (?)').run(name);
  }

  forgetSnapshots(names: Iterable<string>): void {
    this.write();
    for (const name of names) this.db.prepare('DELETE FROM snapshot WHERE name = ?').run(name);
  }

  /** A hard-link group's number that was never given out before. */
  nextInode(): number {
    const facts = this.write();
    const inode = facts.get('inode') + 1;
    facts.set('inode', inode);
    return inode;
  }

  /** Keeps inode numbers up to `greatest` from being given out. */
  reserveInodes(greatest: number): void {
    const facts = this.write();
    if (facts.get('inode') < greatest) facts.set('inode', greatest);
  }

  /** Attributes of the module's root; they are in no tree, so restic does not show them. */
  readRoot(): Entry | undefined {
    const text = this.facts.read(ROOT);
    return text === undefined ? undefined : decodeDirectory(Buffer.from(text, 'base64'), () => Buffer.alloc(0))[0];
  }

  writeRoot(entry: Entry): void {
    this.write().write(ROOT, encodeDirectory([entry]).record.toString('base64'));
  }

  /** Entries in byte order of their names ('' is the root); undefined when the directory is not known. */
  readDir(path: string): Entry[] | undefined {
    return this.directories.read(path);
  }

  hasDir(path: string): boolean {
    return this.directories.has(path);
  }

  /**
   * Replaces the entries of a directory, and marks it and its ancestors dirty.
   *
   * @param entries in strict byte order of their names
   */
  writeDir(path: string, entries: Entry[]): void {
    this.write();
    this.directories.write(path, entries);
  }

  /** As writeDir, of a directory whose tree blob is stored: nothing becomes dirty. For reading a snapshot in. */
  writeStoredDir(path: string, entries: Entry[], tree: Buffer): void {
    this.write();
    this.directories.writeStored(path, entries, tree);
  }

  /** Has the trees of a directory and its ancestors written again by the next commit. */
  markDirty(path: string): void {
    this.write();
    this.directories.markDirty(path);
  }

  /** Removes the directory and all below it; the entry in its parent is the caller's. */
  removeDir(path: string): void {
    this.write();
    this.directories.remove(path);
  }

  /** The directory at `path` and every one below it: preorder, names in byte order. */
  walk(path: string): Generator<{ path: string; entries: Entry[] }> {
    return this.directories.walk(path);
  }

  totals(): Totals {
    return this.current.totals();
  }

  /** Paths of directories whose trees have to be written, each after all below it. Their trees may be set meanwhile. */
  dirtyPaths(): Generator<string> {
    return this.directories.dirty();
  }

  hasDirty(): boolean {
    return this.directories.hasDirty();
  }

  /** The ID of a directory's tree blob; null while it is dirty, undefined when the directory is not known. */
  treeOf(path: string): Buffer | null | undefined {
    return this.directories.treeOf(path);
  }

  setTree(path: string, tree: Buffer): void {
    this.write();
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
    this.write();
    this.blobs.add(pack, false);
  }

  /** Adds the packs of an index file. */
  addIndexFile(name: string, packs: PackRecord[]): void {
    this.write();
    for (const pack of packs) this.blobs.add(pack, true);
    this.blobs.noteIndexFile(name);
  }

  /** Packs that no index file names, one in memory at a time. */
  unindexedPacks(): Generator<PackRecord> {
    return this.blobs.unindexed();
  }

  hasUnindexedPacks(): boolean {
    return this.blobs.hasUnindexed();
  }

  /** The index files `names` name all packs now. */
  markIndexed(names: string[]): void {
    this.write();
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
    this.write();
    this.blobs.clear();
  }

  /** @param key of vault/content.ts */
  findSums(key: string, kind: string): SumsHead | undefined {
    return this.sums.find(key, kind);
  }

  /** Sums of a content that was in a file of this size and time, under whatever name. */
  findMoved(size: number, mtime: number, mtimeNsec: number, kind: string): SumsHead | undefined {
    return this.sums.findMoved(size, mtime, mtimeNsec, kind);
  }

  /** Pieces of whole records, none above 256 KiB. */
  readSums(head: SumsHead): Generator<Buffer> {
    return this.sums.read(head);
  }

  newSums(kind: string): SumsWriter {
    const writer = this.sums.writer(kind);
    return {
      append: (records) => writer.append(records),
      finish: (facts) => {
        this.write();
        writer.finish(facts);
      },
      abort: () => {
        this.write();
        writer.abort();
      },
    };
  }

  /** Forgets all sums and digests of a content: one that proved wrong, say. */
  dropSums(key: string): void {
    this.write();
    this.sums.drop(key);
  }

  /** The content is now in a file of this time: `findMoved` finds it there too. */
  touchSums(key: string, mtime: number, mtimeNsec: number): void {
    this.write();
    this.sums.touch(key, mtime, mtimeNsec);
  }

  findDigest(key: string, algorithm: string): Buffer | undefined {
    return this.sums.findDigest(key, algorithm);
  }

  putDigest(key: string, algorithm: string, digest: Buffer): void {
    this.write();
    this.sums.putDigest(key, algorithm, digest);
  }

  /** Bytes that the cache of block sums takes, about. */
  get sumsBytes(): number {
    return this.current.get('sumsBytes');
  }

  /** Blob lists that are kept apart from their directories. */
  countContents(): number {
    return this.db.prepare('SELECT count(*) FROM content').get()![0] as number;
  }

  /** Forgets sums of contents that no directory holds, when enough may have gathered to be worth a walk. */
  sweep(options: { always?: boolean } = {}): number {
    this.write();
    return sweepSums(this.db, this.facts, this.directories, this.sums, options.always ?? false);
  }

  /**
   * Forgets sums of contents whose blobs the blob index does not know: of files that were never durable, or that were
   * pruned.
   *
   * @param all every sum, not only those made since the last snapshot
   */
  dropUnstoredSums(all: boolean): number {
    const facts = this.write();
    return this.sums.dropWhere(all ? 0 : facts.get('sumsRow'), (blobs) => !this.holdsAll(blobs));
  }

  /** @param blobs 32-byte IDs, one after another */
  holdsAll(blobs: Buffer): boolean {
    for (let at = 0; at < blobs.length; at += ID_BYTES)
      if (!this.blobs.has(blobs.subarray(at, at + ID_BYTES))) return false;
    return true;
  }

  /** The facts, read anew when another connection has changed them. */
  private get current(): StateMeta {
    if (!this.db.inTransaction) this.refresh();
    return this.facts;
  }

  /** Begins the transaction when none is open. */
  private write(): StateMeta {
    if (this.db.write()) this.refresh();
    return this.facts;
  }

  private refresh(): void {
    if (!this.db.changedElsewhere()) return;
    this.facts.reload();
    this.directories.forget();
    this.blobs.forget();
    this.sums.forget();
  }
}

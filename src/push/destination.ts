import { NightdropError, ProtocolError, RsyncExit } from '../lib/errors.ts';
import { brief, compareNames } from '../lib/names.ts';
import { isDir, S_IFDIR, S_IFMT } from '../lib/stat.ts';
import { type Entry, NO_BLOBS } from '../vault/entry.ts';
import type { StateStore } from '../vault/state/store.ts';
import { bulkOf, MOST_BULK } from './bulk.ts';
import { DirectoryLinks, named } from './directory-links.ts';
import { baseName, dirName, isLongPath } from './paths.ts';
import { SharedObjects } from './shared-objects.ts';

/** Directories kept decoded at once; more only while their files are on the way. */
const OPEN_DIRECTORIES = 256;

/** Directories of so much count one by one: two of the largest are more than a session has room for. */
const BULKY = MOST_BULK / 16;
const MOST_BULK_OPEN = MOST_BULK / 2;

interface Draft {
  path: string;
  entries: Map<string, Entry>;
  dirty: boolean;
  /** of all entries together */
  bulk: number;
  /** files of this directory that are on the way */
  pins: number;
}

/**
 * The virtual destination of a push: what a stock receiver would find and leave in its directory, held as records of the
 * vault's state. Directories are decoded when first touched, changed in memory, and written back when the push has
 * moved on. In a dry run nothing is ever changed.
 */
export class Destination {
  private readonly store: StateStore;
  private readonly dryRun: boolean;
  /** in order of first use */
  private readonly drafts = new Map<string, Draft>();
  /** of them, when some are given up next */
  private mostDrafts = OPEN_DIRECTORIES;
  /** of them, those that alone take much memory */
  private readonly bulky = new Set<Draft>();
  private readonly shared = new SharedObjects();
  private readonly links = new DirectoryLinks((path) => this.recorded(path));
  private rootEntry: Entry;
  private rootDirty = false;
  /** what the root becomes if the client does not list it */
  private newRoot: Entry | undefined;
  /** seconds: the time of directories that get or lose an entry; undefined: the client sends times for them */
  private readonly touchTime: number | undefined;

  /** @param now seconds: the time that a new root gets in the end, unless the client says another */
  constructor(store: StateStore, dryRun: boolean, now: number, touchTime?: number) {
    this.store = store;
    this.dryRun = dryRun;
    this.touchTime = touchTime;
    const root = store.readRoot();
    // until then its time is none that a client has: stock's module is older than what is pushed
    this.rootEntry = root ?? newDirectory('', 0o755, 0);
    this.newRoot = root === undefined ? { ...this.rootEntry, mtime: now } : undefined;
    if (root === undefined && !dryRun) {
      this.rootDirty = true;
      store.writeDir('', []);
    }
  }

  /** The object at `path` ('' is the root), undefined when there is none. */
  entry(path: string): Entry | undefined {
    return this.recorded(this.links.resolve(path));
  }

  /** Whether nothing is kept at the path: symlinks that are followed could make it longer in every push, without end. */
  isTooLong(path: string): boolean {
    return isLongPath(this.links.resolve(path));
  }

  /** From now on `path` is taken for the directory of the vault that a symlink there leads to, if it does. */
  follow(path: string): void {
    this.links.follow(path);
  }

  private recorded(path: string): Entry | undefined {
    if (path === '') return this.rootEntry;
    const entry = this.draft(dirName(path))?.entries.get(baseName(path));
    return entry && this.shared.current(entry);
  }

  hasDirectory(path: string): boolean {
    const entry = this.entry(path);
    return entry !== undefined && isDir(entry.mode);
  }

  /** Entries of a directory in byte order; undefined when there is none. */
  list(path: string): Entry[] | undefined {
    const draft = this.draft(this.links.resolve(path));
    return draft === undefined ? undefined : sorted(draft.entries);
  }

  /** Whether the path is a directory with nothing in it. */
  isEmpty(path: string): boolean {
    return this.draft(this.links.resolve(path))?.entries.size === 0;
  }

  /** Creates or replaces the object at `path`; what makes a directory of it, or no longer, is the caller's step. */
  put(client: string, given: Entry): void {
    if (this.dryRun) return;
    const path = this.links.resolve(client);
    if (isLongPath(path)) throw tooLong(path);
    const entry = path === client ? given : named(given, path);
    if (path === '') {
      this.rootEntry = entry;
      this.newRoot = undefined;
      this.rootDirty = true;
      return;
    }
    const draft = this.draft(dirName(path));
    if (draft === undefined)
      throw new ProtocolError(`invalid path from the client: the directory of ${brief(path)} was not listed`);
    const before = draft.entries.get(entry.name);
    this.setEntry(draft, entry);
    this.shared.note(before, entry);
    if (this.shared.isFull) this.writeShared();
    if (this.touchTime !== undefined && isAnother(before, entry)) this.touch(draft.path, this.touchTime);
  }

  /** A directory that gets or loses an entry gets the time of that. */
  touch(path: string, now: number): void {
    const entry = this.entry(path);
    if (entry === undefined || (entry.mtime === now && entry.mtimeNsec === 0)) return;
    this.put(path, { ...entry, mtime: now, mtimeNsec: 0 });
  }

  /** Creates the directory at `path`, empty. */
  makeDirectory(path: string, entry: Entry): void {
    if (this.dryRun) return;
    this.put(path, entry);
    this.remember({ path: this.links.resolve(path), entries: new Map(), dirty: true, bulk: 0, pins: 0 });
  }

  /** Creates whatever is missing of `path` and its ancestors; false when something else than a directory is in the way. */
  ensureDirectory(path: string, mode: number, now: number): boolean {
    const present = this.entry(path);
    if (present !== undefined) return isDir(present.mode);
    if (this.dryRun) return false;
    if (!this.ensureDirectory(dirName(path), mode, now)) return false;
    this.makeDirectory(path, newDirectory(baseName(path), mode, now));
    return true;
  }

  /** Removes the object at `path`, with all below it. */
  remove(client: string): void {
    if (this.dryRun) return;
    const path = this.links.resolve(client);
    const draft = this.draft(dirName(path));
    const entry = draft?.entries.get(baseName(path));
    if (draft === undefined || entry === undefined) return;
    draft.entries.delete(entry.name);
    draft.bulk -= bulkOf(entry);
    draft.dirty = true;
    if (this.touchTime !== undefined) this.touch(draft.path, this.touchTime);
    if (isDir(entry.mode)) this.removeContent(path);
  }

  /** Holds the directory of `path` in memory until `unpin`: a file of it is on the way. */
  pin(path: string): void {
    const draft = this.draft(dirName(this.links.resolve(path)));
    if (draft !== undefined) draft.pins++;
  }

  unpin(path: string): void {
    const draft = this.drafts.get(dirName(this.links.resolve(path)));
    if (draft !== undefined && draft.pins > 0) draft.pins--;
  }

  /** Writes everything that was changed into the state. */
  flush(): void {
    if (!this.shared.isEmpty) this.writeShared();
    for (const draft of this.drafts.values()) this.write(draft);
    if (this.rootDirty) {
      this.store.writeRoot(this.newRoot ?? this.rootEntry);
      this.rootDirty = false;
    }
  }

  /** Objects with other names somewhere: nothing says where, so every directory is looked at. */
  private writeShared(): void {
    for (const draft of this.drafts.values()) this.write(draft);
    for (const { path, entries } of this.store.walk('')) {
      for (const entry of this.shared.outdated(entries)) {
        this.setEntry(this.draft(path)!, this.shared.current(entry));
      }
    }
    this.shared.forget();
  }

  private removeContent(path: string): void {
    const below = `${path}/`;
    for (const open of this.drafts.keys()) {
      if (open === path || open.startsWith(below)) this.forget(open);
    }
    this.store.removeDir(path);
  }

  private draft(path: string): Draft | undefined {
    let draft = this.drafts.get(path);
    if (draft !== undefined) return draft;
    if (this.bulky.size > 0) this.closeBulky(path);
    const entries = this.store.readDir(path);
    if (entries === undefined) return undefined;
    draft = { path, entries: new Map(), dirty: false, bulk: 0, pins: 0 };
    for (const entry of entries) {
      draft.entries.set(entry.name, entry);
      draft.bulk += bulkOf(entry);
    }
    if (draft.bulk > BULKY) this.bulky.add(draft);
    this.remember(draft);
    return draft;
  }

  private remember(draft: Draft): void {
    this.drafts.set(draft.path, draft);
    if (this.drafts.size <= this.mostDrafts) return;
    // the oldest go, but what has files on the way
    let surplus = this.drafts.size - OPEN_DIRECTORIES / 2;
    for (const old of this.drafts.values()) {
      if (surplus <= 0) break;
      surplus--;
      if (old.pins > 0 || old === draft) continue;
      this.write(old);
      this.forget(old.path);
    }
    // where many have, they are not gone through for each one more
    this.mostDrafts = Math.max(OPEN_DIRECTORIES, 2 * this.drafts.size);
  }

  private forget(path: string): void {
    const draft = this.drafts.get(path);
    if (draft === undefined) return;
    this.drafts.delete(path);
    this.bulky.delete(draft);
  }

  /** Before the directory at `path` is read: others that are large go, but those on the way to it. */
  private closeBulky(path: string): void {
    let open = 0;
    for (const { bulk } of this.bulky) open += bulk;
    if (open <= MOST_BULK_OPEN) return;
    for (const draft of this.bulky) {
      if (draft.pins > 0 || draft.path === '' || path.startsWith(`${draft.path}/`)) continue;
      this.write(draft);
      this.forget(draft.path);
    }
  }

  /** @throws when the directory would hold more than one can; less than before it always may */
  private setEntry(draft: Draft, entry: Entry): void {
    const before = draft.entries.get(entry.name);
    const added = bulkOf(entry) - (before === undefined ? 0 : bulkOf(before));
    if (added > 0 && draft.bulk + added > MOST_BULK) throw tooBulky(draft.path);
    draft.entries.set(entry.name, entry);
    draft.bulk += added;
    draft.dirty = true;
    if (draft.bulk > BULKY) this.bulky.add(draft);
  }

  private write(draft: Draft): void {
    if (!draft.dirty) return;
    this.store.writeDir(draft.path, sorted(draft.entries));
    draft.dirty = false;
  }
}

function tooBulky(path: string): NightdropError {
  const which = path === '' ? "the vault's own directory" : `the directory ${brief(path)}`;
  return new NightdropError('ERR_BULK', `ERROR: ${which} would hold more entries and attributes than one can`, {
    rsyncExit: RsyncExit.fileIo,
    forClient: true,
  });
}

function tooLong(path: string): NightdropError {
  return new NightdropError('ERR_PATH', `ERROR: the path ${brief(path)} would be too long in the vault`, {
    rsyncExit: RsyncExit.fileIo,
    forClient: true,
  });
}

/** Whether the object is a new one: not only its attributes differ. */
function isAnother(before: Entry | undefined, entry: Entry): boolean {
  if (before === undefined) return true;
  if (before === entry || isDir(before.mode)) return false;
  return (
    (before.mode & S_IFMT) !== (entry.mode & S_IFMT) ||
    before.target !== entry.target ||
    before.rdevMajor !== entry.rdevMajor ||
    before.rdevMinor !== entry.rdevMinor ||
    !before.blobs.equals(entry.blobs)
  );
}

function sorted(entries: Map<string, Entry>): Entry[] {
  return [...entries.values()].sort((a, b) => compareNames(a.name, b.name));
}

export function newDirectory(name: string, permissions: number, now: number): Entry {
  return {
    name,
    mode: S_IFDIR | permissions,
    uid: 0,
    gid: 0,
    user: '',
    group: '',
    mtime: now,
    mtimeNsec: 0,
    atime: undefined,
    size: 0,
    target: '',
    rdevMajor: 0,
    rdevMinor: 0,
    inode: 0,
    blobs: NO_BLOBS,
    xattrs: [],
  };
}

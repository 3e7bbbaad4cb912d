/**
 * After a push that ended without its last steps: what it left in the state becomes an incomplete snapshot. Entries may
 * name blobs that never became durable, and directories may lack their entry or their content, for a push writes each
 * when it has moved on from it (push/destination.ts).
 */
import { compareNames } from '../lib/names.ts';
import { isDir, S_IFDIR } from '../lib/stat.ts';
import type { Repository } from '../repository/repository.ts';
import { decodeTree, type TreeNode } from '../repository/tree.ts';
import { commitStore, indexPacks } from './commit.ts';
import { type Entry, NO_BLOBS } from './entry.ts';
import { nodeToEntry } from './nodes.ts';
import type { StateStore } from './state/store.ts';

/** Directories of the snapshot before that are kept decoded: a path's ancestors, mostly. */
const KEPT_DIRECTORIES = 64;

export interface Recovery {
  /** hex ID of the incomplete snapshot that was made; undefined when no directory was left dirty */
  snapshot: string | undefined;
  /** durable packs that no index file named */
  packs: number;
  /** files whose new content was lost: they have the content of the snapshot before, or are gone */
  reverted: number;
  dropped: number;
}

/** @param hostname of the snapshot, the vault's name. Returns undefined when there was nothing to do. */
export async function recover(
  repository: Repository,
  store: StateStore,
  hostname: string,
): Promise<Recovery | undefined> {
  const dirty = store.hasDirty();
  if (!dirty && !store.hasUnindexedPacks()) return undefined;
  const result: Recovery = { snapshot: undefined, packs: countOf(store.unindexedPacks()), reverted: 0, dropped: 0 };
  if (dirty) {
    await mend(repository, store, result);
    store.dropUnstoredSums(false);
    store.checkpoint();
    result.snapshot = (await commitStore(repository, store, nothingPushed(hostname))).id;
  } else {
    await indexPacks(repository, store);
  }
  return result;
}

function nothingPushed(hostname: string) {
  const counts = {
    created: 0,
    transferred: 0,
    deleted: 0,
    literalBytes: 0,
    matchedBytes: 0,
    wireIn: 0,
    wireOut: 0,
    storedBytes: 0,
  };
  return { complete: false, hostname, address: '', startedAt: Date.now(), ...counts };
}

function countOf(things: Iterable<unknown>): number {
  let count = 0;
  for (const _ of things) count++;
  return count;
}

/** Makes the dirty directories consistent, children before their parents. */
async function mend(repository: Repository, store: StateStore, result: Recovery): Promise<void> {
  const previous = new PreviousSnapshot(repository, store);
  /** dirty directories that were seen, by parent: each needs its entry there */
  const seen = new Map<string, string[]>();
  if (!store.hasDir('')) store.writeDir('', []);
  for (const path of store.dirtyPaths()) {
    const entries = store.readDir(path)!;
    const sound = await soundEntries(store, previous, path, entries, result);
    const complete = withDirectories(sound, seen.get(path) ?? []);
    seen.delete(path);
    if (complete !== entries) store.writeDir(path, complete);
    if (path === '') return;
    const slash = path.lastIndexOf('/');
    const parent = slash < 0 ? '' : path.slice(0, slash);
    // sorts before this path, so it is still to come
    if (!store.hasDir(parent)) store.writeDir(parent, []);
    const siblings = seen.get(parent);
    if (siblings === undefined) seen.set(parent, [path.slice(slash + 1)]);
    else siblings.push(path.slice(slash + 1));
  }
}

/** The entries whose content is there; the same array when that is all of them. */
async function soundEntries(
  store: StateStore,
  previous: PreviousSnapshot,
  path: string,
  entries: Entry[],
  result: Recovery,
): Promise<Entry[]> {
  const sound: Entry[] = [];
  let changed = false;
  for (const entry of entries) {
    if (isDir(entry.mode)) {
      // its content was still to be written
      const child = joined(path, entry.name);
      if (!store.hasDir(child)) store.writeDir(child, []);
      sound.push(entry);
    } else if (store.holdsAll(entry.blobs)) {
      sound.push(entry);
    } else {
      changed = true;
      const before = await previous.find(path, entry.name);
      if (before !== undefined && !isDir(before.mode) && store.holdsAll(before.blobs)) {
        sound.push(before);
        result.reverted++;
      } else {
        result.dropped++;
      }
    }
  }
  return changed ? sound : entries;
}

/** Adds directories that have a record and no entry: the next push gives them their attributes. */
function withDirectories(entries: Entry[], names: string[]): Entry[] {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const missing = names.filter((name) => !isDir(byName.get(name)?.mode ?? 0));
  if (missing.length === 0) return entries;
  for (const name of missing) byName.set(name, plainDirectory(name));
  return [...byName.values()].sort((a, b) => compareNames(a.name, b.name));
}

function plainDirectory(name: string): Entry {
  return {
    name,
    mode: S_IFDIR | 0o700,
    uid: 0,
    gid: 0,
    user: '',
    group: '',
    mtime: 0,
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

function joined(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`;
}

/** Looks paths up in the trees of the state's snapshot. The directories last read are kept: neighbours are asked for in turn. */
class PreviousSnapshot {
  private readonly repository: Repository;
  private readonly store: StateStore;
  private readonly kept = new Map<string, Map<string, TreeNode> | undefined>();

  constructor(repository: Repository, store: StateStore) {
    this.repository = repository;
    this.store = store;
  }

  async find(path: string, name: string): Promise<Entry | undefined> {
    const node = (await this.nodes(path))?.get(name);
    return node === undefined ? undefined : nodeToEntry(node);
  }

  private async nodes(path: string): Promise<Map<string, TreeNode> | undefined> {
    if (this.kept.has(path)) return this.kept.get(path);
    const tree = await this.treeOf(path);
    const at = tree === undefined ? undefined : this.store.findBlob(tree);
    const nodes = at && new Map(decodeTree(await this.repository.loadBlob(at)).map((node) => [node.name, node]));
    if (this.kept.size >= KEPT_DIRECTORIES) this.kept.delete(this.kept.keys().next().value!);
    this.kept.set(path, nodes);
    return nodes;
  }

  private async treeOf(path: string): Promise<Buffer | undefined> {
    if (path !== '') {
      const slash = path.lastIndexOf('/');
      return (await this.nodes(slash < 0 ? '' : path.slice(0, slash)))?.get(path.slice(slash + 1))?.subtree;
    }
    const { snapshotId } = this.store;
    return snapshotId === undefined
      ? undefined
      : Buffer.from((await this.repository.loadSnapshot(snapshotId)).tree, 'hex');
  }
}

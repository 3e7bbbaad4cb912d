/** The order of a file list, which both sides must share: indices count in it (docs/protocol.md, "Order"). */
import { ProtocolError } from '../lib/errors.ts';
import { brief } from '../lib/names.ts';
import { isDir } from '../lib/stat.ts';
import type { FileEntry } from './entry.ts';

interface Keyed {
  key: string;
  entry: FileEntry;
}

/** Stand before a name in keys. */
const OTHER = '\x01';
const DIRECTORY = '\x02';

/** A list in its order, and what can be found in it by name. Equal names stay in the order of their arrival. */
export class SortedList {
  /** as sent, all of them: numbers and indices count in this order */
  readonly all: readonly FileEntry[];
  private readonly keys: string[];
  private readonly order: Order;

  constructor(entries: readonly FileEntry[], protocol: number) {
    this.order = protocol >= 29 ? new DirectoriesLast() : new PlainOrder();
    const keyed: Keyed[] = new Array(entries.length);
    let inOrder = true;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i];
      keyed[i] = { key: this.order.key(entry.path, isDir(entry.mode)), entry };
      if (i > 0 && keyed[i].key < keyed[i - 1].key) inOrder = false;
    }
    if (!inOrder) keyed.sort(byKey);
    this.all = keyed.map((k) => k.entry);
    this.keys = keyed.map((k) => k.key);
  }

  /**
   * The list with empty slots for what stands twice: the first stays, but a directory wins over anything else of its name.
   * Of directories that stand twice the content counts if it comes for one of them.
   */
  withoutDuplicates(): (FileEntry | undefined)[] {
    const result: (FileEntry | undefined)[] = this.all.slice();
    let kept = 0;
    for (let i = 0; i < this.all.length; i++) {
      const entry = this.all[i];
      const directory = isDir(entry.mode);
      if (i > 0 && this.keys[i] === this.keys[kept]) {
        kept = dropOne(result, kept, i);
        continue;
      }
      kept = i;
      if (!directory || this.order.mixed) continue;
      const other = this.find(this.order.key(entry.path, false));
      for (let o = other; o >= 0 && this.keys[o] === this.keys[other]; o++) result[o] = undefined;
    }
    return result;
  }

  /** @throws when an entry lies below one that is no directory */
  checkParents(entries: readonly (FileEntry | undefined)[]): void {
    let last = '';
    for (const entry of entries) {
      if (entry === undefined) continue;
      const slash = entry.path.lastIndexOf('/');
      if (slash <= 0 || (slash === last.length && entry.path.startsWith(last))) continue;
      last = entry.path.slice(0, slash);
      this.checkParent(entries, last);
    }
  }

  private checkParent(entries: readonly (FileEntry | undefined)[], parent: string): void {
    for (let path = parent; path !== ''; path = path.slice(0, Math.max(0, path.lastIndexOf('/')))) {
      const directory = this.find(this.order.key(path, true));
      // a directory that is listed was looked at itself
      if (directory >= 0 && isDir(this.all[directory].mode)) return;
      const other = this.find(this.order.key(path, false));
      if (other >= 0 && entries[other] !== undefined)
        throw new ProtocolError(`the file list has something below ${brief(path)}, which is not a directory`);
    }
  }

  /** Place of the first entry with this key; -1 when there is none. */
  private find(key: string): number {
    const { keys } = this;
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (keys[middle] < key) low = middle + 1;
      else high = middle;
    }
    return keys[low] === key ? low : -1;
  }
}

function byKey(a: Keyed, b: Keyed): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/** Empties one of two slots with the same name; the place of the other. */
function dropOne(slots: (FileEntry | undefined)[], first: number, second: number): number {
  const a = slots[first]!;
  const b = slots[second]!;
  if (isDir(b.mode) && !isDir(a.mode)) {
    slots[first] = undefined;
    return second;
  }
  if (isDir(b.mode)) mergeDirectories(a, b);
  slots[second] = undefined;
  return first;
}

/** Without content the mark of a top directory says 'implied', which it is only when both are. */
function mergeDirectories(kept: FileEntry, dropped: FileEntry): void {
  const top =
    kept.hasContent || dropped.hasContent
      ? (kept.hasContent && kept.topDir) || (dropped.hasContent && dropped.topDir)
      : kept.topDir && dropped.topDir;
  kept.hasContent ||= dropped.hasContent;
  kept.topDir = top;
}

interface Order {
  /** names of all types are one sequence */
  readonly mixed: boolean;
  /** a string whose byte order is the list's */
  key(path: string, directory: boolean): string;
}

/** Before protocol 29: plain byte order. */
class PlainOrder implements Order {
  readonly mixed = true;
  key(path: string): string {
    return path;
  }
}

/**
 * Protocol 29 and later: within a directory '.' first, then what is no directory, then directories, each followed by its
 * content; names byte by byte, a directory's as if it ended in a slash.
 */
class DirectoriesLast implements Order {
  readonly mixed = false;
  /** the last parent and its part of the key: neighbours mostly share it */
  private parent = '';
  private prefix = '';

  key(path: string, directory: boolean): string {
    const slash = path.lastIndexOf('/');
    let prefix = '';
    if (slash >= 0) {
      if (this.prefix === '' || slash !== this.parent.length || !path.startsWith(this.parent)) {
        this.parent = path.slice(0, slash);
        this.prefix = `${DIRECTORY}${this.parent.replaceAll('/', `/${DIRECTORY}`)}/`;
      }
      prefix = this.prefix;
    }
    const name = path.slice(slash + 1);
    if (!directory) return prefix + OTHER + name;
    return name === '.' ? prefix : `${prefix}${DIRECTORY}${name}/`;
  }
}

/** Takes away the leading slashes of --relative. They count in the order, so they go when it is made. */
export function stripRoots(sorted: SortedList, slots: (FileEntry | undefined)[]): void {
  let rooted = 0;
  for (const entry of sorted.all) {
    if (!entry.path.startsWith('/')) continue;
    entry.path = entry.path.slice(1);
    rooted++;
  }
  if (rooted > 0 && rooted < sorted.all.length) dropAliases(slots);
}

/** The same name with and without its slash ('/etc' and 'etc' both named by the client) is one object. */
function dropAliases(slots: (FileEntry | undefined)[]): void {
  const seen = new Map<string, number>();
  for (let i = 0; i < slots.length; i++) {
    const entry = slots[i];
    if (entry === undefined) continue;
    const before = seen.get(entry.path);
    seen.set(entry.path, before === undefined ? i : dropOne(slots, before, i));
  }
}

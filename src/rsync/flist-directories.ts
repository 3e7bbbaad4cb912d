/** Directories of an incremental transfer whose lists are still to come (docs/protocol.md, "Lists per directory"). */
import { ProtocolError } from '../lib/errors.ts';
import { brief } from '../lib/names.ts';
import { isDir } from '../lib/stat.ts';
import type { FileEntry } from './entry.ts';

/** Numbers directories as the sender does: in the order of lists, within a list in its sorted order. */
export class DirectoryNumbers {
  private readonly waiting = new Map<number, FileEntry>();
  private count = 0;

  /**
   * @param all the list's entries, duplicates included: they have numbers too
   * @param kept the same slots, empty where a duplicate was dropped
   */
  add(all: readonly FileEntry[], kept: readonly (FileEntry | undefined)[]): void {
    for (let i = 0; i < all.length; i++) {
      if (!isDir(all[i].mode)) continue;
      const number = this.count++;
      // what is in the root comes in the first list, what is in a duplicate with the directory that was kept
      if (kept[i] !== undefined && all[i].path !== '.') this.waiting.set(number, all[i]);
    }
  }

  /** The directory whose list begins; a directory has one list. */
  take(number: number): FileEntry {
    const entry = this.waiting.get(number);
    if (entry === undefined) {
      const why = number >= 0 && number < this.count ? 'which has none to come' : `of ${this.count}`;
      throw new ProtocolError(`the client sends a list for directory number ${number}, ${why}`);
    }
    this.waiting.delete(number);
    return entry;
  }

  /** Directories whose list has not begun. */
  get pending(): number {
    return this.waiting.size;
  }
}

/** @throws unless the entry lies right in the directory; paths may still have --relative's leading slash */
export function checkInside(entry: FileEntry, directory: FileEntry | undefined): void {
  const { path } = entry;
  const parent = directory === undefined ? '' : directory.path;
  const start = path.startsWith('/') ? 1 : 0;
  const from = parent === '' ? start : start + parent.length + 1;
  const inside =
    (parent === '' || (path.startsWith(parent, start) && path[from - 1] === '/')) &&
    path.length > from &&
    path.indexOf('/', from) < 0;
  if (!inside)
    throw new ProtocolError(
      `the list of ${parent === '' ? 'the root' : brief(parent)} holds ${brief(path)}, which is not in it`,
    );
  if (directory !== undefined && path === '.')
    throw new ProtocolError('the list of a directory holds the root of the transfer');
}

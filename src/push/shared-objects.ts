import type { Entry } from '../vault/entry.ts';
import { changed } from './changes.ts';

/** Changed objects remembered before the records of their other names are written anew. */
const MOST_SHARED = 50_000;

/**
 * Objects with several names whose attributes have changed in place: with one name all change, wherever they are, as on a
 * file system. Until their records are written anew, they are read as if they were.
 */
export class SharedObjects {
  /** by inode number */
  private readonly changed = new Map<number, Entry>();

  /** `entry` takes the place of `former`, under the same name. */
  note(former: Entry | undefined, entry: Entry): void {
    if (entry.inode !== 0 && former?.inode === entry.inode) this.changed.set(entry.inode, entry);
  }

  /** The record as it is now. */
  current(entry: Entry): Entry {
    if (this.changed.size === 0 || entry.inode === 0) return entry;
    const now = this.changed.get(entry.inode);
    return now === undefined ? entry : { ...now, name: entry.name };
  }

  get isFull(): boolean {
    return this.changed.size >= MOST_SHARED;
  }

  get isEmpty(): boolean {
    return this.changed.size === 0;
  }

  /** The records of a directory that are behind. */
  outdated(entries: Entry[]): Entry[] {
    return entries.filter((entry) => this.changed.has(entry.inode) && changed(entry, this.current(entry)));
  }

  forget(): void {
    this.changed.clear();
  }
}

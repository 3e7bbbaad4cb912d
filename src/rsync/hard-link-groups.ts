/** Which entries are links to one file (docs/protocol.md, "Hard links"). */
import { ProtocolError } from '../lib/errors.ts';
import { brief } from '../lib/names.ts';
import { isDir, S_IFMT } from '../lib/stat.ts';
import type { FileEntry } from './entry.ts';

/**
 * Groups since protocol 30: known by the index of the first of them to be sent, in the order of arrival. Later lists may
 * refer to it, so of every first one its type is kept.
 */
export class HardLinkGroups {
  /** first index to the type bits of its mode */
  private readonly types = new Map<number, number>();

  /** Checks that `group` was told before, and is not the entry itself. */
  check(group: number, path: string): void {
    if (!this.types.has(group))
      throw new ProtocolError(`${brief(path)} is a hard link to entry ${group}, which is not the first of a group`);
  }

  /** Notes the first of a group, or another of it; the group's number, -1 when it cannot be of that group. */
  add(group: number, first: boolean, path: string, mode: number): number {
    if (isDir(mode)) throw new ProtocolError(`the directory ${brief(path)} is sent as a hard link`);
    const type = mode & S_IFMT;
    if (first) this.types.set(group, type);
    // an inode number that was given to a file of another type while the client read its tree
    return this.types.get(group) === type ? group : -1;
  }
}

/**
 * Groups before protocol 30: entries tell device and inode, and the receiver counts which are the same. Both are compared
 * as the bytes they came in: inode numbers may need all of their 64 bits.
 */
export class InodeGroups {
  private readonly known = new Map<string, number>();

  group(device: string, inode: string): number {
    const key = `${device}:${inode}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    this.known.set(key, this.known.size);
    return this.known.size - 1;
  }
}

/** Takes the mark from entries whose other links are not in the list; only for a list that holds all there is. */
export function unlinkSingles(entries: readonly (FileEntry | undefined)[]): void {
  const once = new Set<number>();
  const more = new Set<number>();
  for (const entry of entries) {
    if (entry === undefined || entry.hardLink < 0 || more.has(entry.hardLink)) continue;
    if (once.delete(entry.hardLink)) more.add(entry.hardLink);
    else once.add(entry.hardLink);
  }
  if (once.size === 0) return;
  for (const entry of entries) if (entry !== undefined && once.has(entry.hardLink)) entry.hardLink = -1;
}

/** The order of a file list, which both sides must share: indices count in it (docs/protocol.md, "Order"). */
import { isDir } from '../lib/stat.ts';
import type { FileEntry } from './entry.ts';

/**
 * Sorts as protocol 29 and later do: within a directory '.' first, then what is no directory, then directories, each
 * followed by its content; names byte by byte, a directory's as if it ended in a slash. Before 29: plain byte order.
 */
export function sortEntries(entries: FileEntry[], protocol: number): FileEntry[] {
  if (protocol < 29) return entries.slice().sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const keyed = entries.map((entry) => ({ key: sortKey(entry), entry }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return keyed.map((k) => k.entry);
}

/** A string whose byte order is the list's: before each component stands whether it is a directory. */
function sortKey(entry: FileEntry): string {
  const { path, mode } = entry;
  if (path === '.') return '';
  const slash = path.lastIndexOf('/');
  const parents = slash < 0 ? '' : `\x02${path.slice(0, slash).replaceAll('/', '/\x02')}/`;
  const name = slash < 0 ? path : path.slice(slash + 1);
  return isDir(mode) ? `${parents}\x02${name}/` : `${parents}\x01${name}`;
}

/**
 * Empties the slots of entries that stand twice: the first stays, but a directory wins over another type of the same
 * name. The other slots keep their indices.
 */
export function emptyDuplicates(sorted: FileEntry[]): (FileEntry | undefined)[] {
  const seen = new Map<string, number>();
  let result: (FileEntry | undefined)[] = sorted;
  for (let i = 0; i < sorted.length; i++) {
    const before = seen.get(sorted[i].path);
    if (before === undefined) {
      seen.set(sorted[i].path, i);
      continue;
    }
    if (result === sorted) result = sorted.slice();
    const keepsNew = isDir(sorted[i].mode) && !isDir(sorted[before].mode);
    result[keepsNew ? before : i] = undefined;
    if (keepsNew) seen.set(sorted[i].path, i);
  }
  return result;
}

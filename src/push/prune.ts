import { isDir } from '../lib/stat.ts';
import type { FileEntry, FileList } from '../rsync/entry.ts';
import type { Filter } from '../rsync/filter.ts';

/**
 * --prune-empty-dirs: empties the slots of directories that have nothing but directories below them, unless a filter
 * rule protects one of these. For a list that holds all there is (docs/protocol.md, "What is left out").
 */
export function pruneEmptyDirectories(list: FileList, filter: Filter | undefined): void {
  const { entries } = list;
  /** slots of directories that may be empty, each deeper than the one before */
  const doubtful: { slot: number; depth: number }[] = [];
  const dropFrom = (depth: number) => {
    while (doubtful.length > 0 && doubtful[doubtful.length - 1].depth >= depth)
      entries[doubtful.pop()!.slot] = undefined;
  };
  for (let slot = 0; slot < entries.length; slot++) {
    const file = entries[slot];
    if (file === undefined) continue;
    const depth = depthOf(file);
    if (!isDir(file.mode) || depth === 0) {
      doubtful.length = 0;
      continue;
    }
    dropFrom(depth);
    if (filter?.protects(file.path, true)) doubtful.length = 0;
    else doubtful.push({ slot, depth });
  }
  dropFrom(0);
}

/** Names in the path; 0 for the root. */
function depthOf({ path }: FileEntry): number {
  if (path === '.') return 0;
  let depth = 1;
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) depth++;
  return depth;
}

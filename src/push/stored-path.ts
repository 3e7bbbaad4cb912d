import { isDir, isSymlink } from '../lib/stat.ts';
import type { Entry } from '../vault/entry.ts';
import { dirName, joinPath } from './paths.ts';

/** Symlinks followed on the way to one object, as in Linux. */
const MOST_SYMLINKS = 40;
/** Names still to be looked up: more than a path of 4,096 bytes can have. */
const MOST_NAMES = 4096;
/** Names that a push looks up. One path can take a hundred thousand, by way of symlinks, and a client list many paths. */
const MOST_NAMES_IN_ALL = 200_000_000;

/** Whatever says what is recorded at a path. */
export interface Records {
  entry(path: string): Entry | undefined;
}

/** How many names may still be looked up; then nothing is there any more. */
export interface Patience {
  names: number;
}

export function newPatience(): Patience {
  return { names: MOST_NAMES_IN_ALL };
}

/**
 * Where `path` leads from the directory `from`, by what is stored: `..` and symlinks are followed as by a process whose
 * root is the module's, so nothing leads out of the vault. undefined when nothing is there.
 */
export function followPath(records: Records, from: string, path: string, patience: Patience): string | undefined {
  let at = path.startsWith('/') ? '' : from;
  const left = path.split('/').reverse();
  let symlinks = 0;
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (--patience.names < 0) return undefined;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      at = dirName(at);
      continue;
    }
    const next = joinPath(at, name);
    const entry = records.entry(next);
    if (entry === undefined) return undefined;
    if (isSymlink(entry.mode)) {
      symlinks++;
      if (symlinks > MOST_SYMLINKS) return undefined;
      if (entry.target.startsWith('/')) at = '';
      left.push(...entry.target.split('/').reverse());
      if (left.length > MOST_NAMES) return undefined;
    } else {
      if (left.length > 0 && !isDir(entry.mode)) return undefined;
      at = next;
    }
  }
  return at;
}

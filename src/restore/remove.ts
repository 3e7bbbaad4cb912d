import { chmodSync, closeSync, fstatSync, lstatSync, readdirSync } from 'node:fs';
import { handlePath, openDirectoryAt, pathAt, removeDirectoryAt, SystemCallError, unlinkAt } from './libc.ts';

/** Names inside a directory handle, latin1-tagged, without `.` and `..`. */
export function listNames(dir: number): string[] {
  return readdirSync(handlePath(dir), { encoding: 'latin1' });
}

/** Without root a directory of one's own may have to be opened up before anything in it can change. */
export function makeWritable(dir: number): void {
  const self = process.geteuid?.();
  if (self === 0) return;
  const stat = fstatSync(dir);
  if (stat.uid !== self || (stat.mode & 0o700) === 0o700) return;
  chmodSync(handlePath(dir), (stat.mode & 0o7777) | 0o700);
}

/** Removes what bears the name, a whole directory included; symlinks are removed, never followed. Returns how many objects. */
export function removeTree(dir: number, name: string): number {
  const stat = lstatSync(pathAt(dir, name), { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) {
    unlinkAt(dir, name);
    return 1;
  }
  const inner = openDirectoryAt(dir, name);
  let count = 1;
  try {
    makeWritable(inner);
    for (const child of listNames(inner)) count += removeTree(inner, child);
  } finally {
    closeSync(inner);
  }
  removeDirectoryAt(dir, name);
  return count;
}

/**
 * Makes way for an object of another type. A directory in the way is removed only when it is empty or when `recursive`;
 * otherwise this throws ENOTEMPTY.
 */
export function clearName(dir: number, name: string, recursive: boolean): void {
  if (recursive) {
    removeTree(dir, name);
    return;
  }
  try {
    removeDirectoryAt(dir, name);
  } catch (error) {
    if (!(error instanceof SystemCallError) || error.code !== 'ENOTDIR') throw error;
    unlinkAt(dir, name);
  }
}

/** Paths inside a vault: latin1-tagged bytes, components joined by '/', '' is the module's root. */

export function dirName(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function joinPath(directory: string, name: string): string {
  if (name === '' || name === '.') return directory;
  return directory === '' ? name : `${directory}/${name}`;
}

/** How a client whose destination is `base` knows a path: below it without it, elsewhere through `..`; '' for the base. */
export function relativePath(base: string, path: string): string {
  if (base === '') return path;
  if (path === base) return '';
  if (path.startsWith(`${base}/`)) return path.slice(base.length + 1);
  const from = base.split('/');
  const to = path === '' ? [] : path.split('/');
  let shared = 0;
  while (shared < from.length && from[shared] === to[shared]) shared++;
  return [...from.slice(shared).fill('..'), ...to.slice(shared)].join('/');
}

/**
 * A path that a client gives in an option: from the vault's root, or else below `directory`. As in a root directory of
 * one's own, `..` leads no higher than the root.
 */
export function resolvePath(directory: string, path: string): string {
  const parts = path.startsWith('/') || directory === '' ? [] : directory.split('/');
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** Longer than any system call takes a path. */
export function isLongPath(path: string): boolean {
  return path.length > LONGEST_PATH;
}

/** Longer than any file system takes, as a whole or in a part. */
export function isTooLong(path: string): boolean {
  return isLongPath(path) || path.split('/').some((part) => part.length > LONGEST_NAME);
}

const LONGEST_PATH = 4095;
const LONGEST_NAME = 255;

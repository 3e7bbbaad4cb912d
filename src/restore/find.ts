import { NightdropError } from '../lib/errors.ts';
import { printable } from '../lib/names.ts';
import { isDir } from '../lib/stat.ts';
import type { TreeNode } from '../repository/tree.ts';
import { loadTree, type TreeSource } from './tree-source.ts';

/** The path given to `--path`, `ls` or `restore` is not in the snapshot. */
export class NotInSnapshotError extends NightdropError {
  constructor(path: string) {
    super('ERR_NOT_IN_SNAPSHOT', `${printable(path)} is not in the snapshot`);
  }
}

/** A path as a person types it to one below the snapshot's root: no leading, trailing or doubled slashes, no '.'. */
export function normalizePath(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

/** The node at a path below a tree (latin1-tagged, normalized); undefined for the root itself. Reads one tree per level. */
export async function findNode(source: TreeSource, tree: Buffer, path: string): Promise<TreeNode | undefined> {
  let at: Buffer | undefined = tree;
  let node: TreeNode | undefined;
  for (const part of path === '' ? [] : path.split('/')) {
    if (!at) throw new NotInSnapshotError(path);
    node = (await loadTree(source, at)).find((candidate) => candidate.name === part);
    if (!node) throw new NotInSnapshotError(path);
    at = isDir(node.mode) ? node.subtree : undefined;
  }
  return node;
}

import { isDir } from '../lib/stat.ts';
import type { TreeNode } from '../repository/tree.ts';
import { join } from './context.ts';
import { loadTree, type TreeSource } from './tree-source.ts';

export interface WalkedNode {
  /** latin1-tagged, below the tree walked, no leading slash */
  path: string;
  node: TreeNode;
}

/**
 * Everything below a tree, preorder, in the order stored; `prefix` goes before each path. Holds one directory's nodes
 * per level. Throws where a tree cannot be read.
 */
export async function* walkTree(source: TreeSource, tree: Buffer, prefix = ''): AsyncGenerator<WalkedNode> {
  for (const node of await loadTree(source, tree)) {
    const path = join(prefix, node.name);
    yield { path, node };
    if (isDir(node.mode) && node.subtree) yield* walkTree(source, node.subtree, path);
  }
}

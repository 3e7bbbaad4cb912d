import { compareNames } from '../lib/names.ts';
import { isDir, S_IFMT } from '../lib/stat.ts';
import type { TreeNode } from '../repository/tree.ts';
import { join } from './context.ts';
import { loadTree, type TreeSource } from './tree-source.ts';
import { walkTree } from './walk.ts';

export type ChangedAspect = 'type' | 'content' | 'mode' | 'owner' | 'mtime' | 'xattrs' | 'target' | 'device' | 'links';

export type Difference =
  | { kind: 'added'; path: string; after: TreeNode }
  | { kind: 'removed'; path: string; before: TreeNode }
  | { kind: 'changed'; path: string; before: TreeNode; after: TreeNode; aspects: ChangedAspect[] };

/**
 * What changed from tree `before` to tree `after`, in the order of paths. Subtrees of equal ID are not read: the cost
 * follows what changed. Both trees come from one repository.
 */
export async function* diffTrees(
  source: TreeSource,
  before: Buffer | undefined,
  after: Buffer | undefined,
  prefix = '',
): AsyncGenerator<Difference> {
  if (before && after && before.equals(after)) return;
  const old = await sortedNodes(source, before);
  const fresh = await sortedNodes(source, after);
  for (let i = 0, j = 0; i < old.length || j < fresh.length; ) {
    const order = i >= old.length ? 1 : j >= fresh.length ? -1 : compareNames(old[i].name, fresh[j].name);
    if (order < 0) yield* whole('removed', source, old[i++], prefix);
    else if (order > 0) yield* whole('added', source, fresh[j++], prefix);
    else yield* both(source, old[i++], fresh[j++], prefix);
  }
}

async function sortedNodes(source: TreeSource, tree: Buffer | undefined): Promise<TreeNode[]> {
  if (!tree) return [];
  return (await loadTree(source, tree)).sort((a, b) => compareNames(a.name, b.name));
}

/** An object on one side only, with all that is below it. */
async function* whole(
  kind: 'added' | 'removed',
  source: TreeSource,
  node: TreeNode,
  prefix: string,
): AsyncGenerator<Difference> {
  const path = join(prefix, node.name);
  yield one(kind, path, node);
  if (!isDir(node.mode) || !node.subtree) return;
  for await (const below of walkTree(source, node.subtree, path)) yield one(kind, below.path, below.node);
}

function one(kind: 'added' | 'removed', path: string, node: TreeNode): Difference {
  return kind === 'added' ? { kind, path, after: node } : { kind, path, before: node };
}

async function* both(
  source: TreeSource,
  before: TreeNode,
  after: TreeNode,
  prefix: string,
): AsyncGenerator<Difference> {
  const path = join(prefix, after.name);
  const aspects = changedAspects(before, after);
  if (aspects.length > 0) yield { kind: 'changed', path, before, after, aspects };
  const [from, to] = [before, after].map((node) => (isDir(node.mode) ? node.subtree : undefined));
  if (from || to) yield* diffTrees(source, from, to, path);
}

function changedAspects(a: TreeNode, b: TreeNode): ChangedAspect[] {
  const aspects: ChangedAspect[] = [];
  const differ = (aspect: ChangedAspect, different: boolean) => {
    if (different) aspects.push(aspect);
  };
  const sameType = (a.mode & S_IFMT) === (b.mode & S_IFMT);
  differ('type', !sameType);
  differ('content', sameType && !sameContent(a, b));
  differ('mode', (a.mode & 0o7777) !== (b.mode & 0o7777));
  differ('owner', a.uid !== b.uid || a.gid !== b.gid);
  differ('mtime', a.mtime.sec !== b.mtime.sec || a.mtime.nsec !== b.mtime.nsec);
  differ('xattrs', !sameXattrs(a, b));
  differ('target', a.target !== b.target);
  differ('device', a.rdevMajor !== b.rdevMajor || a.rdevMinor !== b.rdevMinor);
  differ('links', !isDir(a.mode) && (a.inode === 0) !== (b.inode === 0));
  return aspects;
}

function sameContent(a: TreeNode, b: TreeNode): boolean {
  return a.size === b.size && a.content.equals(b.content);
}

function sameXattrs(a: TreeNode, b: TreeNode): boolean {
  if (a.xattrs.length !== b.xattrs.length) return false;
  const values = new Map(a.xattrs.map((xattr) => [xattr.name, xattr.value]));
  return b.xattrs.every((xattr) => values.get(xattr.name)?.equals(xattr.value) ?? false);
}

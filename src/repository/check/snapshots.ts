import { printable } from '../../lib/names.ts';
import { isDir, isFile } from '../../lib/stat.ts';
import type { BlobTable } from '../blob-table.ts';
import { decodeTree, type TreeNode } from '../tree.ts';
import { type CheckContext, sentence } from './report.ts';

/** A tree still to be looked at. */
interface Pending {
  id: Buffer;
  /** latin1-tagged; '' is the snapshot's root */
  path: string;
  snapshot: string;
}

const PROGRESS_TREES = 256;

/** The snapshots that are there now. */
export async function snapshotNames(context: CheckContext): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of context.repository.backend.list('snapshots')) names.push(name);
  return names;
}

/** Reads snapshots and each of their trees once; every blob they need must be in an index. */
export async function checkSnapshots(context: CheckContext, table: BlobTable, names: string[]): Promise<void> {
  for (const name of names) {
    const tree = await readSnapshot(context, name);
    if (tree === undefined) continue;
    await checkTrees(context, table, { id: Buffer.from(tree, 'hex'), path: '', snapshot: name });
    context.report.snapshots++;
    context.progress('snapshots', context.report.snapshots);
  }
}

/** Hex ID of the root tree; undefined when it cannot be read, or was removed meanwhile. */
async function readSnapshot(context: CheckContext, name: string): Promise<string | undefined> {
  try {
    return (await context.repository.loadSnapshot(name)).tree;
  } catch (error) {
    if ((await context.repository.backend.size('snapshots', name)) !== undefined)
      context.problem('snapshot', name, sentence(error));
    return undefined;
  }
}

async function checkTrees(context: CheckContext, table: BlobTable, root: Pending): Promise<void> {
  const pending = [root];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const nodes = await readTree(context, table, next);
    if (nodes === undefined) continue;
    checkOrder(context, nodes, next);
    for (const node of nodes) {
      if (isFile(node.mode)) checkContent(context, table, node, next);
      else if (isDir(node.mode)) addSubtree(context, node, next, pending);
    }
    context.report.trees++;
    if (context.report.trees % PROGRESS_TREES === 0) context.progress('trees', context.report.trees);
  }
}

/** undefined when it was looked at before, or cannot be. */
async function readTree(context: CheckContext, table: BlobTable, tree: Pending): Promise<TreeNode[] | undefined> {
  const hex = tree.id.toString('hex');
  const row = table.find(tree.id, 'tree');
  if (row < 0) {
    context.problem('tree', hex, `${place(tree, '')}: its tree ${hex} is in no pack that an index names`);
    return undefined;
  }
  for (let copy = row; table.visit(copy); ) {
    try {
      return decodeTree(await context.repository.loadBlob(table.location(copy)));
    } catch (error) {
      table.markDamaged(copy);
      copy = table.find(tree.id, 'tree');
      if (table.isDamaged(copy)) context.problem('tree', hex, `${place(tree, '')}: ${sentence(error)}`);
      else context.problem('blob', hex, `${sentence(error)}; another pack has it too`);
    }
  }
  return undefined;
}

/** Newer restic refuses trees whose names are not in order. */
function checkOrder(context: CheckContext, nodes: TreeNode[], tree: Pending): void {
  for (let i = 0; i < nodes.length; i++) {
    const { name } = nodes[i];
    if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name))
      context.problem('tree', tree.id.toString('hex'), `${place(tree, '')}: "${printable(name)}" cannot be a name`);
    if (i > 0 && name <= nodes[i - 1].name)
      context.problem('tree', tree.id.toString('hex'), `${place(tree, name)}: the name is not in order, or twice`);
  }
}

function checkContent(context: CheckContext, table: BlobTable, node: TreeNode, tree: Pending): void {
  let size = 0;
  for (let at = 0; at < node.content.length; at += 32) {
    const id = node.content.subarray(at, at + 32);
    const row = table.find(id, 'data');
    if (row < 0 || table.isDamaged(row)) {
      const hex = id.toString('hex');
      const what = row < 0 ? 'is in no pack that an index names' : 'is damaged';
      context.problem('blob', hex, `${place(tree, node.name)}: blob ${hex} of its content ${what}`);
      return;
    }
    size += table.plainLength(row);
  }
  if (size !== node.size)
    context.problem(
      'tree',
      tree.id.toString('hex'),
      `${place(tree, node.name)}: its content has ${size} bytes, the tree says ${node.size}`,
    );
}

function addSubtree(context: CheckContext, node: TreeNode, tree: Pending, pending: Pending[]): void {
  if (node.subtree === undefined)
    context.problem('tree', tree.id.toString('hex'), `${place(tree, node.name)}: a directory without a tree`);
  else pending.push({ id: node.subtree, path: `${tree.path}/${node.name}`, snapshot: tree.snapshot });
}

/** A path for people, with the snapshot where it was first met. */
function place(tree: Pending, name: string): string {
  const path = name === '' ? tree.path || '/' : `${tree.path}/${name}`;
  return `${printable(path)} in snapshot ${tree.snapshot.slice(0, 8)}`;
}

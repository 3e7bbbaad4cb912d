import { closeSync, lstatSync } from 'node:fs';
import { isDir } from '../lib/stat.ts';
import type { TreeNode } from '../repository/tree.ts';
import { setAttributes } from './attributes.ts';
import { type Context, fail, join, RestoreError } from './context.ts';
import { JobScope } from './jobs.ts';
import { makeDirectoryAt, openDirectoryAt, pathAt, SystemCallError, unlinkAt } from './libc.ts';
import { restoreObject } from './objects.ts';
import { listNames, makeWritable, removeTree } from './remove.ts';
import { loadTree } from './tree-source.ts';

/** Deeper than any path a client can name (4,096 bytes); each level holds one descriptor. */
const MAXIMUM_DEPTH = 2048;

/** A directory of the target that is being filled. */
export interface OpenDirectory {
  fd: number;
  /** path below the target, '' for the target itself */
  path: string;
  depth: number;
  /** everything started for it */
  scope: JobScope;
}

/**
 * Starts the restore of everything in one directory and below it. Resolves when all has been started; `directory.scope`
 * tells when it has ended. A tree that cannot be read is told and counted, and nothing is removed from its directory.
 */
export async function fillDirectory(context: Context, directory: OpenDirectory, tree: Buffer): Promise<void> {
  let nodes: TreeNode[];
  try {
    nodes = await loadTree(context.source, tree);
    if (context.delete) removeOthers(context, directory, nodes);
  } catch (error) {
    fail(context, directory.path, error);
    return;
  }
  await fillWith(context, directory, nodes);
}

/** The same for nodes at hand. */
export async function fillWith(context: Context, directory: OpenDirectory, nodes: TreeNode[]): Promise<void> {
  const seen = new Set<string>();
  for (const node of nodes) {
    context.jobs.check();
    const path = join(directory.path, node.name);
    if (seen.has(node.name)) fail(context, path, new RestoreError('ERR_DUPLICATE', 'stands twice in its tree'));
    else if (isDir(node.mode)) await enterDirectory(context, directory, node, path);
    else await context.jobs.start(directory.scope, () => restoreObject(context, directory.fd, node, path));
    seen.add(node.name);
  }
}

function removeOthers(context: Context, directory: OpenDirectory, nodes: TreeNode[]): void {
  const wanted = new Set(nodes.map((node) => node.name));
  for (const name of listNames(directory.fd)) {
    if (wanted.has(name)) continue;
    try {
      context.report.removed += removeTree(directory.fd, name);
    } catch (error) {
      fail(context, join(directory.path, name), error);
    }
  }
}

async function enterDirectory(context: Context, parent: OpenDirectory, node: TreeNode, path: string): Promise<void> {
  let made: { fd: number; existed: boolean } | undefined;
  try {
    if (parent.depth >= MAXIMUM_DEPTH) throw new RestoreError('ERR_TOO_DEEP', `lies more than ${MAXIMUM_DEPTH} deep`);
    made = openOrMake(context, parent.fd, node);
  } catch (error) {
    fail(context, path, error);
  }
  if (!made) return;
  const { fd, existed } = made;
  const directory = { fd, path, depth: parent.depth + 1, scope: new JobScope() };
  const finish = () => finishDirectory(context, directory, existed && context.existing === 'keep' ? undefined : node);
  try {
    if (node.subtree) await fillDirectory(context, directory, node.subtree);
  } finally {
    context.jobs.follow(parent.scope, finish); // also when it failed: jobs in flight still use the descriptor
  }
}

/** Sets a directory's attributes when everything in it is done (what is made inside changes its times), and closes it. */
export async function finishDirectory(context: Context, directory: OpenDirectory, node?: TreeNode): Promise<void> {
  await directory.scope.ended();
  try {
    if (node) {
      setAttributes({ fd: directory.fd, path: directory.path }, node, context.report);
      context.report.directories++;
    }
  } catch (error) {
    fail(context, directory.path, error);
  } finally {
    closeSync(directory.fd);
  }
  context.progress(context.report);
}

/** Undefined when something else is in the way and stays. */
function openOrMake(context: Context, parent: number, node: TreeNode): { fd: number; existed: boolean } | undefined {
  const existed = !tryMake(parent, node.name);
  if (existed && !lstatSync(pathAt(parent, node.name)).isDirectory()) {
    if (context.existing === 'keep') return undefined;
    if (context.existing === 'refuse') throw new RestoreError('EEXIST', 'is there already and is not a directory');
    unlinkAt(parent, node.name);
    makeDirectoryAt(parent, node.name, 0o700);
  }
  const fd = openDirectoryAt(parent, node.name);
  if (existed) makeWritable(fd);
  return { fd, existed };
}

function tryMake(parent: number, name: string): boolean {
  try {
    makeDirectoryAt(parent, name, 0o700);
    return true;
  } catch (error) {
    if (error instanceof SystemCallError && error.code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * The way back: a snapshot, or a path inside it, becomes files in a directory.
 *
 * Everything is done relative to directory handles that never follow a symlink below the target, with names checked to
 * be single components: a hostile repository can fill the target with what it likes, and touch nothing outside it.
 */
import { closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { isDir } from '../lib/stat.ts';
import type { TreeNode } from '../repository/tree.ts';
import { setAttributes } from './attributes.ts';
import { Budget } from './budget.ts';
import { type Context, type ExistingPolicy, fail, RestoreError, type RestoreWarning } from './context.ts';
import { fillDirectory, fillWith, type OpenDirectory } from './directory.ts';
import { findNode, normalizePath } from './find.ts';
import { HardLinks } from './hard-links.ts';
import { JobScope, Jobs } from './jobs.ts';
import { emptyReport, type RestoreReport } from './report.ts';
import type { TreeSource } from './tree-source.ts';

/** Objects worked on side by side. Most wait for a blob; more of them would only spread the reads. */
const JOBS = 16;
/** Bytes of blobs in memory at once, read ahead included. */
const READ_BUDGET = 64 << 20;

export interface RestoreOptions extends TreeSource {
  /** ID of the snapshot's root tree */
  tree: Buffer;
  /** a path inside it, latin1-tagged: a directory's content goes into `to`, a file into `to` under its own name */
  path?: string;
  /** attributes for `to` itself, where the snapshot has them and no `path` is given */
  root?: TreeNode;
  /** directory of this machine; made when absent, its own path may lead through symlinks */
  to: string;
  /** remove from the directories restored what the snapshot does not hold */
  delete?: boolean;
  /** 'update' unless told */
  existing?: ExistingPolicy;
  /** called after each object and each piece of content with the one running report */
  progress?: (report: RestoreReport) => void;
  /** told of each object that could not be restored */
  onWarning?: (warning: RestoreWarning) => void;
}

/**
 * Restores and says what was done. Single objects that fail are told to `onWarning` and counted; the rest goes on.
 * Throws NotInSnapshotError, RestoreError when the target takes no more (ENOSPC and the like), and what opening `to` throws.
 */
export async function restore(options: RestoreOptions): Promise<RestoreReport> {
  const source = { repository: options.repository, blobs: options.blobs };
  const node = await findNode(source, options.tree, normalizePath(options.path ?? ''));
  mkdirSync(options.to, { recursive: true });
  const root = openSync(options.to, constants.O_RDONLY | constants.O_DIRECTORY);
  const context = newContext(options, source, root);
  const directory: OpenDirectory = { fd: root, path: '', depth: 0, scope: new JobScope() };
  try {
    try {
      await fillTarget(context, directory, options.tree, node);
    } finally {
      await directory.scope.ended();
    }
    context.jobs.check();
    const own = node ?? options.root;
    if (own && isDir(own.mode)) setRootAttributes(context, root, own);
  } finally {
    closeSync(root);
  }
  return context.report;
}

function newContext(options: RestoreOptions, source: TreeSource, root: number): Context {
  return {
    source,
    existing: options.existing ?? 'update',
    delete: options.delete ?? false,
    report: emptyReport(),
    progress: options.progress ?? (() => undefined),
    onWarning: options.onWarning ?? (() => undefined),
    jobs: new Jobs(JOBS),
    budget: new Budget(READ_BUDGET),
    links: new HardLinks(),
    root,
  };
}

async function fillTarget(context: Context, to: OpenDirectory, tree: Buffer, node?: TreeNode): Promise<void> {
  if (!node) return fillDirectory(context, to, tree);
  if (!isDir(node.mode)) return fillWith(context, to, [node]);
  if (node.subtree) return fillDirectory(context, to, node.subtree);
  throw new RestoreError('ERR_NO_SUBTREE', 'the directory has no tree in the repository');
}

function setRootAttributes(context: Context, fd: number, node: TreeNode): void {
  try {
    setAttributes({ fd, path: '.' }, node, context.report);
  } catch (error) {
    fail(context, '.', error);
  }
}

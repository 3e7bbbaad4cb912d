import { type BigIntStats, closeSync, ftruncateSync, lstatSync, readlinkSync } from 'node:fs';
import { isDevice, isFile, isSymlink } from '../lib/stat.ts';
import type { TreeNode } from '../repository/tree.ts';
import { setAttributes } from './attributes.ts';
import { readContent, writeSparse } from './content.ts';
import { type Context, fail, RestoreError, temporaryName } from './context.ts';
import type { LinkLeader } from './hard-links.ts';
import {
  createFileAt,
  deviceNumber,
  linkAt,
  makeNodeAt,
  openDirectoryAt,
  openHandleAt,
  pathAt,
  renameAt,
  SystemCallError,
  symlinkAt,
  unlinkAt,
} from './libc.ts';
import { clearName } from './remove.ts';
import { countUnset } from './report.ts';

/** Where an object goes: a directory handle, and its path below the target for messages. Its name is the node's. */
interface Place {
  dir: number;
  path: string;
}

/**
 * Restores what is not a directory. It is made under a temporary name, gets its content and attributes there, and then
 * takes its name, so that a name never shows half an object. Failures are told and counted, not thrown.
 */
export async function restoreObject(context: Context, dir: number, node: TreeNode, path: string): Promise<void> {
  const place = { dir, path };
  try {
    const present = lstatSync(pathAt(dir, node.name), { throwIfNoEntry: false, bigint: true });
    if (present && context.existing === 'keep') return;
    if (present && context.existing === 'refuse') throw new RestoreError('EEXIST', 'is there already');
    const group = context.links.join(node, path);
    if (group && !group.leads && (await linkToLeader(context, place, node, group.leader, present))) return;
    let placed = false;
    try {
      placed = await placeObject(context, place, node, present);
    } finally {
      if (group?.leads) group.leader.finish(placed);
    }
  } catch (error) {
    fail(context, path, error);
  }
  context.progress(context.report);
}

async function placeObject(context: Context, place: Place, node: TreeNode, present?: BigIntStats): Promise<boolean> {
  if (present && isEqual(context, place, node, present)) {
    keepObject(context, place, node);
    return true;
  }
  const name = temporaryName();
  const made = isFile(node.mode) ? await makeFile(context, place, node, name) : makeOther(context, place, node, name);
  if (made) takeName(context, place, node, name, present);
  return made;
}

/**
 * Whether what is there already is the node's object, but for attributes. One with further names never is: they may lie
 * outside the target, and what is set here would be set there.
 */
function isEqual(context: Context, place: Place, node: TreeNode, present: BigIntStats): boolean {
  if (context.existing !== 'update' || present.nlink !== 1n) return false;
  if ((Number(present.mode) ^ node.mode) >>> 12 !== 0) return false;
  if (isFile(node.mode)) {
    const mtime = BigInt(node.mtime.sec) * 1_000_000_000n + BigInt(node.mtime.nsec);
    return present.size === BigInt(node.size) && present.mtimeNs === mtime;
  }
  if (isSymlink(node.mode)) {
    return readlinkSync(pathAt(place.dir, node.name), { encoding: 'latin1' }) === node.target;
  }
  return !isDevice(node.mode) || present.rdev === deviceNumber(node.rdevMajor, node.rdevMinor);
}

function keepObject(context: Context, place: Place, node: TreeNode): void {
  setAttributesByName(context, place, node, node.name);
  if (isFile(node.mode)) {
    context.report.keptFiles++;
    context.report.keptBytes += node.size;
  } else countObject(context, node);
}

/** A regular file with its content and attributes, under a temporary name. */
async function makeFile(context: Context, place: Place, node: TreeNode, name: string): Promise<boolean> {
  const fd = createFileAt(place.dir, name);
  try {
    const size = await writeContent(context, fd, node);
    setAttributes({ fd, path: place.path }, node, context.report);
    if (size !== node.size) {
      fail(context, place.path, new RestoreError('ERR_SIZE', `holds ${size} bytes, its tree says ${node.size}`));
    }
  } catch (error) {
    unlinkAt(place.dir, name);
    throw error;
  } finally {
    closeSync(fd);
  }
  context.report.files++;
  return true;
}

async function writeContent(context: Context, fd: number, node: TreeNode): Promise<number> {
  let size = 0;
  for await (const piece of readContent(context.source, node.content, context.budget)) {
    context.jobs.check();
    await writeSparse(fd, piece, size);
    size += piece.length;
    context.report.bytes += piece.length;
    context.progress(context.report);
  }
  if (size > 0) ftruncateSync(fd, size); // the end may be a hole
  return size;
}

/** A symlink, device, fifo or socket; false when this system or user may not make one. */
function makeOther(context: Context, place: Place, node: TreeNode, name: string): boolean {
  if (isSymlink(node.mode)) symlinkAt(node.target, place.dir, name);
  else if (!makeSpecial(context, place, node, name)) return false;
  try {
    setAttributesByName(context, place, node, name);
  } catch (error) {
    unlinkAt(place.dir, name);
    throw error;
  }
  countObject(context, node);
  return true;
}

function makeSpecial(context: Context, place: Place, node: TreeNode, name: string): boolean {
  try {
    makeNodeAt(
      place.dir,
      name,
      (node.mode & ~0o7777) | 0o600,
      isDevice(node.mode) ? deviceNumber(node.rdevMajor, node.rdevMinor) : 0n,
    );
    return true;
  } catch (error) {
    if (!(error instanceof SystemCallError) || !['EPERM', 'EINVAL', 'ENOTSUP'].includes(error.code)) throw error;
    countUnset(context.report, isDevice(node.mode) ? 'device' : 'special file', place.path, error.code);
    return false;
  }
}

function countObject(context: Context, node: TreeNode): void {
  if (isSymlink(node.mode)) context.report.symlinks++;
  else context.report.specials++;
}

function setAttributesByName(context: Context, place: Place, node: TreeNode, name: string): void {
  const fd = openHandleAt(place.dir, name);
  try {
    setAttributes({ fd, path: place.path, at: { dir: place.dir, name } }, node, context.report);
  } finally {
    closeSync(fd);
  }
}

function takeName(context: Context, place: Place, node: TreeNode, temporary: string, present?: BigIntStats): void {
  try {
    if (present?.isDirectory()) clearName(place.dir, node.name, context.delete);
    renameAt(place.dir, temporary, node.name);
  } catch (error) {
    unlinkAt(place.dir, temporary);
    throw error;
  }
}

/** Gives the leader's object this name too; false when it has to be restored by itself. */
async function linkToLeader(
  context: Context,
  place: Place,
  node: TreeNode,
  leader: LinkLeader,
  present?: BigIntStats,
): Promise<boolean> {
  if (!(await leader.done)) return false;
  const parts = leader.path.split('/');
  const leaderName = parts.pop() as string;
  try {
    withDirectory(context.root, parts, (leaderDir) => {
      const object = lstatSync(pathAt(leaderDir, leaderName), { bigint: true });
      if (present && present.ino === object.ino && present.dev === object.dev) return;
      const name = temporaryName();
      linkAt(leaderDir, leaderName, place.dir, name);
      takeName(context, place, node, name, present);
    });
  } catch (error) {
    if (error instanceof SystemCallError && NOT_LINKABLE.has(error.code)) return false;
    throw error;
  }
  context.report.hardLinks++;
  return true;
}

/** Why a second name may be impossible where a second object is not. */
const NOT_LINKABLE = new Set(['EMLINK', 'EXDEV', 'EPERM']);

/** Opens a directory below the target component by component, so that nothing planted on the way is followed. */
function withDirectory(root: number, parts: string[], act: (dir: number) => void): void {
  const opened: number[] = [];
  try {
    for (const part of parts) opened.push(openDirectoryAt(opened.at(-1) ?? root, part));
    act(opened.at(-1) ?? root);
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { compareNames, printable } from '../../src/lib/names.ts';
import { isDir, isFile, isSymlink, S_IFREG } from '../../src/lib/stat.ts';
import { getXattrOf, listXattrsOf } from '../../src/restore/libc.ts';
import { isRoot } from './make-tree.ts';

export interface CompareOptions {
  /** attributes that are not compared; 'rootAttributes' leaves out those of the two roots themselves */
  ignore?: Aspect[];
  /** objects left out on both sides, by path and st_mode; what lies below a directory left out is left out too */
  skip?: (path: string, mode: number) => boolean;
  /**
   * milliseconds since the epoch: a directory of `b` with a later mtime was touched by its writer after its time was
   * set (stock rsync does that when it makes hard links late), so its mtime is not compared
   */
  touchedSince?: number;
  /** milliseconds since the epoch: times since then came from either server's clock, and count as equal */
  clockSince?: number;
  /** aspects not compared of single objects */
  ignoreFor?: (path: string, mode: number) => Aspect[];
}

export type Aspect =
  | 'mode'
  | 'owner'
  | 'mtime'
  | 'dirMtime'
  | 'symlinkMtime'
  | 'content'
  | 'target'
  | 'xattrs'
  | 'links'
  | 'rdev'
  | 'rootAttributes';

interface Item {
  path: string;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtimeNs: bigint;
  rdev: bigint;
  target: string;
  xattrs: string;
  inode: string;
  /** path of the first of all names in the tree that share the inode; its own path when there is no other */
  group: string;
}

/**
 * All differences between two trees, one line each: names, types, content and all metadata down to nanoseconds, raw
 * extended attributes (ACLs are some) and hard-link groups. Empty when they are equal.
 */
export function compareTrees(a: string, b: string, options: CompareOptions = {}): string[] {
  const left = readTree(a, options);
  const right = readTree(b, options);
  const differences: string[] = [];
  const paths = [...new Set([...left.keys(), ...right.keys()])].sort(compareNames);
  for (const path of paths) {
    const one = left.get(path);
    const other = right.get(path);
    if (one && other) differences.push(...compareItems(a, one, b, other, options));
    else differences.push(`${show(path)}: only in ${one ? a : b} (mode ${(one ?? other)!.mode.toString(8)})`);
  }
  return differences;
}

/** Fails with the differences (the first 60 of them) when the trees are not equal. */
export function assertSameTrees(actual: string, expected: string, options: CompareOptions = {}): void {
  const found = compareTrees(actual, expected, options);
  if (found.length > 0) {
    assert.fail(`${found.length} differences of ${actual} from ${expected}:\n  ${found.slice(0, 60).join('\n  ')}`);
  }
}

function show(path: string): string {
  return path === '' ? '(root)' : printable(path);
}

function readTree(root: string, options: CompareOptions): Map<string, Item> {
  const items = new Map<string, Item>();
  const groups = new Map<string, string>();
  const rootBytes = Buffer.from(root).toString('latin1');
  const visit = (path: string) => {
    const full = path === '' ? rootBytes : `${rootBytes}/${path}`;
    const item = readItem(full, path);
    if (options.skip?.(path, item.mode)) return;
    item.group = groups.get(item.inode) ?? path;
    if (!isDir(item.mode)) groups.set(item.inode, item.group);
    items.set(path, item);
    if (!isDir(item.mode)) return;
    const names = fs.readdirSync(Buffer.from(full, 'latin1'), { encoding: 'latin1' }).sort(compareNames);
    for (const name of names) visit(path === '' ? name : `${path}/${name}`);
  };
  visit('');
  return items;
}

function readItem(full: string, path: string): Item {
  const bytes = Buffer.from(full, 'latin1');
  const stat = fs.lstatSync(bytes, { bigint: true });
  const mode = Number(stat.mode);
  const deep = full.length > 3900; // the xattr calls take whole paths; deeper objects have none in our tests
  return {
    path,
    mode,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: isFile(mode) ? Number(stat.size) : 0,
    mtimeNs: stat.mtimeNs,
    rdev: stat.rdev,
    target: isSymlink(mode) ? fs.readlinkSync(bytes, { encoding: 'latin1' }) : '',
    xattrs: deep ? '' : readXattrs(full),
    inode: `${stat.dev}:${stat.ino}`,
    group: path,
  };
}

function readXattrs(full: string): string {
  const names = listXattrsOf(full).filter((name) => name !== 'security.selinux');
  return names
    .sort(compareNames)
    .map((name) => `${printable(name)}=${getXattrOf(full, name).toString('hex')}`)
    .join(' ');
}

function compareItems(a: string, one: Item, b: string, other: Item, options: CompareOptions): string[] {
  const ignored = new Set([...(options.ignore ?? []), ...(options.ignoreFor?.(one.path, one.mode) ?? [])]);
  const differences: string[] = [];
  const differ = (what: string, x: unknown, y: unknown) => {
    if (x === y) return;
    const [left, right] = [x, y].map((value) => String(value).slice(0, 400));
    differences.push(`${show(one.path)}: ${what} ${left} in ${a}, ${right} in ${b}`);
  };
  differ('type', one.mode >>> 12, other.mode >>> 12);
  if (differences.length > 0) return differences;
  if (one.path === '' && ignored.has('rootAttributes')) return differences;
  if (!ignored.has('mode')) differ('mode', one.mode.toString(8), other.mode.toString(8));
  if (!ignored.has('owner')) differ('owner', `${one.uid}:${one.gid}`, `${other.uid}:${other.gid}`);
  const touched =
    isDir(one.mode) && isRecent(other.mtimeNs, BigInt(options.touchedSince ?? Number.MAX_SAFE_INTEGER) * 1000000n);
  const since = BigInt(options.clockSince ?? Number.MAX_SAFE_INTEGER) * 1000000n;
  const clocks = isRecent(one.mtimeNs, since) && isRecent(other.mtimeNs, since);
  if (!touched && !clocks && !ignoresTime(one.mode, ignored))
    differ('mtime', seconds(one.mtimeNs), seconds(other.mtimeNs));
  if (!ignored.has('rdev')) differ('rdev', one.rdev, other.rdev);
  if (!ignored.has('target')) differ('target', printable(one.target), printable(other.target));
  if (!ignored.has('xattrs')) differ('xattrs', one.xattrs, other.xattrs);
  if (!ignored.has('links')) differ('hard link of', show(one.group), show(other.group));
  if (!ignored.has('content') && (one.mode & 0o170000) === S_IFREG) {
    differ('size', one.size, other.size);
    if (one.size === other.size) {
      const at = firstDifference(a, b, one);
      if (at >= 0) differences.push(`${show(one.path)}: content differs from byte ${at} of ${one.size}`);
    }
  }
  return differences;
}

/** Times of a year that is far ahead are no clock's. */
function isRecent(ns: bigint, since: bigint): boolean {
  return ns >= since && ns < since + 86_400_000_000_000n;
}

function ignoresTime(mode: number, ignored: Set<Aspect>): boolean {
  if (ignored.has('mtime')) return true;
  return (isDir(mode) && ignored.has('dirMtime')) || (isSymlink(mode) && ignored.has('symlinkMtime'));
}

function seconds(ns: bigint): string {
  return `${ns < 0n ? '-' : ''}${(ns < 0n ? -ns : ns) / 1000000000n}.${String((ns < 0n ? -ns : ns) % 1000000000n).padStart(9, '0')}`;
}

/** Reading must not change the access times that the next push compares. */
const READ_UNSEEN = isRoot ? fs.constants.O_RDONLY | fs.constants.O_NOATIME : fs.constants.O_RDONLY;
const PIECE = 1 << 20;
const leftPiece = Buffer.allocUnsafe(PIECE);
const rightPiece = Buffer.allocUnsafe(PIECE);

/** Offset of the first byte that differs between two files of one size, -1 when none does. */
function firstDifference(a: string, b: string, item: Item): number {
  const open = (root: string) =>
    fs.openSync(Buffer.concat([Buffer.from(root), Buffer.from(`/${item.path}`, 'latin1')]), READ_UNSEEN);
  const one = open(a);
  const other = open(b);
  try {
    for (let at = 0; at < item.size; ) {
      const length = fs.readSync(one, leftPiece, 0, PIECE, at);
      for (let got = 0; got < length; ) {
        const more = fs.readSync(other, rightPiece, got, length - got, at + got);
        if (more === 0) return at + got;
        got += more;
      }
      if (length === 0) return at;
      if (leftPiece.compare(rightPiece, 0, length, 0, length) !== 0) {
        let i = 0;
        while (leftPiece[i] === rightPiece[i]) i++;
        return at + i;
      }
      at += length;
    }
    return -1;
  } finally {
    fs.closeSync(one);
    fs.closeSync(other);
  }
}

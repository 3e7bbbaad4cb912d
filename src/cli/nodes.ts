/** How an object of a snapshot is shown. */
import { modeString } from '../lib/mode-string.ts';
import { fromText, printable } from '../lib/names.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from '../lib/stat.ts';
import type { TreeNode } from '../repository/tree.ts';
import { jsonName, localTime } from './output.ts';

const TYPE_NAMES: Record<number, string> = {
  [S_IFREG]: 'file',
  [S_IFDIR]: 'dir',
  [S_IFLNK]: 'symlink',
  [S_IFBLK]: 'blockdev',
  [S_IFCHR]: 'chardev',
  [S_IFIFO]: 'fifo',
  [S_IFSOCK]: 'socket',
};

function isDevice(node: TreeNode): boolean {
  return [S_IFBLK, S_IFCHR].includes(node.mode & S_IFMT);
}

/** A line as ls -l has it. `path` is latin1-tagged. */
export function nodeLine(path: string, node: TreeNode): string {
  const owner = `${printable(node.user) || node.uid}:${printable(node.group) || node.gid}`;
  const bytes = isDevice(node) ? `${node.rdevMajor},${node.rdevMinor}` : String(node.size);
  const time = localTime(new Date(node.mtime.sec * 1000).toISOString());
  const target = (node.mode & S_IFMT) === S_IFLNK ? ` -> ${printable(node.target)}` : '';
  return `${modeString(node.mode)} ${owner.padEnd(13)} ${bytes.padStart(12)} ${time} ${printable(path)}${target}`;
}

export function nodeJson(path: string, node: TreeNode): Record<string, unknown> {
  const { mode, uid, gid, size, mtime, inode } = node;
  return {
    ...jsonName('path', path),
    type: TYPE_NAMES[mode & S_IFMT] ?? 'unknown',
    mode: `0${(mode & 0o7777).toString(8)}`,
    uid,
    gid,
    ...jsonName('user', node.user),
    ...jsonName('group', node.group),
    size,
    mtime: timeWithNanoseconds(mtime),
    ...((mode & S_IFMT) === S_IFLNK ? jsonName('target', node.target) : {}),
    ...(isDevice(node) ? { major: node.rdevMajor, minor: node.rdevMinor } : {}),
    ...(inode !== 0 ? { link_group: inode } : {}),
    ...(node.xattrs.length > 0 ? { xattrs: node.xattrs.map(({ name }) => printable(name)) } : {}),
  };
}

/** RFC 3339 with nine digits; beyond the years a Date can hold, '@SECONDS.NANOSECONDS'. */
function timeWithNanoseconds({ sec, nsec }: { sec: number; nsec: number }): string {
  const fraction = String(nsec).padStart(9, '0');
  const date = new Date(sec * 1000);
  if (Number.isNaN(date.getTime())) return `@${sec}.${fraction}`;
  return date.toISOString().replace(/\.\d{3}Z$/, `.${fraction}Z`);
}

/** A path from the command line: text, to the latin1-tagged bytes that snapshots know. */
export function pathFromArgument(argument: string): string {
  return fromText(argument);
}

/** Trees: a directory's nodes as restic's JSON (docs/repository.md, "Trees"). */
import {
  isDir,
  isFile,
  isSymlink,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from '../lib/stat.ts';
import { RepositoryDamagedError } from './errors.ts';
import { fromGoQuoted, jsonText, toGoQuoted } from './names.ts';
import { formatTime, parseTime, type Time } from './time.ts';

/** A file-system object as a tree holds it. Names and targets are latin1-tagged bytes. */
export interface TreeNode {
  name: string;
  /** st_mode */
  mode: number;
  mtime: Time;
  atime: Time;
  uid: number;
  gid: number;
  user: string;
  group: string;
  size: number;
  target: string;
  rdevMajor: number;
  rdevMinor: number;
  /** hard-link group, 0 for none */
  inode: number;
  /** blob IDs of a file, 32 bytes each */
  content: Buffer;
  /** tree ID of a directory's content */
  subtree: Buffer | undefined;
  xattrs: { name: string; value: Buffer }[];
}

/** Go's os.FileMode bits. */
const GO = {
  dir: 0x80000000,
  symlink: 0x08000000,
  device: 0x04000000,
  fifo: 0x02000000,
  socket: 0x01000000,
  setuid: 0x00800000,
  setgid: 0x00400000,
  char: 0x00200000,
  sticky: 0x00100000,
};

const KINDS: readonly [type: string, format: number, goBits: number][] = [
  ['file', S_IFREG, 0],
  ['dir', S_IFDIR, GO.dir],
  ['symlink', S_IFLNK, GO.symlink],
  ['dev', S_IFBLK, GO.device],
  ['chardev', S_IFCHR, GO.device + GO.char],
  ['fifo', S_IFIFO, GO.fifo],
  ['socket', S_IFSOCK, GO.socket],
];

/** Links that a member of a hard-link group is said to have: any number above 1 makes restic link them again. */
const LINKS = 2;
const DEVICE_ID = 1;

/** JSON of a directory's nodes, which are sorted by name. */
export function encodeTree(nodes: TreeNode[]): Buffer {
  const parts: string[] = [];
  for (const node of nodes) parts.push(encodeNode(node));
  return Buffer.from(`{"nodes":[${parts.join(',')}]}\n`, 'utf8');
}

function encodeNode(n: TreeNode): string {
  const [type, , goBits] = kindOf(n.mode);
  let json = `{"name":${toGoQuoted(n.name)},"type":"${type}","mode":${goMode(n.mode, goBits)},"mtime":"${formatTime(n.mtime)}","atime":"${formatTime(n.atime)}","ctime":"${formatTime(n.mtime)}","uid":${n.uid},"gid":${n.gid}`;
  if (n.user !== '') json += `,"user":${jsonText(n.user)}`;
  if (n.group !== '') json += `,"group":${jsonText(n.group)}`;
  if (n.inode !== 0) json += `,"inode":${n.inode},"device_id":${DEVICE_ID}`;
  if (isFile(n.mode) && n.size > 0) json += `,"size":${n.size}`;
  if (n.inode !== 0) json += `,"links":${LINKS}`;
  if (isSymlink(n.mode)) json += encodeTarget(n.target);
  if (n.xattrs.length > 0)
    json += `,"extended_attributes":[${n.xattrs.map((x) => `{"name":${jsonText(x.name)},"value":"${x.value.toString('base64')}"}`).join(',')}]`;
  if (type === 'dev' || type === 'chardev') json += `,"device":${linuxDevice(n.rdevMajor, n.rdevMinor)}`;
  json += `,"content":${isFile(n.mode) ? encodeContent(n.content) : 'null'}`;
  if (n.subtree !== undefined) json += `,"subtree":"${n.subtree.toString('hex')}"`;
  return `${json}}`;
}

function encodeContent(content: Buffer): string {
  if (content.length === 0) return '[]';
  const hex = content.toString('hex');
  if (hex.length === 64) return `["${hex}"]`;
  const ids: string[] = [];
  for (let at = 0; at < hex.length; at += 64) ids.push(hex.slice(at, at + 64));
  return `["${ids.join('","')}"]`;
}

/** A target that is no text stands twice: as restic's JSON can say it, and exactly. */
function encodeTarget(target: string): string {
  const text = jsonText(target);
  const bytes = Buffer.from(target, 'latin1');
  if (Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes)) return `,"linktarget":${text}`;
  return `,"linktarget":${text},"linktarget_raw":"${bytes.toString('base64')}"`;
}

function kindOf(mode: number): (typeof KINDS)[number] {
  const kind = KINDS.find((k) => k[1] === (mode & S_IFMT));
  if (kind === undefined) throw new RangeError('a node has an unknown type');
  return kind;
}

function goMode(mode: number, goBits: number): number {
  let bits = goBits + (mode & 0o777);
  if (mode & 0o4000) bits += GO.setuid;
  if (mode & 0o2000) bits += GO.setgid;
  if (mode & 0o1000) bits += GO.sticky;
  return bits;
}

/** st_rdev as Linux packs it: minor low 8 bits, major 12 bits, the rest of both above. */
function linuxDevice(major: number, minor: number): string {
  const [a, b] = [BigInt(major), BigInt(minor)];
  return ((b & 0xffn) | ((a & 0xfffn) << 8n) | ((b & ~0xffn) << 12n) | ((a & ~0xfffn) << 32n)).toString();
}

/**
 * The nodes of a tree blob, as restic or we wrote it.
 *
 * @throws RepositoryDamagedError when it is none
 */
export function decodeTree(plain: Buffer): TreeNode[] {
  try {
    const tree = JSON.parse(plain.toString('utf8')) as { nodes: Record<string, unknown>[] | null };
    return (tree.nodes ?? []).map(decodeNode);
  } catch (error) {
    throw new RepositoryDamagedError('a directory in the repository cannot be read: its tree is not one', error);
  }
}

function decodeNode(json: Record<string, unknown>): TreeNode {
  const kind = KINDS.find((k) => k[0] === json.type);
  if (kind === undefined || typeof json.name !== 'string') throw new TypeError('a node has no name or an unknown type');
  const go = number(json.mode);
  const bit = (mask: number, mode: number) => (Math.floor(go / mask) % 2 === 1 ? mode : 0);
  const mode = kind[1] | (go & 0o777) | bit(GO.setuid, 0o4000) | bit(GO.setgid, 0o2000) | bit(GO.sticky, 0o1000);
  const device = BigInt((json.device as number | undefined) ?? 0);
  const links = number(json.links);
  return {
    name: fromGoQuoted(json.name),
    mode,
    mtime: parseTime(text(json.mtime)),
    atime: parseTime(text(json.atime ?? json.mtime)),
    uid: number(json.uid),
    gid: number(json.gid),
    user: Buffer.from(text(json.user)).toString('latin1'),
    group: Buffer.from(text(json.group)).toString('latin1'),
    size: number(json.size),
    target:
      json.linktarget_raw === undefined
        ? Buffer.from(text(json.linktarget)).toString('latin1')
        : Buffer.from(text(json.linktarget_raw), 'base64').toString('latin1'),
    rdevMajor: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn)),
    rdevMinor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
    inode: links > 1 && !isDir(mode) ? number(json.inode) : 0,
    content: Buffer.from(((json.content as string[] | null) ?? []).join(''), 'hex'),
    subtree: json.subtree === undefined || json.subtree === null ? undefined : Buffer.from(text(json.subtree), 'hex'),
    xattrs: ((json.extended_attributes as { name: string; value: string | null }[] | undefined) ?? []).map((x) => ({
      name: Buffer.from(x.name).toString('latin1'),
      value: Buffer.from(x.value ?? '', 'base64'),
    })),
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

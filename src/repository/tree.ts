/** Trees: a directory's nodes as restic's JSON (docs/repository.md, "Trees"). */
import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
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
  S_ISGID,
  S_ISUID,
  S_ISVTX,
} from '../lib/stat.ts';
import { RepositoryDamagedError } from './errors.ts';
import { fromGoQuoted, jsonText, toGoQuoted } from './names.ts';
import { formatTime, parseTime, type Time } from './time.ts';
import { treePieces } from './tree-pieces.ts';

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

/** Nodes that become bytes at once: a string holds at most 512 MiB, a directory of millions is more. */
const NODES_AT_ONCE = 4096;
/** Characters of them, likewise. */
const TEXT_AT_ONCE = 1 << 20;

/**
 * JSON of a directory's nodes, byte for byte as restic writes them.
 *
 * @param nodes sorted by name, no name twice: not looked at here; check tells of trees that are otherwise
 * @throws RangeError when a node has an unknown type
 */
export function encodeTree(nodes: readonly TreeNode[]): Buffer {
  const pieces: Buffer[] = [];
  let json = '{"nodes":[';
  for (let i = 0; i < nodes.length; i++) {
    if (i > 0) json += ',';
    json += encodeNode(nodes[i]);
    // nodes with long lists or attributes may be long themselves
    if (i % NODES_AT_ONCE !== NODES_AT_ONCE - 1 && json.length < TEXT_AT_ONCE) continue;
    pieces.push(Buffer.from(json, 'utf8'));
    json = '';
  }
  json += ']}\n';
  if (pieces.length === 0) return Buffer.from(json, 'utf8');
  pieces.push(Buffer.from(json, 'utf8'));
  return Buffer.concat(pieces);
}

function encodeNode(n: TreeNode): string {
  const [type, , goBits] = kindOf(n.mode);
  const mode = goMode(n.mode, goBits);
  const mtime = formatTime(n.mtime);
  const atime = n.atime.sec === n.mtime.sec && n.atime.nsec === n.mtime.nsec ? mtime : formatTime(n.atime);
  let json = `{"name":${toGoQuoted(n.name)},"type":"${type}",${mode === 0 ? '' : `"mode":${mode},`}`;
  json += `"mtime":"${mtime}","atime":"${atime}","ctime":"${mtime}","uid":${n.uid},"gid":${n.gid}`;
  if (n.user !== '') json += `,"user":${jsonText(n.user)}`;
  if (n.group !== '') json += `,"group":${jsonText(n.group)}`;
  if (n.inode !== 0) json += `,"inode":${n.inode},"device_id":${DEVICE_ID}`;
  if (isFile(n.mode) && n.size > 0) json += `,"size":${n.size}`;
  if (n.inode !== 0) json += `,"links":${LINKS}`;
  if (isSymlink(n.mode) && n.target !== '') json += encodeTarget(n.target);
  if (n.xattrs.length > 0) json += `,"extended_attributes":[${n.xattrs.map(encodeXattr).join(',')}]`;
  if ((type === 'dev' || type === 'chardev') && (n.rdevMajor !== 0 || n.rdevMinor !== 0))
    json += `,"device":${linuxDevice(n.rdevMajor, n.rdevMinor)}`;
  json += `,"content":${isFile(n.mode) ? encodeContent(n.content) : 'null'}`;
  if (n.subtree !== undefined) json += `,"subtree":"${n.subtree.toString('hex')}"`;
  return `${json}}`;
}

function encodeXattr({ name, value }: { name: string; value: Buffer }): string {
  return `{"name":${jsonText(name)},"value":"${value.toString('base64')}"}`;
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
  if (isUtf8(bytes)) return `,"linktarget":${text}`;
  return `,"linktarget":${text},"linktarget_raw":"${bytes.toString('base64')}"`;
}

function kindOf(mode: number): (typeof KINDS)[number] {
  const kind = KINDS.find((k) => k[1] === (mode & S_IFMT));
  if (kind === undefined) throw new RangeError('a node has an unknown type');
  return kind;
}

function goMode(mode: number, goBits: number): number {
  let bits = goBits + (mode & 0o777);
  if (mode & S_ISUID) bits += GO.setuid;
  if (mode & S_ISGID) bits += GO.setgid;
  if (mode & S_ISVTX) bits += GO.sticky;
  return bits;
}

/** st_rdev as Linux packs it: minor low 8 bits, major 12 bits, the rest of both above. */
function linuxDevice(major: number, minor: number): string {
  const [a, b] = [BigInt(major), BigInt(minor)];
  return ((b & 0xffn) | ((a & 0xfffn) << 8n) | ((b & ~0xffn) << 12n) | ((a & ~0xfffn) << 32n)).toString();
}

/**
 * The nodes of a tree blob, as restic or we wrote it, in the order stored. Names are as found: who makes files of them
 * checks them.
 *
 * @throws RepositoryDamagedError when it is none
 */
export function decodeTree(plain: Buffer): TreeNode[] {
  try {
    const nodes: TreeNode[] = [];
    for (const piece of treePieces(plain)) {
      for (const json of parsePiece(piece)) nodes.push(decodeNode(json));
    }
    return nodes;
  } catch (error) {
    throw new RepositoryDamagedError('a directory in the repository cannot be read: its tree is not one', error);
  }
}

/** Inode and device numbers past 2^53, which JSON.parse would round, become strings first. No name can hold this: its quotes are escaped. */
const LARGE_NUMBER = /"(inode|device_id|device)":(\d{16,})/g;

function parsePiece(piece: Buffer): Record<string, unknown>[] {
  const json = piece.toString('utf8').replace(LARGE_NUMBER, '"$1":"$2"');
  const { nodes } = JSON.parse(json) as { nodes: Record<string, unknown>[] | null };
  if (nodes === undefined) throw new TypeError('a tree without nodes');
  return nodes ?? [];
}

function decodeNode(json: Record<string, unknown>): TreeNode {
  const kind = KINDS.find((k) => k[0] === json.type);
  if (kind === undefined || typeof json.name !== 'string') throw new TypeError('a node has no name or an unknown type');
  const go = natural(json.mode);
  const bit = (mask: number, mode: number) => (Math.floor(go / mask) % 2 === 1 ? mode : 0);
  const mode = kind[1] | (go & 0o777) | bit(GO.setuid, S_ISUID) | bit(GO.setgid, S_ISGID) | bit(GO.sticky, S_ISVTX);
  const device = BigInt((json.device as number | string | undefined) ?? 0);
  return {
    name: fromGoQuoted(json.name),
    mode,
    mtime: parseTime(text(json.mtime)),
    atime: parseTime(text(json.atime ?? json.mtime)),
    uid: natural(json.uid),
    gid: natural(json.gid),
    user: bytesOf(json.user),
    group: bytesOf(json.group),
    size: natural(json.size),
    target:
      typeof json.linktarget_raw === 'string'
        ? Buffer.from(json.linktarget_raw, 'base64').toString('latin1')
        : bytesOf(json.linktarget),
    rdevMajor: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn)),
    rdevMinor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
    inode: natural(json.links) > 1 && !isDir(mode) ? linkGroup(json.inode, json.device_id) : 0,
    content: decodeContent(json.content),
    subtree: json.subtree === undefined || json.subtree === null ? undefined : decodeId(json.subtree),
    xattrs: decodeXattrs(json.extended_attributes),
  };
}

/**
 * Our own nodes carry the group's number as inode. restic's carry inode and device, which only together (and with all
 * 64 bits) name one object: a hash of both stands for them.
 */
function linkGroup(inode: unknown, device: unknown): number {
  if (device === DEVICE_ID && Number.isSafeInteger(Number(inode))) return natural(Number(inode));
  return hash('sha256', `${inode}:${device}`, 'buffer').readUIntBE(0, 6) + 1;
}

function decodeContent(content: unknown): Buffer {
  if (content === null || content === undefined) return Buffer.alloc(0);
  if (!Array.isArray(content)) throw new TypeError('a content is not a list');
  const ids = Buffer.allocUnsafe(content.length * 32);
  content.forEach((id, i) => {
    decodeId(id).copy(ids, i * 32);
  });
  return ids;
}

function decodeId(value: unknown): Buffer {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) throw new TypeError('an ID is none');
  return Buffer.from(value, 'hex');
}

function decodeXattrs(value: unknown): TreeNode['xattrs'] {
  if (value === null || value === undefined) return [];
  return (value as { name: unknown; value: unknown }[]).map((x) => ({
    name: bytesOf(x.name),
    value: Buffer.from(text(x.value), 'base64'),
  }));
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function bytesOf(value: unknown): string {
  return typeof value === 'string' && value !== '' ? Buffer.from(value, 'utf8').toString('latin1') : '';
}

/** Absent stands for 0. */
function natural(value: unknown): number {
  if (value === undefined) return 0;
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new TypeError('a number of a node is none');
  return value as number;
}

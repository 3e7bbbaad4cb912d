/**
 * The entries of one directory in one record. Hot on nights when nothing changes: 28 fixed bytes an entry, read through
 * a DataView, then the name and what few entries have.
 */
import { crc32 } from 'node:zlib';
import { isFile } from '../../lib/stat.ts';
import { contentKey, ID_BYTES } from '../content.ts';
import { type Entry, NO_BLOBS, type Xattr } from '../entry.ts';
import { StateDamagedError } from '../errors.ts';

const FIXED_BYTES = 28;
/** Files of more blobs keep their list in a row of its own. */
const INLINE_BLOBS = 16;

const HAS = { atime: 1, target: 2, device: 4, inode: 8, xattrs: 16, blobs: 32, content: 64 };

interface Owner {
  uid: number;
  gid: number;
  user: string;
  group: string;
}

export interface EncodedDirectory {
  record: Buffer;
  crc: number;
  files: number;
  bytes: number;
  /** keys of contents that the record only points to */
  contents: Map<string, Buffer>;
}

export function encodeDirectory(entries: Entry[]): EncodedDirectory {
  const owners: Owner[] = [];
  const ownerIndex = new Map<string, number>();
  const contents = new Map<string, Buffer>();
  let length = 0;
  for (const entry of entries) length += entryBound(entry);
  const body = Buffer.allocUnsafe(length);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  let at = 0;
  let files = 0;
  let bytes = 0;
  for (const entry of entries) {
    const ownerKey = `${entry.uid},${entry.gid},${entry.user}\n${entry.group}`;
    let owner = ownerIndex.get(ownerKey);
    if (owner === undefined) {
      owner = owners.push(entry) - 1;
      ownerIndex.set(ownerKey, owner);
    }
    if (isFile(entry.mode)) bytes += entry.size;
    if ((entry.mode & 0o170000) !== 0o040000) files++;
    at = encodeEntry(body, view, at, entry, owner, contents);
  }
  const record = Buffer.concat([encodeOwners(owners, entries.length), body.subarray(0, at)]);
  return { record, crc: crc32(record), files, bytes, contents };
}

function entryBound(e: Entry): number {
  let length = FIXED_BYTES + e.name.length + e.target.length + 64 + Math.min(e.blobs.length, INLINE_BLOBS * ID_BYTES);
  for (const x of e.xattrs) length += x.name.length + x.value.length + 6;
  return length;
}

function encodeEntry(
  body: Buffer,
  view: DataView,
  start: number,
  e: Entry,
  owner: number,
  contents: Map<string, Buffer>,
): number {
  const many = e.blobs.length > INLINE_BLOBS * ID_BYTES;
  const flags =
    (e.atime === undefined ? 0 : HAS.atime) |
    (e.target === '' ? 0 : HAS.target) |
    (e.rdevMajor === 0 && e.rdevMinor === 0 ? 0 : HAS.device) |
    (e.inode === 0 ? 0 : HAS.inode) |
    (e.xattrs.length === 0 ? 0 : HAS.xattrs) |
    (e.blobs.length === 0 ? 0 : many ? HAS.content : HAS.blobs);
  view.setUint16(start, e.name.length, true);
  view.setUint16(start + 2, e.mode, true);
  view.setUint16(start + 4, owner, true);
  view.setUint8(start + 6, flags);
  view.setUint8(start + 7, 0);
  view.setFloat64(start + 8, e.mtime, true);
  view.setUint32(start + 16, e.mtimeNsec, true);
  view.setFloat64(start + 20, e.size, true);
  let at = start + FIXED_BYTES;
  at += body.write(e.name, at, 'latin1');
  if (e.atime !== undefined) {
    view.setFloat64(at, e.atime, true);
    at += 8;
  }
  if (flags & HAS.target) at = putText(body, view, at, e.target);
  if (flags & HAS.device) {
    view.setUint32(at, e.rdevMajor, true);
    view.setUint32(at + 4, e.rdevMinor, true);
    at += 8;
  }
  if (flags & HAS.inode) {
    view.setFloat64(at, e.inode, true);
    at += 8;
  }
  if (flags & HAS.xattrs) at = putXattrs(body, view, at, e.xattrs);
  if (flags & HAS.blobs) {
    view.setUint8(at, e.blobs.length / ID_BYTES);
    at += 1 + e.blobs.copy(body, at + 1);
  }
  if (flags & HAS.content) {
    const key = contentKey(e.blobs);
    contents.set(key, e.blobs);
    at += body.write(key, at, 'latin1');
  }
  return at;
}

function putText(body: Buffer, view: DataView, at: number, text: string): number {
  view.setUint16(at, text.length, true);
  return at + 2 + body.write(text, at + 2, 'latin1');
}

function putXattrs(body: Buffer, view: DataView, start: number, xattrs: Xattr[]): number {
  view.setUint16(start, xattrs.length, true);
  let at = start + 2;
  for (const x of xattrs) {
    at = putText(body, view, at, x.name);
    view.setUint32(at, x.value.length, true);
    at += 4 + x.value.copy(body, at + 4);
  }
  return at;
}

function encodeOwners(owners: Owner[], count: number): Buffer {
  let length = 6;
  for (const o of owners) length += 12 + o.user.length + o.group.length;
  const head = Buffer.allocUnsafe(length);
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  view.setUint32(0, count, true);
  view.setUint16(4, owners.length, true);
  let at = 6;
  for (const o of owners) {
    view.setUint32(at, o.uid, true);
    view.setUint32(at + 4, o.gid, true);
    at = putText(head, view, at + 8, o.user);
    at = putText(head, view, at, o.group);
  }
  return head;
}

/**
 * @param loadContent gives the blob IDs behind a content key
 * @throws StateDamagedError when the record is not what was written
 */
export function decodeDirectory(record: Buffer, crc: number, loadContent: (key: string) => Buffer): Entry[] {
  if (crc32(record) !== crc) throw new StateDamagedError('a directory of the state was changed on disk');
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  const count = view.getUint32(0, true);
  const owners: Owner[] = [];
  let at = 6;
  for (let left = view.getUint16(4, true); left > 0; left--) {
    const userLength = view.getUint16(at + 8, true);
    const user = record.toString('latin1', at + 10, at + 10 + userLength);
    const groupLength = view.getUint16(at + 10 + userLength, true);
    const groupAt = at + 12 + userLength;
    owners.push({
      uid: view.getUint32(at, true),
      gid: view.getUint32(at + 4, true),
      user,
      group: record.toString('latin1', groupAt, groupAt + groupLength),
    });
    at = groupAt + groupLength;
  }
  const entries: Entry[] = new Array(count);
  for (let i = 0; i < count; i++) {
    const owner = owners[view.getUint16(at + 4, true)];
    const nameLength = view.getUint16(at, true);
    const flags = view.getUint8(at + 6);
    const entry: Entry = {
      name: record.toString('latin1', at + FIXED_BYTES, at + FIXED_BYTES + nameLength),
      mode: view.getUint16(at + 2, true),
      uid: owner.uid,
      gid: owner.gid,
      user: owner.user,
      group: owner.group,
      mtime: view.getFloat64(at + 8, true),
      mtimeNsec: view.getUint32(at + 16, true),
      atime: undefined,
      size: view.getFloat64(at + 20, true),
      target: '',
      rdevMajor: 0,
      rdevMinor: 0,
      inode: 0,
      blobs: NO_BLOBS,
      xattrs: NO_XATTRS,
    };
    at += FIXED_BYTES + nameLength;
    if (flags !== 0) at = decodeRest(record, view, at, flags, entry, loadContent);
    entries[i] = entry;
  }
  return entries;
}

const NO_XATTRS: Xattr[] = [];

function decodeRest(
  record: Buffer,
  view: DataView,
  start: number,
  flags: number,
  entry: Entry,
  loadContent: (key: string) => Buffer,
): number {
  let at = start;
  if (flags & HAS.atime) {
    entry.atime = view.getFloat64(at, true);
    at += 8;
  }
  if (flags & HAS.target) {
    const length = view.getUint16(at, true);
    entry.target = record.toString('latin1', at + 2, at + 2 + length);
    at += 2 + length;
  }
  if (flags & HAS.device) {
    entry.rdevMajor = view.getUint32(at, true);
    entry.rdevMinor = view.getUint32(at + 4, true);
    at += 8;
  }
  if (flags & HAS.inode) {
    entry.inode = view.getFloat64(at, true);
    at += 8;
  }
  if (flags & HAS.xattrs) {
    const xattrs: Xattr[] = [];
    let left = view.getUint16(at, true);
    at += 2;
    for (; left > 0; left--) {
      const nameLength = view.getUint16(at, true);
      const name = record.toString('latin1', at + 2, at + 2 + nameLength);
      at += 2 + nameLength;
      const length = view.getUint32(at, true);
      xattrs.push({ name, value: record.subarray(at + 4, at + 4 + length) });
      at += 4 + length;
    }
    entry.xattrs = xattrs;
  }
  if (flags & HAS.blobs) {
    const length = view.getUint8(at) * ID_BYTES;
    entry.blobs = record.subarray(at + 1, at + 1 + length);
    at += 1 + length;
  }
  if (flags & HAS.content) {
    entry.blobs = loadContent(record.toString('latin1', at, at + 16));
    at += 16;
  }
  return at;
}

/**
 * The entries of one directory in one record (docs/architecture.md, "The state"). Hot on nights when nothing changes:
 * all names are decoded at once and cut, numbers are read without a call each.
 *
 *     count, classes [mode, uid, gid, user, group], length of all names, the names one after another, then per entry:
 *     class, length of the name, flags, mtime (u32, or f64 where that is too small), nanoseconds (u32), size, and what the flags announce
 *
 * Numbers without a width are 7 bits a byte, least first, the top bit saying that more follow.
 */
import { isDir, isFile } from '../../lib/stat.ts';
import { contentKey, ID_BYTES, KEY_BYTES } from '../content.ts';
import { type Entry, NO_BLOBS, type Xattr } from '../entry.ts';
import { RecordReader, RecordWriter } from './record-bytes.ts';

/** Files of more blobs keep their list in a row of its own. */
const INLINE_BLOBS = 16;
/** Above this many the classes are looked up by a map. */
const FEW_CLASSES = 8;

const HAS = { atime: 1, target: 2, device: 4, inode: 8, xattrs: 16, blobs: 32, content: 64, wideTime: 128 };

/** What the entries of a directory mostly share. */
type EntryClass = Pick<Entry, 'mode' | 'uid' | 'gid' | 'user' | 'group'>;

export interface EncodedDirectory {
  /** a copy of its own */
  record: Buffer;
  /** entries that are no directories */
  files: number;
  /** sizes of regular files */
  bytes: number;
  /** blob lists that the record only points to, by content key; one entry for each file that has it */
  contents: { key: string; blobs: Buffer }[];
}

const writer = new RecordWriter();

/** @throws RangeError when the names are not in strict byte order */
export function encodeDirectory(entries: Entry[]): EncodedDirectory {
  const classes = new Classes();
  const names: string[] = [];
  let last: string | undefined;
  for (const entry of entries) {
    if (last !== undefined && entry.name <= last)
      throw new RangeError('the entries of a directory are not in order, or one stands twice');
    last = entry.name;
    names.push(entry.name);
    classes.add(entry);
  }
  writer.reset();
  writer.varint(entries.length);
  classes.encode(writer);
  writer.text(names.join(''));

  const contents: EncodedDirectory['contents'] = [];
  let files = 0;
  let bytes = 0;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i];
    if (!isDir(entry.mode)) files++;
    if (isFile(entry.mode)) bytes += entry.size;
    encodeEntry(entry, classes.of[i], contents);
  }
  return { record: writer.copy(), files, bytes, contents };
}

function encodeEntry(e: Entry, entryClass: number, contents: EncodedDirectory['contents']): void {
  const wide = e.mtime !== e.mtime >>> 0;
  const flags =
    (e.atime === undefined ? 0 : HAS.atime) |
    (e.target === '' ? 0 : HAS.target) |
    (e.rdevMajor === 0 && e.rdevMinor === 0 ? 0 : HAS.device) |
    (e.inode === 0 ? 0 : HAS.inode) |
    (e.xattrs.length === 0 ? 0 : HAS.xattrs) |
    (e.blobs.length === 0 ? 0 : e.blobs.length > INLINE_BLOBS * ID_BYTES ? HAS.content : HAS.blobs) |
    (wide ? HAS.wideTime : 0);
  writer.varint(entryClass);
  writer.varint(e.name.length);
  writer.u8(flags);
  if (wide) writer.f64(e.mtime);
  else writer.u32(e.mtime);
  writer.u32(e.mtimeNsec);
  writer.varint(e.size);
  if (flags & HAS.atime) writer.f64(e.atime!);
  if (flags & HAS.target) writer.text(e.target);
  if (flags & HAS.device) {
    writer.varint(e.rdevMajor);
    writer.varint(e.rdevMinor);
  }
  if (flags & HAS.inode) writer.varint(e.inode);
  if (flags & HAS.xattrs) encodeXattrs(e.xattrs);
  if (flags & HAS.blobs) {
    writer.u8(e.blobs.length / ID_BYTES);
    writer.put(e.blobs);
  }
  if (flags & HAS.content) {
    const key = contentKey(e.blobs);
    contents.push({ key, blobs: e.blobs });
    writer.latin1(key);
  }
}

function encodeXattrs(xattrs: Xattr[]): void {
  writer.varint(xattrs.length);
  for (const { name, value } of xattrs) {
    writer.text(name);
    writer.varint(value.length);
    writer.put(value);
  }
}

/** The classes of a directory's entries, and each entry's number among them. */
class Classes {
  readonly of: number[] = [];
  private readonly list: EntryClass[] = [];
  private readonly byText = new Map<string, number>();
  private last = -1;

  add(entry: Entry): void {
    if (this.last < 0 || !isSame(this.list[this.last], entry)) this.last = this.find(entry);
    this.of.push(this.last);
  }

  encode(to: RecordWriter): void {
    to.varint(this.list.length);
    for (const { mode, uid, gid, user, group } of this.list) {
      to.varint(mode);
      to.varint(uid);
      to.varint(gid);
      to.text(user);
      to.text(group);
    }
  }

  private find(entry: Entry): number {
    for (let i = 0; i < Math.min(this.list.length, FEW_CLASSES); i++) if (isSame(this.list[i], entry)) return i;
    const text = `${entry.mode},${entry.uid},${entry.gid},${entry.user}\0${entry.group}`;
    let number = this.byText.get(text);
    if (number === undefined) {
      number = this.list.push(entry) - 1;
      this.byText.set(text, number);
    }
    return number;
  }
}

function isSame(a: EntryClass, b: EntryClass): boolean {
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid && a.user === b.user && a.group === b.group;
}

const NO_XATTRS: Xattr[] = [];

/**
 * The entries of a record whose bytes are known to be sound. Blob lists and attribute values are views of it.
 *
 * @param loadContent gives the blob IDs behind a content key
 * @throws RangeError when the record is not one after all
 */
export function decodeDirectory(record: Buffer, loadContent: (key: string) => Buffer): Entry[] {
  const reader = new RecordReader(record);
  const count = reader.count();
  const classes = decodeClasses(reader);
  const names = reader.text();
  const entries: Entry[] = new Array(count);
  let nameAt = 0;
  for (let i = 0; i < count; i++) {
    const { mode, uid, gid, user, group } = classes[reader.varint()];
    const nameEnd = nameAt + reader.varint();
    const flags = reader.u8();
    const entry: Entry = {
      name: names.slice(nameAt, nameEnd),
      mode,
      uid,
      gid,
      user,
      group,
      mtime: flags & HAS.wideTime ? reader.f64() : reader.u32(),
      mtimeNsec: reader.u32(),
      atime: undefined,
      size: reader.varint(),
      target: '',
      rdevMajor: 0,
      rdevMinor: 0,
      inode: 0,
      blobs: NO_BLOBS,
      xattrs: NO_XATTRS,
    };
    nameAt = nameEnd;
    // most entries are files of few blobs and nothing else
    if ((flags & ~HAS.wideTime) === HAS.blobs) entry.blobs = reader.view(reader.u8() * ID_BYTES);
    else if (flags !== 0) decodeRest(reader, flags, entry, loadContent);
    entries[i] = entry;
  }
  if (!reader.atEnd || nameAt !== names.length) throw new RangeError('the record has another length than it says');
  return entries;
}

function decodeClasses(reader: RecordReader): EntryClass[] {
  const classes: EntryClass[] = [];
  for (let left = reader.count(); left > 0; left--) {
    classes.push({
      mode: reader.varint(),
      uid: reader.varint(),
      gid: reader.varint(),
      user: reader.text(),
      group: reader.text(),
    });
  }
  return classes;
}

function decodeRest(reader: RecordReader, flags: number, entry: Entry, loadContent: (key: string) => Buffer): void {
  if (flags & HAS.atime) entry.atime = reader.f64();
  if (flags & HAS.target) entry.target = reader.text();
  if (flags & HAS.device) {
    entry.rdevMajor = reader.varint();
    entry.rdevMinor = reader.varint();
  }
  if (flags & HAS.inode) entry.inode = reader.varint();
  if (flags & HAS.xattrs) {
    entry.xattrs = [];
    for (let left = reader.count(); left > 0; left--)
      entry.xattrs.push({ name: reader.text(), value: reader.view(reader.varint()) });
  }
  if (flags & HAS.blobs) entry.blobs = reader.view(reader.u8() * ID_BYTES);
  if (flags & HAS.content) entry.blobs = loadContent(reader.latin1(KEY_BYTES));
}

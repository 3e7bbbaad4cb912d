/** One entry of a file list from its bytes (docs/protocol.md, "File list"). */
import { ProtocolError } from '../lib/errors.ts';
import { printable } from '../lib/names.ts';
import { isDevice, isDir, isFile, isSpecial, isSymlink } from '../lib/stat.ts';
import { AclDecoder } from './acl.ts';
import type { ByteReader } from './bytes.ts';
import type { FileEntry } from './entry.ts';
import { EntryFlag } from './flist-flags.ts';
import { XattrDecoder } from './xattr.ts';

export interface FileListSettings {
  protocol: number;
  incremental: boolean;
  varintFlags: boolean;
  /** a list may end with an I/O error code though its flags are bytes */
  safeEnd: boolean;
  id0Names: boolean;
  preserve: {
    owner: boolean;
    group: boolean;
    devices: boolean;
    specials: boolean;
    links: boolean;
    hardLinks: boolean;
    atimes: boolean;
    acls: boolean;
    xattrs: boolean;
  };
  relative: boolean;
  numericIds: boolean;
  /** bytes of the digest that regular files carry with -c; 0 without */
  digestLength: number;
}

const LONGEST_PATH = 4095;
const LONGEST_NAME = 255;
/** An empty component, '.', '..', or a NUL somewhere in a path. */
const UNSAFE = /(?:^|\/)\.{0,2}(?:\/|$)|\0/;

/** The fields that an entry may share with the one before. */
interface Shared {
  name: string;
  mode: number;
  uid: number;
  gid: number;
  mtime: number;
  atime: number;
  rdevMajor: number;
  device: number;
}

/** Decodes entries one after another; each `read` is one message, whose state is kept only when it is complete. */
export class EntryDecoder {
  private readonly settings: FileListSettings;
  private last: Shared = { name: '', mode: 0, uid: 0, gid: 0, mtime: 0, atime: 0, rdevMajor: 0, device: 0 };
  private readonly users = new Map<number, string>();
  private readonly groups = new Map<number, string>();
  private readonly acls: AclDecoder;
  private readonly xattrs: XattrDecoder;
  /** before protocol 30: device and inode to group */
  private readonly inodes = new Map<string, number>();

  constructor(settings: FileListSettings) {
    this.settings = settings;
    this.acls = new AclDecoder(this.users, this.groups);
    this.xattrs = new XattrDecoder();
  }

  /** Names to go with ids, from the lists after a whole file list. */
  setName(kind: 'user' | 'group', id: number, name: string): void {
    (kind === 'user' ? this.users : this.groups).set(id, name);
  }

  name(kind: 'user' | 'group', id: number): string {
    return (kind === 'user' ? this.users : this.groups).get(id) ?? '';
  }

  /**
   * @param flags the entry's flags, read already
   * @param index of this entry, as hard links count: in the order of arrival
   * @param arrived entries of the same list so far, `first` being the index of the first
   */
  read(reader: ByteReader, flags: number, index: number, arrived: FileEntry[], first: number): FileEntry {
    const acls = this.acls.mark();
    const xattrs = this.xattrs.mark();
    try {
      return this.decode(reader, flags, index, arrived, first);
    } catch (error) {
      this.acls.reset(acls);
      this.xattrs.reset(xattrs);
      throw error;
    }
  }

  private decode(reader: ByteReader, flags: number, index: number, arrived: FileEntry[], first: number): FileEntry {
    const { protocol, preserve } = this.settings;
    const rawName = this.readName(reader, flags);
    const path = this.checkedPath(rawName);

    let hardLink = -1;
    if (flags & EntryFlag.hardLinked && protocol >= 30 && preserve.hardLinks) {
      hardLink = flags & EntryFlag.hardLinkFirst ? index : reader.varint();
      if (hardLink < 0 || hardLink > index)
        throw new ProtocolError(`${printable(path)} is a hard link to an entry that is not there`);
      if (hardLink >= first && hardLink !== index)
        return this.abbreviated(reader, rawName, path, arrived[hardLink - first], hardLink);
    }
    const size = protocol >= 30 ? reader.varlong(3) : reader.longint();
    let { mode, mtime, atime, uid, gid, rdevMajor, device } = this.last;
    if ((flags & EntryFlag.sameTime) === 0) mtime = protocol >= 30 ? reader.varlong(4) : reader.i32() >>> 0;
    const mtimeNsec = flags & EntryFlag.mtimeNsec ? reader.varint() : 0;
    if ((flags & EntryFlag.sameMode) === 0) mode = reader.i32();
    if (preserve.atimes && !isDir(mode) && (flags & EntryFlag.sameAtime) === 0) atime = reader.varlong(4);
    if (preserve.owner && (flags & EntryFlag.sameUid) === 0) {
      uid = this.readId(reader, this.users, protocol >= 30 && (flags & EntryFlag.userNameFollows) !== 0);
    }
    if (preserve.group && (flags & EntryFlag.sameGid) === 0) {
      gid = this.readId(reader, this.groups, protocol >= 30 && (flags & EntryFlag.groupNameFollows) !== 0);
    }
    checkNumbers(path, size, mtime, mtimeNsec, mode);
    let rdevMinor = 0;
    const carriesDevice =
      (preserve.devices && isDevice(mode)) || (preserve.specials && isSpecial(mode) && protocol < 31);
    if (carriesDevice) {
      if ((flags & EntryFlag.sameRdevMajor) === 0) rdevMajor = reader.varint30(protocol);
      rdevMinor = protocol >= 30 ? reader.varint() : flags & EntryFlag.rdevMinor8 ? reader.u8() : reader.i32();
      if (rdevMajor < 0 || rdevMinor < 0)
        throw new ProtocolError(`${printable(path)} has a device number out of range`);
    }
    const target = preserve.links && isSymlink(mode) ? readTarget(reader, protocol, path) : '';
    if (flags & EntryFlag.hardLinked && protocol < 30 && preserve.hardLinks && !isDir(mode)) {
      if ((flags & EntryFlag.sameDevice) === 0) device = reader.longint();
      hardLink = this.oldGroup(device, reader.longint());
    }
    const digest =
      this.settings.digestLength > 0 && isFile(mode) ? Buffer.from(reader.view(this.settings.digestLength)) : undefined;
    const entry: FileEntry = {
      path,
      mode,
      size: isFile(mode) || isSymlink(mode) ? size : 0,
      mtime,
      mtimeNsec,
      atime: preserve.atimes && !isDir(mode) ? atime : undefined,
      uid,
      gid,
      user: this.settings.incremental ? (this.users.get(uid) ?? '') : '',
      group: this.settings.incremental ? (this.groups.get(gid) ?? '') : '',
      rdevMajor: carriesDevice && isDevice(mode) ? rdevMajor : 0,
      rdevMinor: carriesDevice && isDevice(mode) ? rdevMinor : 0,
      target,
      hardLink: isDir(mode) ? -1 : hardLink,
      hasContent: isDir(mode) && this.hasContent(flags),
      topDir: isDir(mode) && (flags & EntryFlag.topDir) !== 0,
      digest,
      acl: undefined,
      defaultAcl: undefined,
      xattrs: undefined,
    };
    this.readAttributes(reader, entry);
    this.last = { name: rawName, mode, uid, gid, mtime, atime, rdevMajor, device };
    return entry;
  }

  /** A link to an entry of the same list has its attributes. */
  private abbreviated(
    reader: ByteReader,
    rawName: string,
    path: string,
    first: FileEntry | undefined,
    hardLink: number,
  ): FileEntry {
    if (first === undefined || isDir(first.mode))
      throw new ProtocolError(`${printable(path)} is a hard link to something that cannot have one`);
    const entry: FileEntry = { ...first, path, hardLink, hasContent: false, topDir: false };
    // stock sends attributes that have no number yet once more
    this.readAttributes(reader, entry);
    const { mode, uid, gid, mtime, atime, rdevMajor } = entry;
    this.last = { ...this.last, name: rawName, mode, uid, gid, mtime, atime: atime ?? this.last.atime };
    if (isDevice(mode)) this.last.rdevMajor = rdevMajor;
    return entry;
  }

  private readAttributes(reader: ByteReader, entry: FileEntry): void {
    const { acls, xattrs } = this.settings.preserve;
    if (acls && !isSymlink(entry.mode)) {
      entry.acl = this.acls.read(reader, 'access', entry.mode);
      if (isDir(entry.mode)) entry.defaultAcl = this.acls.read(reader, 'default', 0);
    }
    if (xattrs) entry.xattrs = this.xattrs.read(reader);
  }

  private readName(reader: ByteReader, flags: number): string {
    const shared = flags & EntryFlag.sameName ? reader.u8() : 0;
    const length = flags & EntryFlag.longName ? reader.varint30(this.settings.protocol) : reader.u8();
    if (length < 0 || shared + length > LONGEST_PATH)
      throw new ProtocolError('a name in the file list is longer than 4,095 bytes');
    if (shared > this.last.name.length)
      throw new ProtocolError('a name in the file list begins with more of the one before than that has');
    return this.last.name.slice(0, shared) + reader.latin1(length);
  }

  private checkedPath(name: string): string {
    if (name === '.') return name;
    const path = this.settings.relative && name.startsWith('/') ? name.slice(1) : name;
    if (path === '' && name === '/') return '.';
    if (this.settings.relative && path === '.') return path;
    if (UNSAFE.test(path)) throw new ProtocolError(`the file list has the unsafe name ${printable(name)}`);
    if (path.length > LONGEST_NAME && path.split('/').some((part) => part.length > LONGEST_NAME)) {
      throw new ProtocolError('a name in the file list has a part longer than 255 bytes');
    }
    return path;
  }

  private readId(reader: ByteReader, names: Map<number, string>, nameFollows: boolean): number {
    const id = (this.settings.protocol >= 30 ? reader.varint() : reader.i32()) >>> 0;
    if (nameFollows) names.set(id, checkedOwner(reader.latin1(reader.u8())));
    return id;
  }

  private hasContent(flags: number): boolean {
    // before protocol 30 the flag's bit was not there: below a top directory everything is sent
    return this.settings.protocol < 30 || (flags & EntryFlag.noContentDir) === 0;
  }

  private oldGroup(device: number, inode: number): number {
    const key = `${device}:${inode}`;
    const known = this.inodes.get(key);
    if (known !== undefined) return known;
    this.inodes.set(key, this.inodes.size);
    return this.inodes.size - 1;
  }
}

/** Names of owners go into people's terminals and restic's JSON: one that holds a NUL or newline is no name. */
export function checkedOwner(name: string): string {
  return /[\0\n]/.test(name) ? '' : name;
}

function readTarget(reader: ByteReader, protocol: number, path: string): string {
  const length = reader.varint30(protocol);
  if (length < 0 || length > LONGEST_PATH)
    throw new ProtocolError(`the symlink ${printable(path)} has a target of ${length} bytes`);
  const target = reader.latin1(length);
  if (target === '' || target.includes('\0'))
    throw new ProtocolError(`the symlink ${printable(path)} has an impossible target`);
  return target;
}

function checkNumbers(path: string, size: number, mtime: number, mtimeNsec: number, mode: number): void {
  if (size < 0 || !Number.isSafeInteger(size))
    throw new ProtocolError(`${printable(path)} has the impossible size ${size}`);
  if (!Number.isSafeInteger(mtime)) throw new ProtocolError(`${printable(path)} has an impossible time`);
  if (mtimeNsec < 0 || mtimeNsec > 999_999_999)
    throw new ProtocolError(`${printable(path)} has ${mtimeNsec} nanoseconds`);
  const known = isFile(mode) || isDir(mode) || isSymlink(mode) || isDevice(mode) || isSpecial(mode);
  if (!known || mode < 0 || mode > 0o177777)
    throw new ProtocolError(`${printable(path)} has the impossible mode 0${(mode >>> 0).toString(8)}`);
  if (path === '.' && !isDir(mode)) throw new ProtocolError('the root of the transfer is not a directory');
}

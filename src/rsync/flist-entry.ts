/** One entry of a file list from its bytes (docs/protocol.md, "File list"). */
import { ProtocolError } from '../lib/errors.ts';
import { brief } from '../lib/names.ts';
import { isDevice, isDir, isFile, isSpecial, isSymlink } from '../lib/stat.ts';
import { AclDecoder } from './acl.ts';
import type { ByteReader } from './bytes.ts';
import type { FileEntry } from './entry.ts';
import { ContentTracker } from './flist-content.ts';
import { EntryFlag, UNKNOWN_FLAGS } from './flist-flags.ts';
import { NameDecoder } from './flist-name.ts';
import type { FileListSettings } from './flist-settings.ts';
import { HardLinkGroups, InodeGroups } from './hard-link-groups.ts';
import { type OwnerKind, OwnerNames } from './id-list.ts';
import { XattrDecoder } from './xattr.ts';

const LONGEST_TARGET = 4095;
const LATEST_NANOSECOND = 999_999_999;
/** The id that stands for "none" in system calls: no file has it. */
const NO_ID = 0xffffffff;
const ROOTS = ['.', '/.'];
/** The path of an entry whose name cannot be converted: it has an index, and nothing else comes of it. */
export const UNCONVERTED = '';

/**
 * Decodes entries one after another. A call reads one entry; what the next one builds on changes only when all of it was
 * there, so a call that ran out of bytes can be repeated.
 */
export class EntryDecoder {
  readonly names: OwnerNames;
  readonly acls: AclDecoder;
  private readonly settings: FileListSettings;
  private readonly name: NameDecoder;
  private readonly content: ContentTracker;
  private readonly xattrs = new XattrDecoder();
  private readonly groups = new HardLinkGroups();
  private readonly inodes = new InodeGroups();
  // what an entry may share with the one before
  private mode = 0;
  private uid = 0;
  private gid = 0;
  private user = '';
  private group = '';
  private mtime = 0;
  private atime = 0;
  private rdevMajor = 0;
  private rdevMinor = 0;
  private device = '';

  constructor(settings: FileListSettings) {
    this.settings = settings;
    this.names = new OwnerNames(settings);
    this.acls = new AclDecoder(this.names, settings);
    this.name = new NameDecoder(settings.protocol, settings.relative);
    this.content = new ContentTracker(settings);
    if (!settings.incremental) return;
    this.user = this.names.user(0);
    this.group = this.names.group(0);
  }

  /**
   * @param flags the entry's flags, read already
   * @param first index of the list's first entry
   * @param arrived entries of the list so far, in the order of arrival, in which hard links count
   */
  read(reader: ByteReader, flags: number, first: number, arrived: readonly FileEntry[]): FileEntry {
    const { preserve } = this.settings;
    if (!preserve.acls && !preserve.xattrs) return this.decode(reader, flags, first, arrived);
    const acls = this.acls.mark();
    const xattrs = this.xattrs.mark();
    try {
      return this.decode(reader, flags, first, arrived);
    } catch (error) {
      this.acls.reset(acls);
      this.xattrs.reset(xattrs);
      throw error;
    }
  }

  private decode(reader: ByteReader, flags: number, first: number, arrived: readonly FileEntry[]): FileEntry {
    if (flags & UNKNOWN_FLAGS) throw new ProtocolError(`the file list has unknown flags (0x${flags.toString(16)})`);
    const { protocol } = this.settings;
    const path = this.convert(this.name.read(reader, flags));
    const index = first + arrived.length;
    let group = -1;
    if (protocol >= 30 && flags & EntryFlag.hardLinked) {
      group = this.readGroup(reader, flags, index, path);
      if (group >= first && group !== index) return this.abbreviated(reader, path, arrived[group - first]);
    }
    const entry = this.readPlain(reader, flags, path);
    if (group >= 0) entry.hardLink = this.groups.add(group, group === index, path, entry.mode);
    return entry;
  }

  /** Everything of an entry but a hard-link group since protocol 30. */
  private readPlain(reader: ByteReader, flags: number, path: string): FileEntry {
    const { protocol, preserve, incremental } = this.settings;
    const size = protocol >= 30 ? reader.varlong(3) : reader.longint();
    let { mode, uid, gid, user, group, mtime, atime } = this;
    if ((flags & EntryFlag.sameTime) === 0) mtime = protocol >= 30 ? reader.varlong(4) : reader.i32() >>> 0;
    const mtimeNsec = flags & EntryFlag.mtimeNsec ? reader.varint() : 0;
    if (preserve.crtimes && (flags & EntryFlag.crtimeIsMtime) === 0) reader.varlong(4);
    if ((flags & EntryFlag.sameMode) === 0) mode = reader.i32();
    const directory = isDir(mode);
    if (preserve.atimes && !directory && (flags & EntryFlag.sameAtime) === 0) atime = reader.varlong(4);
    if (preserve.owner && (flags & EntryFlag.sameUid) === 0) {
      uid = this.readId(reader, 'user', (flags & EntryFlag.userNameFollows) !== 0, path);
      if (incremental) user = this.names.user(uid);
    }
    if (preserve.group && (flags & EntryFlag.sameGid) === 0) {
      gid = this.readId(reader, 'group', (flags & EntryFlag.groupNameFollows) !== 0, path);
      if (incremental) group = this.names.group(gid);
    }
    this.check(path, size, mtime, mtimeNsec, atime, mode);
    const device = isDevice(mode);
    let { rdevMajor, rdevMinor } = this;
    if ((preserve.devices && device) || (preserve.specials && isSpecial(mode) && protocol < 31)) {
      if (protocol < 28) {
        if ((flags & EntryFlag.sameRdev) === 0) ({ rdevMajor, rdevMinor } = splitDevice(reader.i32()));
      } else {
        if ((flags & EntryFlag.sameRdevMajor) === 0) rdevMajor = reader.varint30(protocol) >>> 0;
        rdevMinor = this.readMinor(reader, flags);
      }
    } else if (protocol < 28) {
      rdevMajor = 0;
      rdevMinor = 0;
    }
    const symlink = isSymlink(mode);
    const target = preserve.links && symlink ? this.convertTarget(readTarget(reader, protocol, path), path) : '';
    let inodeDevice = this.device;
    let hardLink = -1;
    const oldLink = protocol < 28 ? isFile(mode) && preserve.hardLinks : (flags & EntryFlag.hardLinked) !== 0;
    if (protocol < 30 && oldLink) {
      this.checkLinked(path, mode);
      if ((flags & EntryFlag.sameDevice) === 0) inodeDevice = readLongBytes(reader);
      hardLink = this.inodes.group(inodeDevice, readLongBytes(reader));
    }
    const digest = this.readDigest(reader, isFile(mode));
    const entry: FileEntry = {
      path: target === undefined ? UNCONVERTED : path,
      mode,
      size: isFile(mode) || symlink || (directory && this.settings.keepsDirSizes) ? size : 0,
      mtime,
      mtimeNsec,
      atime: preserve.atimes && !directory ? atime : undefined,
      uid,
      gid,
      user,
      group,
      rdevMajor: device && preserve.devices ? rdevMajor : 0,
      rdevMinor: device && preserve.devices ? rdevMinor : 0,
      target: target ?? '',
      hardLink,
      hasContent: directory && this.hasContent(flags, path),
      topDir: directory && (flags & EntryFlag.topDir) !== 0,
      digest,
      acl: undefined,
      defaultAcl: undefined,
      xattrs: undefined,
    };
    this.readAttributes(reader, entry);
    // nothing is read from here on
    this.name.keep();
    if (directory && protocol < 30) this.content.keep();
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
    this.user = user;
    this.group = group;
    this.mtime = mtime;
    this.atime = atime;
    this.rdevMajor = rdevMajor;
    this.rdevMinor = rdevMinor;
    this.device = inodeDevice;
    return entry;
  }

  /** A link to an entry of the same list has its attributes; only ACL and xattrs are sent again, as their numbers. */
  private abbreviated(reader: ByteReader, path: string, first: FileEntry): FileEntry {
    if (ROOTS.includes(path) || isDir(first.mode))
      throw new ProtocolError(`${brief(path)} is sent as a hard link, which it cannot be`);
    const lacksTarget = first.path === UNCONVERTED && isSymlink(first.mode) && first.target === '';
    const entry: FileEntry = { ...first, path: lacksTarget ? UNCONVERTED : path };
    this.readAttributes(reader, entry);
    this.name.keep();
    this.mode = first.mode;
    this.mtime = first.mtime;
    if (first.atime !== undefined) this.atime = first.atime;
    this.uid = first.uid;
    this.gid = first.gid;
    this.user = first.user;
    this.group = first.group;
    if (isDevice(first.mode) && this.settings.preserve.devices) this.rdevMajor = first.rdevMajor;
    return entry;
  }

  private convert(name: string): string {
    const { charset, onUnconverted } = this.settings;
    if (charset === undefined) return name;
    const path = charset.fromUtf8(name);
    if (path === undefined) onUnconverted?.('name', name);
    return path ?? UNCONVERTED;
  }

  /** undefined: the entry is left out. */
  private convertTarget(target: string, path: string): string | undefined {
    const { charset, charsetOfLinks, onUnconverted } = this.settings;
    if (charset === undefined || !charsetOfLinks) return target;
    const converted = charset.fromUtf8(target);
    if (converted === undefined) onUnconverted?.('target', path);
    return converted;
  }

  private readGroup(reader: ByteReader, flags: number, index: number, path: string): number {
    if (!this.settings.preserve.hardLinks)
      throw new ProtocolError(`${brief(path)} is sent as a hard link, which was not asked for`);
    if (flags & EntryFlag.hardLinkFirst) return index;
    const group = reader.varint();
    this.groups.check(group, path);
    return group;
  }

  private checkLinked(path: string, mode: number): void {
    if (!this.settings.preserve.hardLinks || isDir(mode))
      throw new ProtocolError(`${brief(path)} is sent as a hard link, which it cannot be`);
  }

  private readAttributes(reader: ByteReader, entry: FileEntry): void {
    const { acls, xattrs } = this.settings.preserve;
    if (acls && !isSymlink(entry.mode)) {
      entry.acl = this.acls.read(reader, 'access', entry.mode);
      if (isDir(entry.mode)) entry.defaultAcl = this.acls.read(reader, 'default', 0);
    }
    if (xattrs) entry.xattrs = this.xattrs.read(reader);
  }

  private readId(reader: ByteReader, kind: OwnerKind, nameFollows: boolean, path: string): number {
    const { protocol } = this.settings;
    const id = reader.varint30(protocol) >>> 0;
    if (id === NO_ID) throw new ProtocolError(`${brief(path)} has the impossible ${kind} id ${NO_ID}`);
    if (nameFollows && protocol >= 30) this.names.read(reader, kind, id);
    return id;
  }

  private readMinor(reader: ByteReader, flags: number): number {
    if (this.settings.protocol >= 30) return reader.varint() >>> 0;
    return flags & EntryFlag.rdevMinor8 ? reader.u8() : reader.i32() >>> 0;
  }

  private readDigest(reader: ByteReader, isRegular: boolean): Buffer | undefined {
    const { digestLength, protocol } = this.settings;
    if (digestLength === 0) return undefined;
    if (isRegular) return Buffer.from(reader.view(digestLength));
    // of no use, but sent
    if (protocol < 28) reader.view(digestLength);
    return undefined;
  }

  private hasContent(flags: number, path: string): boolean {
    if (this.settings.protocol >= 30) return (flags & EntryFlag.noContentDir) === 0;
    return this.content.look(flags, this.name, ROOTS.includes(path));
  }

  private check(path: string, size: number, mtime: number, nsec: number, atime: number, mode: number): void {
    if (size < 0 || !Number.isSafeInteger(size))
      throw new ProtocolError(`${brief(path)} has the impossible size ${size}`);
    if (!Number.isSafeInteger(mtime) || !Number.isSafeInteger(atime))
      throw new ProtocolError(`${brief(path)} has an impossible time`);
    if (nsec < 0 || nsec > LATEST_NANOSECOND) throw new ProtocolError(`${brief(path)} has ${nsec} nanoseconds`);
    if (mode === 0 && this.settings.missingArgs) return;
    const known = isFile(mode) || isDir(mode) || isSymlink(mode) || isDevice(mode) || isSpecial(mode);
    if (!known || mode < 0 || mode > 0o177777)
      throw new ProtocolError(`${brief(path)} has the impossible mode 0${(mode >>> 0).toString(8)}`);
    if (!isDir(mode) && ROOTS.includes(path))
      throw new ProtocolError('the root of the transfer is sent as something else than a directory');
  }
}

function readTarget(reader: ByteReader, protocol: number, path: string): string {
  const length = reader.varint30(protocol);
  if (length <= 0 || length > LONGEST_TARGET)
    throw new ProtocolError(`the symlink ${brief(path)} has a target of ${length} bytes`);
  const target = reader.latin1(length);
  if (target.includes('\0')) throw new ProtocolError(`the target of the symlink ${brief(path)} holds a NUL`);
  return target;
}

/** The bytes of a longint, as a name for a number that may not fit. */
function readLongBytes(reader: ByteReader): string {
  const from = reader.position;
  reader.longint();
  return reader.bytes.toString('latin1', from, reader.position);
}

/** Linux's 32-bit form of a device number (makedev(3)). */
function splitDevice(rdev: number): { rdevMajor: number; rdevMinor: number } {
  return { rdevMajor: (rdev >>> 8) & 0xfff, rdevMinor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) };
}

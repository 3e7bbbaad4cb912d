/** POSIX ACLs of file-list entries (docs/protocol.md, "ACLs"), and Linux's form of them. */
import { ProtocolError } from '../lib/errors.ts';
import { type ByteReader, NEED_MORE } from './bytes.ts';
import type { Acl, AclName } from './entry.ts';
import type { FileListSettings } from './flist-settings.ts';
import type { OwnerNames } from './id-list.ts';

const FLAG_USER = 1;
const FLAG_GROUP = 2;
const FLAG_MASK = 4;
const FLAG_OTHER = 8;
const FLAG_NAMES = 16;
const ALL_FLAGS = 31;

const NAME_FOLLOWS = 1;
const NAME_IS_USER = 2;

/** What fits into an extended attribute of 64 KiB, the most Linux stores: 8 bytes an entry. */
const MOST_NAMES = 8191;
/** Different ACLs one push may have, and entries in all of them. */
const MOST_ACLS = 1_000_000;
const MOST_NAMES_IN_ALL = 4_000_000;
const NO_ID = 0xffffffff;

type OwnerMaps = Pick<FileListSettings, 'userMap' | 'groupMap' | 'incremental' | 'numericIds'>;

/** Where the caches stood, to go back to when an entry turns out to be incomplete. */
export interface AclMark {
  access: number;
  default: number;
  names: number;
}

/** ACLs are sent once and then named by number; access and default ACLs count apart. */
export class AclDecoder {
  private readonly known: { access: Acl[]; default: Acl[] } = { access: [], default: [] };
  private readonly names: OwnerNames;
  private readonly maps: OwnerMaps;
  private nameCount = 0;

  /** Names that come with ids are put into `names`. */
  constructor(names: OwnerNames, maps: OwnerMaps = { incremental: true, numericIds: true }) {
    this.names = names;
    this.maps = maps;
  }

  mark(): AclMark {
    return { access: this.known.access.length, default: this.known.default.length, names: this.nameCount };
  }

  reset(mark: AclMark): void {
    this.known.access.length = mark.access;
    this.known.default.length = mark.default;
    this.nameCount = mark.names;
  }

  /** @param mode of the object: its group bits are the mask that a client may leave out; 0 for a default ACL */
  read(reader: ByteReader, kind: 'access' | 'default', mode: number): Acl {
    const list = this.known[kind];
    const index = reader.varint();
    if (index < 0 || index > list.length)
      throw new ProtocolError(`an entry names ${kind} ACL number ${index}, of ${list.length}`);
    if (index > 0) return list[index - 1];
    if (list.length >= MOST_ACLS) throw new ProtocolError(`there are more than ${MOST_ACLS} different ACLs`);
    const flags = reader.u8();
    if (flags & ~ALL_FLAGS) throw new ProtocolError(`an ACL has unknown flags (0x${flags.toString(16)})`);
    const acl: Acl = {
      user: flags & FLAG_USER ? permissions(reader.varint()) : undefined,
      group: flags & FLAG_GROUP ? permissions(reader.varint()) : undefined,
      mask: flags & FLAG_MASK ? permissions(reader.varint()) : undefined,
      other: flags & FLAG_OTHER ? permissions(reader.varint()) : undefined,
      names: flags & FLAG_NAMES ? this.readOwners(reader) : [],
    };
    if (acl.names.length > 0 && acl.mask === undefined)
      acl.mask = kind === 'access' ? (mode >> 3) & 7 : acl.names.reduce((bits, n) => bits | n.access, acl.group ?? 0);
    list.push(acl);
    return acl;
  }

  /** Gives entries the names that came after the whole file list, and the owners that --usermap and --groupmap say. */
  nameOwners(): void {
    for (const acl of [...this.known.access, ...this.known.default]) {
      for (const entry of acl.names) entry.name = this.names.of(entry.kind, entry.id);
      acl.names = this.mapped(acl.names);
    }
  }

  /** Two owners may become one, with an entry each: a stock receiver sets both, and the kernel takes it. */
  private mapped(names: AclName[]): AclName[] {
    const { userMap, groupMap } = this.maps;
    if (userMap === undefined && groupMap === undefined) return names;
    return names.map((entry) => ({
      ...entry,
      ...(entry.kind === 'user' ? userMap : groupMap)?.of(entry.id, entry.name),
    }));
  }

  /** In incremental mode names come along, and without names stock receivers map nothing; else when the list is over. */
  private readOwners(reader: ByteReader): AclName[] {
    const names = this.readNames(reader);
    return this.maps.incremental && !this.maps.numericIds ? this.mapped(names) : names;
  }

  private readNames(reader: ByteReader): AclName[] {
    const count = reader.varint();
    if (count < 0 || count > MOST_NAMES) throw new ProtocolError(`an ACL has ${count} entries`);
    // each takes two bytes at least, so a count without its entries costs nothing
    if (reader.available < count * 2) throw NEED_MORE;
    const names: AclName[] = [];
    const seen = new Set<string>();
    for (let i = 0; i < count; i++) {
      const entry = this.readName(reader);
      const key = `${entry.kind}${entry.id}`;
      if (seen.has(key)) throw new ProtocolError(`an ACL has two entries for ${entry.kind} ${entry.id}`);
      seen.add(key);
      names.push(entry);
    }
    this.nameCount += count;
    if (this.nameCount > MOST_NAMES_IN_ALL)
      throw new ProtocolError(`the ACLs have more than ${MOST_NAMES_IN_ALL} entries`);
    return names;
  }

  private readName(reader: ByteReader): AclName {
    const id = reader.varint() >>> 0;
    const word = reader.varint();
    const kind = word & NAME_IS_USER ? 'user' : 'group';
    if (id === NO_ID) throw new ProtocolError(`an ACL names the impossible ${kind} id ${id}`);
    if (word & NAME_FOLLOWS) this.names.read(reader, kind, id);
    return { kind, id, access: permissions(word >> 2), name: this.names.of(kind, id) };
  }
}

function permissions(value: number): number {
  if (value < 0 || value > 7) throw new ProtocolError(`an ACL grants ${value}, which is not a set of r, w and x`);
  return value;
}

/** Version 2 and the tags of Linux's extended attribute (acl(5), linux/posix_acl_xattr.h). */
const XATTR_VERSION = 2;
const TAG = { userObject: 0x01, user: 0x02, groupObject: 0x04, group: 0x08, mask: 0x10, other: 0x20 };

/**
 * The value of system.posix_acl_access that a stock receiver leaves on an object with this mode; undefined when the ACL
 * says no more than the mode. The mode rules: user, other and, where there is one, the mask are its bits, so that the mode
 * stays what it is; the owning group has its own entry only beside a mask.
 */
export function aclToXattr(acl: Acl, mode: number): Buffer | undefined {
  if (acl.names.length === 0 && acl.mask === undefined) return undefined;
  const groupBits = (mode >> 3) & 7;
  return encodeXattr({
    user: (mode >> 6) & 7,
    group: acl.group ?? groupBits,
    mask: acl.mask === undefined ? undefined : groupBits,
    other: mode & 7,
    names: acl.names,
  });
}

/** The value of system.posix_acl_default; undefined for a directory without one. The mode has no say in it. */
export function defaultAclToXattr(acl: Acl): Buffer | undefined {
  if (acl.user === undefined) return undefined;
  return encodeXattr({ ...acl, user: acl.user, group: acl.group ?? 0, other: acl.other ?? 0 });
}

interface FullAcl {
  user: number;
  group: number;
  mask: number | undefined;
  other: number;
  names: readonly AclName[];
}

/** Rows in the order the kernel has them: named users and groups sorted by id. */
function encodeXattr(acl: FullAcl): Buffer {
  const rows: [tag: number, access: number, id: number][] = [[TAG.userObject, acl.user, NO_ID]];
  addNamed(rows, acl.names, 'user', TAG.user);
  rows.push([TAG.groupObject, acl.group, NO_ID]);
  addNamed(rows, acl.names, 'group', TAG.group);
  if (acl.mask !== undefined) rows.push([TAG.mask, acl.mask, NO_ID]);
  rows.push([TAG.other, acl.other, NO_ID]);
  const value = Buffer.alloc(4 + rows.length * 8);
  value.writeUInt32LE(XATTR_VERSION, 0);
  rows.forEach(([tag, access, id], i) => {
    value.writeUInt16LE(tag, 4 + i * 8);
    value.writeUInt16LE(access, 6 + i * 8);
    value.writeUInt32LE(id, 8 + i * 8);
  });
  return value;
}

function addNamed(rows: number[][], names: readonly AclName[], kind: AclName['kind'], tag: number): void {
  const ofKind = names.filter((n) => n.kind === kind).sort((a, b) => a.id - b.id);
  for (const n of ofKind) rows.push([tag, n.access, n.id]);
}

/** POSIX ACLs of file-list entries (docs/protocol.md, "ACLs"), and Linux's form of them. */
import { ProtocolError } from '../lib/errors.ts';
import type { ByteReader } from './bytes.ts';
import type { Acl, AclName } from './entry.ts';

const FLAG_USER = 1;
const FLAG_GROUP = 2;
const FLAG_MASK = 4;
const FLAG_OTHER = 8;
const FLAG_NAMES = 16;

const NAME_FOLLOWS = 1;
const NAME_IS_USER = 2;

const MOST_NAMES = 32_768;
/** Different ACLs one push may have. */
const MOST_ACLS = 1_000_000;

/** Where the caches stood, to go back to when an entry turns out to be incomplete. */
export interface AclMark {
  access: number;
  default: number;
}

/** ACLs are sent once and then named by number; access and default ACLs count apart. */
export class AclDecoder {
  private readonly known: { access: Acl[]; default: Acl[] } = { access: [], default: [] };
  private readonly users: Map<number, string>;
  private readonly groups: Map<number, string>;

  /** Names that come with ids are put into `users` and `groups`. */
  constructor(users: Map<number, string>, groups: Map<number, string>) {
    this.users = users;
    this.groups = groups;
  }

  mark(): AclMark {
    return { access: this.known.access.length, default: this.known.default.length };
  }

  reset(mark: AclMark): void {
    this.known.access.length = mark.access;
    this.known.default.length = mark.default;
  }

  /** @param mode of the object: its group bits are the mask that a client may leave out */
  read(reader: ByteReader, kind: 'access' | 'default', mode: number): Acl {
    const list = this.known[kind];
    const index = reader.varint();
    if (index < 0 || index > list.length || list.length >= MOST_ACLS)
      throw new ProtocolError(`an entry names ACL number ${index}, of ${list.length}`);
    if (index > 0) return list[index - 1];
    const flags = reader.u8();
    const acl: Acl = {
      user: flags & FLAG_USER ? permissions(reader.varint()) : undefined,
      group: flags & FLAG_GROUP ? permissions(reader.varint()) : undefined,
      mask: flags & FLAG_MASK ? permissions(reader.varint()) : undefined,
      other: flags & FLAG_OTHER ? permissions(reader.varint()) : undefined,
      names: flags & FLAG_NAMES ? this.readNames(reader) : [],
    };
    if (acl.names.length > 0 && acl.mask === undefined) {
      acl.mask = kind === 'access' ? (mode >> 3) & 7 : acl.names.reduce((bits, n) => bits | n.access, acl.group ?? 0);
    }
    list.push(acl);
    return acl;
  }

  private readNames(reader: ByteReader): AclName[] {
    const count = reader.varint();
    if (count < 0 || count > MOST_NAMES) throw new ProtocolError(`an ACL has ${count} entries`);
    const names: AclName[] = [];
    for (let i = 0; i < count; i++) {
      const id = reader.varint() >>> 0;
      const word = reader.varint();
      const kind = word & NAME_IS_USER ? 'user' : 'group';
      let name = '';
      if (word & NAME_FOLLOWS) {
        name = reader.latin1(reader.u8());
        (kind === 'user' ? this.users : this.groups).set(id, name);
      }
      names.push({ kind, id, access: permissions(word >> 2), name });
    }
    return names;
  }
}

function permissions(value: number): number {
  if (value < 0 || value > 7) throw new ProtocolError(`an ACL grants ${value}, which is not a set of r, w and x`);
  return value;
}

/** Version 2 and the tags of Linux's extended attribute (acl(5), linux/posix_acl_xattr.h). */
const XATTR_VERSION = 2;
const TAG = { userObject: 0x01, user: 0x02, groupObject: 0x04, group: 0x08, mask: 0x10, other: 0x20 };
const NO_ID = 0xffffffff;

/**
 * The value of system.posix_acl_access of an object with this mode; undefined when the ACL says no more than the mode.
 * Entries that the sender left out follow from the mode, as they do at a stock receiver.
 */
export function aclToXattr(acl: Acl, mode: number): Buffer | undefined {
  if (acl.names.length === 0 && acl.mask === undefined) return undefined;
  const groupBits = (mode >> 3) & 7;
  return encodeXattr(
    acl,
    { user: (mode >> 6) & 7, group: acl.mask === undefined ? groupBits : (acl.group ?? groupBits), other: mode & 7 },
    acl.mask ?? groupBits,
  );
}

/** The value of system.posix_acl_default; undefined for a directory without one. */
export function defaultAclToXattr(acl: Acl): Buffer | undefined {
  if (acl.user === undefined) return undefined;
  return encodeXattr(acl, { user: acl.user, group: acl.group ?? 0, other: acl.other ?? 0 }, acl.mask);
}

function encodeXattr(
  acl: Acl,
  objects: { user: number; group: number; other: number },
  mask: number | undefined,
): Buffer {
  const rows: [tag: number, access: number, id: number][] = [[TAG.userObject, acl.user ?? objects.user, NO_ID]];
  const named = (kind: AclName['kind'], tag: number) => {
    const ofKind = acl.names.filter((n) => n.kind === kind).sort((a, b) => a.id - b.id);
    for (const n of ofKind) rows.push([tag, n.access, n.id]);
  };
  named('user', TAG.user);
  rows.push([TAG.groupObject, acl.group ?? objects.group, NO_ID]);
  named('group', TAG.group);
  if (mask !== undefined) rows.push([TAG.mask, mask, NO_ID]);
  rows.push([TAG.other, acl.other ?? objects.other, NO_ID]);
  const value = Buffer.alloc(4 + rows.length * 8);
  value.writeUInt32LE(XATTR_VERSION, 0);
  rows.forEach(([tag, access, id], i) => {
    value.writeUInt16LE(tag, 4 + i * 8);
    value.writeUInt16LE(access, 6 + i * 8);
    value.writeUInt32LE(id, 8 + i * 8);
  });
  return value;
}

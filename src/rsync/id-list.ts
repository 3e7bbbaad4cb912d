/** Names of owners: within entries, or in two lists after a whole file list (docs/protocol.md, "File list"). */
import { ProtocolError } from '../lib/errors.ts';
import { brief } from '../lib/names.ts';
import type { ByteReader } from './bytes.ts';
import type { FileListSettings } from './flist-settings.ts';

export type OwnerKind = 'user' | 'group';

/** Bytes that names and what holds them may take; a million owners have room. */
const MOST_BYTES = 128 << 20;
const BYTES_PER_NAME = 64;

/** What ids are called at the client. Where it does not say, 0 is root and the others have no name. */
export class OwnerNames {
  private readonly users = new Map<number, string>();
  private readonly groups = new Map<number, string>();
  private bytes = 0;

  constructor(settings: Pick<FileListSettings, 'numericIds' | 'id0Names'>) {
    if (settings.numericIds || settings.id0Names) return;
    this.users.set(0, 'root');
    this.groups.set(0, 'root');
  }

  user(id: number): string {
    return this.users.get(id) ?? '';
  }

  group(id: number): string {
    return this.groups.get(id) ?? '';
  }

  of(kind: OwnerKind, id: number): string {
    return kind === 'user' ? this.user(id) : this.group(id);
  }

  /** Reads a length byte and a name. Reading the same bytes again changes nothing. */
  read(reader: ByteReader, kind: OwnerKind, id: number): void {
    const name = reader.latin1(reader.u8());
    const names = kind === 'user' ? this.users : this.groups;
    if (names.get(id) === name) return;
    // the account database is made of lines and C strings: neither byte can be in a name
    if (name.includes('\0') || name.includes('\n'))
      throw new ProtocolError(`the ${kind} ${id} has the impossible name ${brief(name)}`);
    this.bytes += name.length + BYTES_PER_NAME;
    if (this.bytes > MOST_BYTES) throw new ProtocolError('the client names more owners than there can be');
    names.set(id, name);
  }
}

/** The two lists after a whole file list: users, then groups, each ended by id 0. */
export class IdListDecoder {
  private readonly settings: FileListSettings;
  private readonly names: OwnerNames;
  private readonly kinds: OwnerKind[] = [];

  constructor(settings: FileListSettings, names: OwnerNames) {
    this.settings = settings;
    this.names = names;
    const { preserve, numericIds } = settings;
    if (numericIds) return;
    if (preserve.owner || preserve.acls) this.kinds.push('user');
    if (preserve.group || preserve.acls) this.kinds.push('group');
  }

  /** Whether both lists have been read, or none is sent. */
  get over(): boolean {
    return this.kinds.length === 0;
  }

  /** Reads one id with its name. */
  read(reader: ByteReader): void {
    const [kind] = this.kinds;
    const id = reader.varint30(this.settings.protocol) >>> 0;
    if (id !== 0 || this.settings.id0Names) this.names.read(reader, kind, id);
    if (id === 0) this.kinds.shift();
  }
}

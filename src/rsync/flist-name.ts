/** Names of file-list entries, which are sent as what differs from the one before (docs/protocol.md, "File list"). */
import { ProtocolError } from '../lib/errors.ts';
import { brief } from '../lib/names.ts';
import type { ByteReader } from './bytes.ts';
import { EntryFlag } from './flist-flags.ts';

/** Linux's PATH_MAX without its NUL, and NAME_MAX. */
const LONGEST_PATH = 4095;
const LONGEST_NAME = 255;

const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * The last name, as bytes, so that the next one needs only its own part decoded and looked at. `read` may be repeated for
 * the same bytes; `keep` says that the entry is complete.
 */
export class NameDecoder {
  private readonly protocol: number;
  private readonly relative: boolean;
  private readonly bytes = Buffer.alloc(LONGEST_PATH + 1);
  /** of the last complete entry's name */
  private lastLength = 0;
  /** of the name read last, and how much of it it shares with the one before */
  length = 0;
  shared = 0;

  constructor(protocol: number, relative: boolean) {
    this.protocol = protocol;
    this.relative = relative;
  }

  /** @throws for a name that could leave the transfer, or that no file can have */
  read(reader: ByteReader, flags: number): string {
    const shared = flags & EntryFlag.sameName ? reader.u8() : 0;
    const added = flags & EntryFlag.longName ? reader.varint30(this.protocol) : reader.u8();
    if (added < 0 || shared + added > LONGEST_PATH)
      throw new ProtocolError(`a name in the file list is longer than ${LONGEST_PATH} bytes`);
    if (shared > this.lastLength)
      throw new ProtocolError('a name in the file list begins with more of the one before than that has');
    const view = reader.view(added);
    view.copy(this.bytes, shared);
    this.length = shared + added;
    this.shared = shared;
    const name = this.bytes.toString('latin1', 0, this.length);
    this.check(name);
    return name;
  }

  keep(): void {
    this.lastLength = this.length;
  }

  /** The byte at a place in the name read last. */
  at(index: number): number {
    return index < this.length ? this.bytes[index] : 0;
  }

  /** Looks at the components that are not those of the last name, which were looked at then. */
  private check(name: string): void {
    if (name === '.' || (name === '/.' && this.relative)) return;
    const { bytes, length } = this;
    let from = this.shared;
    while (from > 0 && bytes[from - 1] !== SLASH) from--;
    // a path from the root is one of --relative; the slash goes when the list is sorted
    if (from === 0 && this.relative && bytes[0] === SLASH) from = 1;
    for (let i = from; i <= length; i++) {
      if (i < length && bytes[i] === 0) throw unsafe(name);
      if (i < length && bytes[i] !== SLASH) continue;
      const size = i - from;
      if (size === 0 || (bytes[from] === DOT && (size === 1 || (size === 2 && bytes[from + 1] === DOT))))
        throw unsafe(name);
      if (size > LONGEST_NAME)
        throw new ProtocolError(`the file list has a name with a part longer than ${LONGEST_NAME} bytes`);
      from = i + 1;
    }
  }
}

function unsafe(name: string): ProtocolError {
  return new ProtocolError(`the file list has the unsafe name ${brief(name)}`);
}

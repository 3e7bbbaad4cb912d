/** Extended attributes of file-list entries (docs/protocol.md, "Extended attributes"). */
import { createHash } from 'node:crypto';
import { ProtocolError } from '../lib/errors.ts';
import { brief } from '../lib/names.ts';
import { type ByteReader, ByteWriter } from './bytes.ts';
import type { WireXattr } from './entry.ts';

/** Values longer than this are sent as their md5, and asked for when they are not known. */
const LONGEST_SENT_VALUE = 32;
const MD5_BYTES = 16;
const MOST_ATTRIBUTES = 10_000;
const LONGEST_NAME = 1024;
const LONGEST_VALUE = 16 << 20;
/** Bytes one entry's list may take on the wire; Linux stores 64 KiB of names and values at most. */
const LONGEST_LIST = 1 << 20;
const MOST_LISTS = 1_000_000;
/** Bytes that the lists of one push, and the names in them, may take in memory; values that were asked for do not count. */
const MOST_MEMORY = 512 << 20;
const MEMORY_PER_ATTRIBUTE = 200;
/** Bytes of values in one reply. */
const LONGEST_ANSWER = 32 << 20;

/** Where the cache stood, to go back to when an entry turns out to be incomplete. */
export interface XattrMark {
  lists: number;
  memory: number;
}

/** Lists of attributes are sent once and then named by number; entries with the same list share it. */
export class XattrDecoder {
  private readonly known: WireXattr[][] = [];
  /** most names stand in many lists: one string for each */
  private readonly names = new Map<string, string>();
  private memory = 0;
  private nameMemory = 0;

  mark(): XattrMark {
    return { lists: this.known.length, memory: this.memory };
  }

  reset(mark: XattrMark): void {
    this.known.length = mark.lists;
    this.memory = mark.memory;
  }

  read(reader: ByteReader): WireXattr[] {
    const index = reader.varint();
    if (index < 0 || index > this.known.length)
      throw new ProtocolError(`an entry names attribute list number ${index}, of ${this.known.length}`);
    if (index > 0) return this.known[index - 1];
    if (this.known.length >= MOST_LISTS)
      throw new ProtocolError(`there are more than ${MOST_LISTS} different lists of extended attributes`);
    const list = this.readList(reader);
    this.known.push(list);
    return list;
  }

  private readList(reader: ByteReader): WireXattr[] {
    const count = reader.varint();
    if (count < 0 || count > MOST_ATTRIBUTES) throw new ProtocolError(`an entry has ${count} extended attributes`);
    const start = reader.position;
    const list: WireXattr[] = [];
    for (let number = 1; number <= count; number++) {
      const xattr = this.readOne(reader, number);
      if (reader.position - start > LONGEST_LIST)
        throw new ProtocolError(`the extended attributes of an entry take more than ${LONGEST_LIST} bytes`);
      list.push(xattr);
      this.memory += MEMORY_PER_ATTRIBUTE + (xattr.value?.length ?? MD5_BYTES);
    }
    if (this.memory + this.nameMemory > MOST_MEMORY)
      throw new ProtocolError('there are more extended attributes than there is room for');
    checkDistinct(list);
    return list;
  }

  private readOne(reader: ByteReader, number: number): WireXattr {
    const nameLength = reader.varint();
    const length = reader.varint();
    if (nameLength < 2 || nameLength > LONGEST_NAME)
      throw new ProtocolError(`an extended attribute has a name of ${nameLength} bytes`);
    checkLength(length);
    const name = this.shared(reader.latin1(nameLength));
    if (length > LONGEST_SENT_VALUE)
      return { name, value: undefined, length, md5: Buffer.from(reader.view(MD5_BYTES)), number };
    return { name, value: Buffer.from(reader.view(length)), length, md5: undefined, number };
  }

  private shared(terminated: string): string {
    const known = this.names.get(terminated);
    if (known !== undefined) return known;
    const name = terminated.slice(0, -1);
    if (!terminated.endsWith('\0') || name.includes('\0'))
      throw new ProtocolError('the name of an extended attribute does not end in NUL');
    this.nameMemory += MEMORY_PER_ATTRIBUTE + terminated.length * 2;
    this.names.set(terminated, name);
    return name;
  }
}

function checkDistinct(list: readonly WireXattr[]): void {
  if (list.length < 2) return;
  const seen = new Set<string>();
  for (const { name } of list) {
    if (seen.has(name)) throw new ProtocolError(`an entry has the extended attribute ${brief(name)} twice`);
    seen.add(name);
  }
}

function checkLength(length: number): void {
  if (length < 0 || length > LONGEST_VALUE)
    throw new ProtocolError(`an extended attribute has a value of ${length} bytes`);
}

/**
 * Whether a receiver with root's rights keeps an attribute of this name. Names come with their namespace, also from
 * systems without; system.* is the file system's own (ACLs come otherwise). user.rsync.%… is what --fake-super
 * keeps its data in: it is carried only when the client asks twice.
 *
 * @param fakeSuper -XX was given
 */
export function keepsXattr(name: string, fakeSuper = false): boolean {
  if (!/^(?:user|security|trusted)\../s.test(name)) return false;
  return fakeSuper || !name.startsWith('user.rsync.%');
}

/** The digest that stands for a long value: of the value alone, whatever checksum and seed were agreed on. */
export function xattrMd5(value: Buffer): Buffer {
  return createHash('md5').update(value).digest();
}

/** Whether a stored value is the one that was listed. */
export function isXattrValue(listed: WireXattr, value: Buffer): boolean {
  if (listed.length !== value.length) return false;
  if (listed.md5 !== undefined) return listed.md5.equals(xattrMd5(value));
  return listed.value?.equals(value) ?? false;
}

/** A name and its value, as stored. */
export interface StoredXattr {
  name: string;
  value: Buffer;
}

/** Whether what is stored is exactly what was listed; of the list only what is kept counts. */
export function sameXattrs(
  listed: readonly WireXattr[],
  stored: readonly StoredXattr[],
  keeps: (name: string) => boolean = keepsXattr,
): boolean {
  const kept = listed.filter((x) => keeps(x.name));
  if (kept.length !== stored.length) return false;
  return kept.every((x) => stored.some((s) => s.name === x.name && isXattrValue(x, s.value)));
}

/** Attributes that were asked for. A stock sender gives each value of a list once and ends when it is asked again. */
const asked = new WeakSet<WireXattr>();

/**
 * Numbers of the values that are missing, ascending, for a request; they count as asked for from now on. Entries may
 * share a list: a value that another entry has asked for is not named again, it comes with that entry's reply, which the
 * client sends first.
 *
 * @param has what the object has already
 */
export function takeWantedXattrs(
  listed: readonly WireXattr[],
  has: readonly StoredXattr[],
  keeps: (name: string) => boolean = keepsXattr,
): number[] {
  const wanted: number[] = [];
  for (const x of listed) {
    if (x.value !== undefined || asked.has(x) || !keeps(x.name)) continue;
    if (has.some((s) => s.name === x.name && isXattrValue(x, s.value))) continue;
    asked.add(x);
    wanted.push(x.number);
  }
  return wanted;
}

/** Numbers of wanted values, ascending: each as the distance to the one before, ended by 0. */
export function encodeXattrRequest(numbers: readonly number[]): Buffer {
  const writer = new ByteWriter(numbers.length * 2 + 1);
  let previous = 0;
  for (const number of numbers) {
    writer.varint(number - previous);
    previous = number;
  }
  return writer.u8(0).take();
}

/**
 * The values that a reply brings, by number; only what was asked for is taken. A value may have changed since it was
 * listed, its length with it; one that could not be read again comes as an empty value.
 */
export function decodeXattrAnswer(reader: ByteReader, wanted: readonly number[]): Map<number, Buffer> {
  const views: [number, Buffer][] = [];
  let number = 0;
  let next = 0;
  let total = 0;
  for (let distance = reader.varint(); distance !== 0; distance = reader.varint()) {
    number += distance;
    while (next < wanted.length && wanted[next] < number) next++;
    if (distance < 0 || wanted[next] !== number)
      throw new ProtocolError(`the client sends the value of attribute number ${number}, which was not asked for`);
    next++;
    const length = reader.varint();
    checkLength(length);
    total += length;
    if (total > LONGEST_ANSWER)
      throw new ProtocolError('the client sends more extended attributes than there is room for');
    views.push([number, reader.view(length)]);
  }
  // copied only now: until the whole reply is there, this runs again and again
  return new Map(views.map(([n, view]) => [n, Buffer.from(view)]));
}

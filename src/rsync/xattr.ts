/** Extended attributes of file-list entries (docs/protocol.md, "Extended attributes"). */
import { createHash } from 'node:crypto';
import { ProtocolError } from '../lib/errors.ts';
import { type ByteReader, ByteWriter } from './bytes.ts';
import type { WireXattr } from './entry.ts';

/** Values longer than this are sent as their md5, and asked for when they are not known. */
const LONGEST_SENT_VALUE = 32;
const MD5_BYTES = 16;
const MOST_ATTRIBUTES = 10_000;
const LONGEST_NAME = 1024;
const LONGEST_VALUE = 16 << 20;
const MOST_LISTS = 1_000_000;

/** Lists of attributes are sent once and then named by number; entries with the same list share it. */
export class XattrDecoder {
  private readonly known: WireXattr[][] = [];

  mark(): number {
    return this.known.length;
  }

  reset(mark: number): void {
    this.known.length = mark;
  }

  read(reader: ByteReader): WireXattr[] {
    const index = reader.varint();
    if (index < 0 || index > this.known.length || this.known.length >= MOST_LISTS) {
      throw new ProtocolError(`an entry names attribute list number ${index}, of ${this.known.length}`);
    }
    if (index > 0) return this.known[index - 1];
    const count = reader.varint();
    if (count < 0 || count > MOST_ATTRIBUTES) throw new ProtocolError(`an entry has ${count} extended attributes`);
    const list: WireXattr[] = [];
    for (let number = 1; number <= count; number++) list.push(readOne(reader, number));
    this.known.push(list);
    return list;
  }
}

function readOne(reader: ByteReader, number: number): WireXattr {
  const nameLength = reader.varint();
  const length = reader.varint();
  if (nameLength < 2 || nameLength > LONGEST_NAME)
    throw new ProtocolError(`an extended attribute has a name of ${nameLength} bytes`);
  if (length < 0 || length > LONGEST_VALUE)
    throw new ProtocolError(`an extended attribute has a value of ${length} bytes`);
  const terminated = reader.latin1(nameLength);
  const name = terminated.slice(0, -1);
  if (!terminated.endsWith('\0') || name.includes('\0'))
    throw new ProtocolError('the name of an extended attribute does not end in NUL');
  if (length > LONGEST_SENT_VALUE)
    return { name, value: undefined, length, md5: Buffer.from(reader.view(MD5_BYTES)), number };
  return { name, value: Buffer.from(reader.view(length)), length, md5: undefined, number };
}

/** Whether a receiver with a root's rights keeps an attribute of this name: rsync's own bookkeeping it does not. */
export function keepsXattr(name: string): boolean {
  return /^(user|security|trusted)\../.test(name) && !name.startsWith('user.rsync.%');
}

/** The digest that stands for a long value. */
export function xattrMd5(value: Buffer): Buffer {
  return createHash('md5').update(value).digest();
}

/** Numbers of wanted values, ascending: each as the distance to the one before, ended by 0. */
export function encodeXattrRequest(numbers: number[]): Buffer {
  const writer = new ByteWriter(numbers.length * 2 + 1);
  let previous = 0;
  for (const number of numbers) {
    writer.varint(number - previous);
    previous = number;
  }
  return writer.u8(0).take();
}

/** The values that a reply brings, by number; only what was asked for is taken. */
export function decodeXattrAnswer(reader: ByteReader, wanted: number[]): Map<number, Buffer> {
  const values = new Map<number, Buffer>();
  let number = 0;
  for (;;) {
    const distance = reader.varint();
    if (distance === 0) return values;
    number += distance;
    if (distance < 0 || !wanted.includes(number) || values.has(number))
      throw new ProtocolError(`the client sends the value of attribute number ${number}, which was not asked for`);
    const length = reader.varint();
    if (length < 0 || length > LONGEST_VALUE)
      throw new ProtocolError(`an extended attribute has a value of ${length} bytes`);
    values.set(number, Buffer.from(reader.view(length)));
  }
}

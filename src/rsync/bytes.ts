/**
 * Bytes of the rsync wire: little-endian primitives (docs/protocol.md, "Primitives").
 *
 * Codecs read from a `ByteReader` without awaiting. When the bytes at hand do not hold a whole message, the read throws
 * `NEED_MORE`; the driver puts `position` back to where the message began and tries again when more has arrived. So a
 * decoder changes state of its own only after its last read of a message.
 */
import { ProtocolError } from '../lib/errors.ts';

/** Thrown (always this one object) when a message is not complete yet. Not an Error: it carries nothing and costs little. */
export const NEED_MORE: unique symbol = Symbol('more bytes are needed');

export class ByteReader {
  bytes: Buffer;
  position: number;
  end: number;

  constructor(bytes: Buffer, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  get available(): number {
    return this.end - this.position;
  }

  u8(): number {
    if (this.position >= this.end) throw NEED_MORE;
    return this.bytes[this.position++];
  }

  u16(): number {
    const p = this.skip(2);
    return this.bytes[p] | (this.bytes[p + 1] << 8);
  }

  i32(): number {
    const p = this.skip(4);
    const b = this.bytes;
    return b[p] | (b[p + 1] << 8) | (b[p + 2] << 16) | (b[p + 3] << 24);
  }

  /** 1 to 5 bytes, a signed 32-bit number. */
  varint(): number {
    const first = this.u8();
    const extra = leadingOnes(first);
    if (extra === 0) return first;
    if (extra > 4) throw new ProtocolError('a variable-length integer is longer than 32 bits');
    const p = this.skip(extra);
    let value = 0;
    for (let i = 0; i < extra; i++) value |= this.bytes[p + i] << (8 * i);
    if (extra < 4) value |= (first & ((1 << (7 - extra)) - 1)) << (8 * extra);
    return value;
  }

  /** `min` bytes and up to 8 in all, a signed number. Values past 2^53 lose their low bits: callers bound them. */
  varlong(min: number): number {
    const start = this.position;
    const first = this.u8();
    const extra = leadingOnes(first);
    const width = min - 1 + extra;
    if (width > 8) {
      this.position = start;
      throw new ProtocolError('a variable-length integer is longer than 64 bits');
    }
    const p = this.skip(width);
    let low = 0;
    let high = 0;
    for (let i = 0; i < width; i++) {
      if (i < 4) low |= this.bytes[p + i] << (8 * i);
      else high |= this.bytes[p + i] << (8 * (i - 4));
    }
    const rest = extra >= 7 ? 0 : first & ((1 << (7 - extra)) - 1);
    if (width < 4) low |= rest << (8 * width);
    else if (width < 8) high |= rest << (8 * (width - 4));
    return high * 0x100000000 + (low >>> 0);
  }

  /** A varint from protocol 30 on, an int before. */
  varint30(protocol: number): number {
    return protocol >= 30 ? this.varint() : this.i32();
  }

  /** The form of 64-bit numbers before protocol 30: int, or 0xFFFFFFFF and 8 bytes. */
  longint(): number {
    const value = this.i32();
    if (value !== -1) return value;
    const low = this.i32() >>> 0;
    return this.i32() * 0x100000000 + low;
  }

  /** A view of the next `length` bytes; copy it before the reader's buffer moves. */
  view(length: number): Buffer {
    const p = this.skip(length);
    return this.bytes.subarray(p, p + length);
  }

  latin1(length: number): string {
    const p = this.skip(length);
    return this.bytes.toString('latin1', p, p + length);
  }

  /** A length of one or two bytes, then that many bytes. */
  vstring(): Buffer {
    let length = this.u8();
    if (length & 0x80) length = ((length & 0x7f) << 8) | this.u8();
    return this.view(length);
  }

  private skip(length: number): number {
    const p = this.position;
    if (length > this.end - p) throw NEED_MORE;
    this.position = p + length;
    return p;
  }
}

function leadingOnes(byte: number): number {
  return Math.clz32((byte ^ 0xff) << 24);
}

/** Bytes that must be left of a writer's buffer for it to be written on after a `take`. */
const LEAST_LEFT = 4096;
const NOTHING = Buffer.alloc(0);

/** A growing buffer to write wire bytes into; `take` hands them over and starts anew. */
export class ByteWriter {
  private bytes = NOTHING;
  private readonly capacity: number;
  length = 0;

  /** @param capacity bytes to make room for at once, from the first write on */
  constructor(capacity = 4096) {
    this.capacity = capacity;
  }

  private reserve(count: number): number {
    const p = this.length;
    const need = p + count;
    if (need > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(need, this.bytes.length * 2, this.capacity));
      this.bytes.copy(larger, 0, 0, p);
      this.bytes = larger;
    }
    this.length = need;
    return p;
  }

  u8(value: number): this {
    const p = this.reserve(1);
    this.bytes[p] = value;
    return this;
  }

  u16(value: number): this {
    const p = this.reserve(2);
    this.bytes[p] = value;
    this.bytes[p + 1] = value >>> 8;
    return this;
  }

  i32(value: number): this {
    const p = this.reserve(4);
    this.bytes.writeInt32LE(value | 0, p);
    return this;
  }

  varint(value: number): this {
    const low = value | 0;
    let count = 4;
    while (count > 1 && ((low >>> (8 * (count - 1))) & 0xff) === 0) count--;
    const top = (low >>> (8 * (count - 1))) & 0xff;
    const bit = 1 << (8 - count);
    if (top >= bit) {
      // the top byte does not fit beside the length bits: all bytes follow
      this.u8(~(bit - 1));
      for (let i = 0; i < count; i++) this.u8(low >>> (8 * i));
    } else if (count > 1) {
      this.u8(top | ~(bit * 2 - 1));
      for (let i = 0; i < count - 1; i++) this.u8(low >>> (8 * i));
    } else {
      this.u8(top);
    }
    return this;
  }

  varlong(value: number, min: number): this {
    const low = value >>> 0;
    const high = Math.floor(value / 0x100000000) | 0;
    const byteAt = (i: number) => (i < 4 ? low >>> (8 * i) : high >>> (8 * (i - 4))) & 0xff;
    let count = 8;
    while (count > min && byteAt(count - 1) === 0) count--;
    const bit = 1 << (7 - count + min);
    const top = byteAt(count - 1);
    if (top >= bit) {
      this.u8(~(bit - 1));
      for (let i = 0; i < count; i++) this.u8(byteAt(i));
    } else {
      this.u8(count > min ? top | ~(bit * 2 - 1) : top);
      for (let i = 0; i < count - 1; i++) this.u8(byteAt(i));
    }
    return this;
  }

  longint(value: number): this {
    if (value >= 0 && value <= 0x7fffffff) return this.i32(value);
    return this.i32(-1)
      .i32(value >>> 0)
      .i32(Math.floor(value / 0x100000000));
  }

  put(bytes: Uint8Array): this {
    const p = this.reserve(bytes.length);
    this.bytes.set(bytes, p);
    return this;
  }

  latin1(text: string): this {
    const p = this.reserve(text.length);
    this.bytes.write(text, p, 'latin1');
    return this;
  }

  vstring(bytes: Uint8Array): this {
    if (bytes.length > 0x7fff) throw new RangeError('a vstring holds at most 32,767 bytes');
    if (bytes.length > 0x7f) this.u8((bytes.length >> 8) | 0x80);
    return this.u8(bytes.length & 0xff).put(bytes);
  }

  /** What was written so far, the caller's to keep; the writer goes on from empty, in what is left of its buffer. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.length);
    const left = this.bytes.subarray(this.length);
    this.bytes = left.length >= LEAST_LEFT ? left : NOTHING;
    this.length = 0;
    return taken;
  }
}

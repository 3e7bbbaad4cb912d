/** The primitives of the state's packed records: a writer that is used again, and a reader of bytes that were checked. */

const HALF = 0x80000000;

/** Hot: one for all records, grown to the largest. */
export class RecordWriter {
  private bytes = Buffer.allocUnsafe(64 * 1024);
  private view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
  private at = 0;

  reset(): void {
    this.at = 0;
    // one huge directory must not hold its memory for ever
    if (this.bytes.length > 8 << 20) this.resize(64 * 1024);
  }

  copy(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.at));
  }

  u8(value: number): void {
    this.ensure(1);
    this.bytes[this.at++] = value;
  }

  u32(value: number): void {
    this.ensure(4);
    this.view.setUint32(this.at, value, true);
    this.at += 4;
  }

  f64(value: number): void {
    this.ensure(8);
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  /** A whole number from 0 to 2^53 - 1. */
  varint(value: number): void {
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) throw new RangeError('a number of a record is out of range');
    this.ensure(8);
    let rest = value;
    while (rest >= HALF) {
      this.bytes[this.at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.at++] = rest;
  }

  /** Its length, then the text. */
  text(text: string): void {
    this.varint(text.length);
    this.latin1(text);
  }

  latin1(text: string): void {
    this.ensure(text.length);
    this.at += this.bytes.write(text, this.at, 'latin1');
  }

  put(bytes: Uint8Array): void {
    this.ensure(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  private ensure(length: number): void {
    if (this.at + length > this.bytes.length) this.resize(Math.max(this.at + length, this.bytes.length * 2));
  }

  private resize(length: number): void {
    const larger = Buffer.allocUnsafeSlow(length);
    this.bytes.copy(larger, 0, 0, Math.min(this.at, length));
    this.bytes = larger;
    this.view = new DataView(larger.buffer, larger.byteOffset, larger.length);
  }
}

/** Reads past the end throw RangeError at the latest when the reader is asked whether it is `atEnd`. */
export class RecordReader {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get atEnd(): boolean {
    return this.at === this.bytes.length;
  }

  u8(): number {
    return this.bytes[this.at++];
  }

  u32(): number {
    const { bytes, at } = this;
    this.at = at + 4;
    return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
  }

  f64(): number {
    const value = this.bytes.readDoubleLE(this.at);
    this.at += 8;
    return value;
  }

  varint(): number {
    const { bytes } = this;
    let byte = bytes[this.at++];
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      byte = bytes[this.at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    for (let scale = 2 ** 28; scale < 2 ** 53; scale *= 128) {
      byte = bytes[this.at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number of a record does not end');
  }

  /** A number of things that follow, each at least a byte long. */
  count(): number {
    const count = this.varint();
    if (count > this.bytes.length - this.at) throw new RangeError('a record announces more than it holds');
    return count;
  }

  text(): string {
    return this.latin1(this.varint());
  }

  latin1(length: number): string {
    const { at } = this;
    this.at = at + length;
    return this.bytes.toString('latin1', at, at + length);
  }

  view(length: number): Buffer {
    const { at } = this;
    this.at = at + length;
    return this.bytes.subarray(at, at + length);
  }
}

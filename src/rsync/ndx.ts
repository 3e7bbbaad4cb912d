/** File indices on the wire (docs/protocol.md, "File indices"). */
import { ProtocolError } from '../lib/errors.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

/** A list, a phase or the push is over. */
export const NDX_DONE = -1;
/** No more file lists will come. */
export const NDX_FLIST_EOF = -2;
/** Delete statistics follow. */
export const NDX_DELETE_STATS = -3;
/** This and below: the list of directory number NDX_FLIST_OFFSET - ndx follows. */
export const NDX_FLIST_OFFSET = -101;

/** Reads indices of one direction. From protocol 30 on they are differences to the one before of the same sign. */
export class NdxDecoder {
  private readonly compact: boolean;
  private lastPositive = -1;
  private lastNegative = 1;

  constructor(protocol: number) {
    this.compact = protocol >= 30;
  }

  read(reader: ByteReader): number {
    if (!this.compact) return reader.i32();
    const first = reader.u8();
    if (first === 0) return NDX_DONE;
    const negative = first === 0xff;
    const value = this.magnitude(
      reader,
      negative ? reader.u8() : first,
      negative ? this.lastNegative : this.lastPositive,
    );
    // a negative index of 0 would be taken for the first file
    if (value < (negative ? 1 : 0) || value > 0x7fffffff) throw new ProtocolError('a file index is out of range');
    if (negative) this.lastNegative = value;
    else this.lastPositive = value;
    return negative ? -value : value;
  }

  private magnitude(reader: ByteReader, first: number, last: number): number {
    if (first !== 0xfe) return last + first;
    const high = reader.u8();
    const low = reader.u8();
    if ((high & 0x80) === 0) return last + ((high << 8) | low);
    return (((high & 0x7f) << 24) | low | (reader.u8() << 8) | (reader.u8() << 16)) >>> 0;
  }
}

/** Writes indices of one direction; the mirror of `NdxDecoder`. */
export class NdxEncoder {
  private readonly compact: boolean;
  private lastPositive = -1;
  private lastNegative = 1;

  constructor(protocol: number) {
    this.compact = protocol >= 30;
  }

  write(writer: ByteWriter, ndx: number): void {
    if (!this.compact) {
      writer.i32(ndx);
      return;
    }
    if (ndx === NDX_DONE) {
      writer.u8(0);
      return;
    }
    const value = Math.abs(ndx);
    let difference: number;
    if (ndx >= 0) {
      difference = value - this.lastPositive;
      this.lastPositive = value;
    } else {
      difference = value - this.lastNegative;
      this.lastNegative = value;
      writer.u8(0xff);
    }
    if (difference > 0 && difference < 0xfe) writer.u8(difference);
    else if (difference >= 0 && difference <= 0x7fff)
      writer
        .u8(0xfe)
        .u8(difference >> 8)
        .u8(difference);
    else
      writer
        .u8(0xfe)
        .u8((value >>> 24) | 0x80)
        .u8(value)
        .u8(value >>> 8)
        .u8(value >>> 16);
  }
}

/**
 * Content-defined chunking by a gear hash (Xia et al., "FastCDC", USENIX ATC 2016): a cut where the hash of the last 32
 * bytes has zeros in a mask, a stricter mask before the wanted length than after it.
 */
import { createHmac } from 'node:crypto';

/** Bytes; `average` is a power of two. */
export interface ChunkSizes {
  least: number;
  average: number;
  most: number;
}

export const COARSE: ChunkSizes = { least: 512 << 10, average: 1 << 20, most: 8 << 20 };
/** For what is rewritten: a blob that is only partly matched next time has to be read and written anew. */
export const FINE: ChunkSizes = { least: 16 << 10, average: 64 << 10, most: 256 << 10 };

/** How much stricter than the average asks the first mask is, and how much laxer the second, in bits. */
const NORMALISATION = 2;

/** The gear table of a secret: where chunks end must not tell those without the key what they hold. */
export function gearTable(secret: string): Int32Array {
  const table = new Int32Array(256);
  for (let i = 0; i < 256; i++)
    table[i] = createHmac('sha256', secret).update(`nightdrop gear ${i}`).digest().readInt32LE(0);
  return table;
}

/** Finds the cuts of one stream; `next` is called with its bytes in order. */
export class Chunker {
  private readonly gear: Int32Array;
  private sizes: ChunkSizes;
  private strict = 0;
  private lax = 0;
  private hash = 0;
  /** bytes of the current chunk so far */
  private length = 0;

  constructor(gear: Int32Array, sizes: ChunkSizes) {
    this.gear = gear;
    this.sizes = sizes;
    this.resize(sizes);
  }

  /** Wants chunks of other sizes from here on; a new one begins. */
  resize(sizes: ChunkSizes): void {
    this.sizes = sizes;
    const bits = Math.log2(sizes.average);
    this.strict = topBits(bits + NORMALISATION);
    this.lax = topBits(bits - NORMALISATION);
    this.reset();
  }

  /** A cut is made from outside. */
  reset(): void {
    this.hash = 0;
    this.length = 0;
  }

  /** Hot. The end of the current chunk in bytes[from, to), or -1 when it goes on after them. */
  next(bytes: Buffer, from: number, to: number): number {
    const { gear, sizes, strict, lax } = this;
    let at = from;
    let { hash, length } = this;
    // no cut is looked for before the least length, but the last bytes there count for the hash
    const skip = Math.min(to - at, Math.max(0, sizes.least - 32 - length));
    at += skip;
    length += skip;
    const warm = Math.min(to, at + Math.max(0, sizes.least - length));
    for (; at < warm; at++, length++) hash = ((hash << 1) + gear[bytes[at]]) | 0;
    const strictEnd = Math.min(to, at + Math.max(0, sizes.average - length));
    for (let i = at; i < strictEnd; i++) {
      hash = ((hash << 1) + gear[bytes[i]]) | 0;
      if ((hash & strict) === 0) return this.cut(i + 1);
    }
    length += Math.max(0, strictEnd - at);
    at = Math.max(at, strictEnd);
    const laxEnd = Math.min(to, at + Math.max(0, sizes.most - length));
    for (let i = at; i < laxEnd; i++) {
      hash = ((hash << 1) + gear[bytes[i]]) | 0;
      if ((hash & lax) === 0) return this.cut(i + 1);
    }
    length += Math.max(0, laxEnd - at);
    if (length >= sizes.most) return this.cut(laxEnd);
    this.hash = hash;
    this.length = length;
    return -1;
  }

  private cut(end: number): number {
    this.reset();
    return end;
  }
}

/** A mask of the topmost bits: those that all of the last 32 bytes have a part in. */
function topBits(count: number): number {
  return -1 << (32 - count);
}

import { type Batch, Op } from './messages.ts';

/** Bytes of a batch's buffer. */
export const BATCH_BYTES = 512 * 1024;
/** Numbers of a batch's operations: empty files have no bytes, and matches none either. */
const MOST_NUMBERS = 40_000;

/** A batch that is being filled on the protocol thread. */
export class BatchBuilder {
  private readonly buffer: ArrayBuffer;
  private readonly bytes: Buffer;
  private readonly ops: number[] = [];
  private filled = 0;
  /** where the last operation begins in `ops` */
  private last = 0;

  /** @param buffer of BATCH_BYTES */
  constructor(buffer: ArrayBuffer) {
    this.buffer = buffer;
    this.bytes = Buffer.from(buffer);
  }

  /** Bytes that still fit; 0 also when no more operations do. */
  get room(): number {
    return this.ops.length >= MOST_NUMBERS ? 0 : BATCH_BYTES - this.filled;
  }

  operation(...numbers: number[]): void {
    this.last = this.ops.length;
    for (const n of numbers) this.ops.push(n);
  }

  /** Adds what fits of bytes[from…], under operation `code`; returns how much that was. Hot. */
  data(code: number, id: number, bytes: Buffer, from: number): number {
    const { ops } = this;
    const start = this.filled;
    const copied = bytes.copy(this.bytes, start, from);
    this.filled += copied;
    // pieces of one file that follow each other become one
    if (code === Op.data && this.continues(Op.data, id) && ops[this.last + 3] === start) ops[this.last + 3] += copied;
    else this.operation(code, id, start, start + copied);
    return copied;
  }

  /** Adds a match; one that goes on where the last one ended becomes part of it. */
  copy(id: number, offset: number, length: number): void {
    const { ops, last } = this;
    if (this.continues(Op.copy, id) && ops[last + 2] + ops[last + 3] === offset) ops[last + 3] += length;
    else this.operation(Op.copy, id, offset, length);
  }

  finish(): Batch {
    return { buffer: this.buffer, ops: Float64Array.from(this.ops) };
  }

  private continues(code: number, id: number): boolean {
    return this.ops[this.last] === code && this.ops[this.last + 1] === id;
  }
}

/** What a worker tells of files, gathered in one piece of memory so that it is moved between threads, not copied. */
import type { FileFailure, Part } from './messages.ts';

/** Bytes of records from which on a part leaves before its batch is done. */
const FULL_BYTES = 256 * 1024;
/** id, index of the failure or -1, size, literal and matched bytes, literal runs, from and to of the blob IDs */
const END_NUMBERS = 8;
/** id, from, to */
const SUMS_NUMBERS = 3;

export interface FileEnd {
  id: number;
  failure: FileFailure | undefined;
  size: number;
  literalBytes: number;
  matchedBytes: number;
  literalRuns: number;
  /** blob IDs */
  blobs: Buffer;
}

/** The worker's side. */
export class Answer {
  private bytes: Buffer = Buffer.allocUnsafe(4096);
  private length = 0;
  private ends: number[] = [];
  private sums: number[] = [];
  private failures: FileFailure[] = [];

  get full(): boolean {
    return this.length >= FULL_BYTES;
  }

  /** Block sums of file or request `id`; copied. */
  addSums(id: number, records: Buffer): void {
    const { sums } = this;
    const from = this.add(records);
    if (sums[sums.length - 3] === id && sums[sums.length - 1] === from) sums[sums.length - 1] = this.length;
    else sums.push(id, from, this.length);
  }

  addEnd(end: FileEnd): void {
    const failure = end.failure === undefined ? -1 : this.failures.push(end.failure) - 1;
    const from = this.add(end.blobs);
    const { id, size, literalBytes, matchedBytes, literalRuns } = end;
    this.ends.push(id, failure, size, literalBytes, matchedBytes, literalRuns, from, this.length);
  }

  /** Everything so far; the next part begins. */
  take(): Part {
    const bytes = new ArrayBuffer(this.length);
    this.bytes.copy(Buffer.from(bytes), 0, 0, this.length);
    const part = {
      bytes,
      ends: Float64Array.from(this.ends),
      sums: Float64Array.from(this.sums),
      failures: this.failures,
    };
    this.length = 0;
    this.ends = [];
    this.sums = [];
    this.failures = [];
    if (this.bytes.length > 2 * FULL_BYTES) this.bytes = Buffer.allocUnsafe(FULL_BYTES);
    return part;
  }

  /** Returns where the bytes begin. */
  private add(bytes: Buffer): number {
    const from = this.length;
    const need = from + bytes.length;
    if (need > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(need, 2 * this.bytes.length));
      this.bytes.copy(larger, 0, 0, from);
      this.bytes = larger;
    }
    bytes.copy(this.bytes, from);
    this.length = need;
    return from;
  }
}

/** The protocol thread's side: sums come before the ends, as they were added for each file. */
export function readPart(
  { bytes, ends, sums, failures }: Part,
  onSums: (id: number, records: Buffer) => void,
  onEnd: (end: FileEnd) => void,
): void {
  for (let i = 0; i < sums.length; i += SUMS_NUMBERS)
    onSums(sums[i], Buffer.from(bytes, sums[i + 1], sums[i + 2] - sums[i + 1]));
  for (let i = 0; i < ends.length; i += END_NUMBERS) {
    onEnd({
      id: ends[i],
      failure: failures[ends[i + 1]],
      size: ends[i + 2],
      literalBytes: ends[i + 3],
      matchedBytes: ends[i + 4],
      literalRuns: ends[i + 5],
      blobs: Buffer.from(bytes, ends[i + 6], ends[i + 7] - ends[i + 6]),
    });
  }
}

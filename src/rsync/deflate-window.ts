/** What a zlib sender's window holds of matched blocks (docs/protocol.md, "Compressed tokens"). */
import type { SumHead } from './sum-head.ts';

/** How far deflate can refer back (RFC 1951). */
export const WINDOW_BYTES = 32 * 1024;
/** A sender puts matched bytes into its window as stored blocks of at most this many bytes (RFC 1951). */
const LONGEST_STORED_BLOCK = 0xffff;

/** A stretch of the basis, in bytes. */
export interface BasisRange {
  offset: number;
  length: number;
}

/**
 * Matched blocks enter the window without being sent. A receiver has to know of them only what a later literal can refer
 * to: the last 32 KiB. So most of what is matched is never read.
 */
export class DeflateWindow {
  /** senders before protocol 31 put the first part of a block that is longer than a stored block in again and again */
  private readonly repeatsStart: boolean;
  private head: SumHead = { count: 0, blockLength: 0, strongLength: 0, remainder: 0 };
  private ranges: BasisRange[] = [];
  private length = 0;

  constructor(protocol: number) {
    this.repeatsStart = protocol < 31;
  }

  /** A file begins. @param head of the sums that were offered for it */
  start(head: SumHead): void {
    this.head = head;
    this.take();
  }

  /** Blocks were matched, one after another. */
  match(block: number, count: number): void {
    const added: BasisRange[] = [];
    let bytes = 0;
    for (let b = block + count - 1; b >= block && bytes < WINDOW_BYTES; b--) {
      for (const range of this.tailOf(b)) {
        added.push(range);
        bytes += range.length;
      }
    }
    for (const range of added.reverse()) this.add(range);
  }

  /** Whether bytes were matched that the window lacks. */
  get isBehind(): boolean {
    return this.length > 0;
  }

  /** What was matched since the last call, the oldest first, 32 KiB at most. */
  take(): BasisRange[] {
    const { ranges } = this;
    this.ranges = [];
    this.length = 0;
    return ranges;
  }

  /** The last bytes that a block puts into the window, the last ones first. */
  private tailOf(block: number): BasisRange[] {
    const { count, blockLength, remainder } = this.head;
    const offset = block * blockLength;
    const length = block === count - 1 && remainder > 0 ? remainder : blockLength;
    if (!this.repeatsStart || length <= LONGEST_STORED_BLOCK) return [end(offset, length, WINDOW_BYTES)];
    const rest = length % LONGEST_STORED_BLOCK;
    const before = end(offset, LONGEST_STORED_BLOCK, WINDOW_BYTES - Math.min(rest, WINDOW_BYTES));
    return [end(offset, rest, WINDOW_BYTES), before].filter((range) => range.length > 0);
  }

  private add(range: BasisRange): void {
    const last = this.ranges.at(-1);
    if (last !== undefined && last.offset + last.length === range.offset) last.length += range.length;
    else this.ranges.push({ ...range });
    this.length += range.length;
    while (this.length > WINDOW_BYTES) {
      const [first] = this.ranges;
      const surplus = Math.min(first.length, this.length - WINDOW_BYTES);
      first.offset += surplus;
      first.length -= surplus;
      this.length -= surplus;
      if (first.length === 0) this.ranges.shift();
    }
  }
}

/** The last `most` bytes of a stretch. */
function end(offset: number, length: number, most: number): BasisRange {
  const kept = Math.min(length, most);
  return { offset: offset + length - kept, length: kept };
}

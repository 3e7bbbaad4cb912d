import { BlockSummer, type BlockSums, type RecordSink } from '../../kernels/block-sums.ts';
import type { CachedRecords } from './cached-records.ts';

/** A stretch of the basis, in bytes. */
export interface Stretch {
  from: number;
  to: number;
}

/**
 * Block sums of a new version: of bytes as they pass, and for blocks that come again at the same place in a block, the
 * records the basis had.
 */
export class NewSums {
  private readonly summer: BlockSummer;
  private readonly cached: CachedRecords | undefined;
  /** bytes of the basis that was offered */
  private readonly basisSize: number;
  /** the basis's last, short block was matched: it may be the new version's last too */
  private short: { stretch: Stretch; record: Buffer } | undefined;

  constructor(
    sums: BlockSums,
    blockLength: number,
    out: RecordSink,
    cached: CachedRecords | undefined,
    basisSize: number,
  ) {
    this.summer = new BlockSummer(sums, blockLength, out);
    this.cached = cached?.blockLength === blockLength ? cached : undefined;
    this.basisSize = basisSize;
  }

  /** A matched stretch whose bytes have to pass by before anything else does: its record was not the last. */
  takeBack(): Stretch | undefined {
    const stretch = this.short?.stretch;
    this.short = undefined;
    return stretch;
  }

  update(bytes: Buffer): void {
    this.summer.update(bytes);
  }

  /** Whether the matched stretch needs not pass by: its records were at hand. */
  match(offset: number, length: number): boolean {
    const { cached, summer } = this;
    const { blockLength } = summer;
    if (cached === undefined || this.short !== undefined || !summer.atBlockStart || offset % blockLength !== 0)
      return false;
    const first = offset / blockLength;
    const count = Math.floor(length / blockLength);
    const rest = length % blockLength;
    if (rest > 0 && offset + length !== this.basisSize) return false;
    if (!cached.has(first, rest > 0 ? count + 1 : count)) return false;
    cached.read(first, count, (records) => summer.pass(records));
    if (rest > 0) {
      const stretch = { from: offset + length - rest, to: offset + length };
      cached.read(first + count, 1, (record) => {
        this.short = { stretch, record };
      });
    }
    return true;
  }

  /** @param onlyWhole the last, short block is left out: the content was cut off there */
  end(onlyWhole: boolean): void {
    if (this.short !== undefined && !onlyWhole) this.summer.pass(this.short.record);
    this.short = undefined;
    this.summer.end(onlyWhole);
  }
}

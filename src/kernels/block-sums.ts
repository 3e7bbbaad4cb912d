/** The block sums of a stream: a record per block, rolling sum (u32, little-endian) and strong sum. */
import { BlockKernel, KERNEL_BYTES, LEAST_BLOCK } from './block-kernel.ts';
import { type BlockSumKind, createStrongSum, recordLength, type StrongSum, strongLength } from './checksum.ts';
import { rollingSum } from './rolling.ts';

/** Takes whole records, in order. They are a view that is overwritten once it returns. */
export type RecordSink = (records: Buffer) => void;

/** Summing machinery of one kind, shared by the streams of a thread. */
export class BlockSums {
  readonly kind: BlockSumKind;
  readonly recordLength: number;
  private readonly strong: StrongSum;
  private readonly strongLength: number;
  private readonly kernel: BlockKernel | undefined;
  /** whether the kernel makes the strong sums too */
  private readonly wholeRecords: boolean;
  private readonly record: Buffer;

  private constructor(kind: BlockSumKind, strong: StrongSum, kernel: BlockKernel | undefined) {
    this.kind = kind;
    this.strong = strong;
    this.strongLength = strongLength(kind);
    this.recordLength = recordLength(kind);
    this.kernel = kernel;
    this.wholeRecords = kernel !== undefined && (kind.algorithm === 'xxh128' || kind.algorithm === 'xxh3');
    this.record = Buffer.alloc(this.recordLength);
  }

  static async create(kind: BlockSumKind): Promise<BlockSums> {
    return new BlockSums(kind, await createStrongSum(kind), await BlockKernel.create(kind.seed));
  }

  /** The records of `count` whole blocks that lie in `bytes` from `at` on. Hot. */
  blocks(bytes: Buffer, at: number, count: number, blockLength: number, out: RecordSink): void {
    if (!this.wholeRecords || blockLength < LEAST_BLOCK || blockLength > KERNEL_BYTES) {
      for (let i = 0, from = at; i < count; i++, from += blockLength)
        this.block(bytes.subarray(from, from + blockLength), out);
      return;
    }
    const most = Math.floor(KERNEL_BYTES / blockLength);
    for (let from = at, left = count; left > 0; ) {
      const n = Math.min(most, left);
      const to = from + n * blockLength;
      out(this.kernel!.records(bytes.subarray(from, to), n, blockLength, this.recordLength));
      from = to;
      left -= n;
    }
  }

  /** The record of one block of any length. */
  block(block: Buffer, out: RecordSink): void {
    const { record, kernel } = this;
    if (this.wholeRecords && block.length >= LEAST_BLOCK && block.length <= KERNEL_BYTES) {
      out(kernel!.records(block, 1, block.length, this.recordLength));
      return;
    }
    const rolling =
      kernel !== undefined && block.length <= KERNEL_BYTES
        ? kernel.rolling(block)
        : rollingSum(new Int8Array(block.buffer, block.byteOffset, block.length), 0, block.length);
    record.writeUInt32LE(rolling, 0);
    record.set(this.strong(block).subarray(0, this.strongLength), 4);
    out(record);
  }
}

/** Cuts one content into blocks as it passes, in pieces of any size. */
export class BlockSummer {
  private readonly sums: BlockSums;
  readonly blockLength: number;
  private readonly out: RecordSink;
  /** the begun block */
  private partial: Buffer | undefined;
  private partialLength = 0;

  constructor(sums: BlockSums, blockLength: number, out: RecordSink) {
    this.sums = sums;
    this.blockLength = blockLength;
    this.out = out;
  }

  /** Whether the next byte begins a block. */
  get atBlockStart(): boolean {
    return this.partialLength === 0;
  }

  update(bytes: Buffer): void {
    let at = 0;
    if (this.partialLength > 0) {
      at = this.fill(bytes, 0);
      if (this.partialLength < this.blockLength) return;
      this.sums.block(this.partial!, this.out);
      this.partialLength = 0;
    }
    const count = Math.floor((bytes.length - at) / this.blockLength);
    if (count > 0) this.sums.blocks(bytes, at, count, this.blockLength, this.out);
    at += count * this.blockLength;
    if (at < bytes.length) this.fill(bytes, at);
  }

  /** Whole blocks whose records are known pass by unseen; only at the start of a block. */
  pass(records: Buffer): void {
    this.out(records);
  }

  /** Sums the last, shorter block, unless only whole blocks are wanted. */
  end(onlyWhole = false): void {
    if (this.partialLength > 0 && !onlyWhole) this.sums.block(this.partial!.subarray(0, this.partialLength), this.out);
    this.partialLength = 0;
  }

  private fill(bytes: Buffer, from: number): number {
    this.partial ??= Buffer.allocUnsafe(this.blockLength);
    const copied = bytes.copy(this.partial, this.partialLength, from);
    this.partialLength += copied;
    return from + copied;
  }
}

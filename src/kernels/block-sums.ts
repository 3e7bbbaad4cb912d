/** The block sums of a stream: a record per block, rolling sum (u32, little-endian) and strong sum. */
import { type BlockSumKind, createStrongSum, recordLength, type StrongSum, strongLength } from './checksum.ts';
import { rollingSum } from './rolling.ts';

/** Bytes of records that are gathered before they are handed out. */
const GATHERED_BYTES = 32 * 1024;

/** Summing machinery of one kind, shared by the streams of a thread. */
export class BlockSums {
  readonly recordLength: number;
  private readonly strong: StrongSum;
  private readonly strongLength: number;

  private constructor(kind: BlockSumKind, strong: StrongSum) {
    this.strong = strong;
    this.strongLength = strongLength(kind);
    this.recordLength = recordLength(kind);
  }

  static async create(kind: BlockSumKind): Promise<BlockSums> {
    return new BlockSums(kind, await createStrongSum(kind));
  }

  /** Writes the record of the block into `out` at `at`; returns where the next goes. */
  put(out: Buffer, at: number, block: Buffer): number {
    const signed = new Int8Array(block.buffer, block.byteOffset, block.length);
    out.writeUInt32LE(rollingSum(signed, 0, block.length), at);
    const strong = this.strong(block);
    for (let i = 0; i < this.strongLength; i++) out[at + 4 + i] = strong[i];
    return at + this.recordLength;
  }
}

/** Cuts one content into blocks as it passes, in pieces of any size. */
export class BlockSummer {
  private readonly sums: BlockSums;
  private readonly blockLength: number;
  private readonly onRecords: (records: Buffer) => void;
  /** the begun block */
  private partial: Buffer | undefined;
  private partialLength = 0;
  private records: Buffer;
  private at = 0;

  /** @param onRecords takes whole records, in order; the buffer is its own */
  constructor(sums: BlockSums, blockLength: number, onRecords: (records: Buffer) => void) {
    this.sums = sums;
    this.blockLength = blockLength;
    this.onRecords = onRecords;
    this.records = Buffer.allocUnsafe(sums.recordLength * 8);
  }

  update(bytes: Buffer): void {
    let at = 0;
    if (this.partialLength > 0) {
      at = this.fill(bytes, 0);
      if (this.partialLength < this.blockLength) return;
      this.put(this.partial!);
      this.partialLength = 0;
    }
    for (; at + this.blockLength <= bytes.length; at += this.blockLength) this.put(bytes.subarray(at, at + this.blockLength));
    if (at < bytes.length) this.fill(bytes, at);
  }

  /** Sums the last, shorter block, unless only whole blocks are wanted. */
  end(onlyWhole = false): void {
    if (this.partialLength > 0 && !onlyWhole) this.put(this.partial!.subarray(0, this.partialLength));
    this.handOut();
  }

  private fill(bytes: Buffer, from: number): number {
    this.partial ??= Buffer.allocUnsafe(this.blockLength);
    const copied = bytes.copy(this.partial, this.partialLength, from);
    this.partialLength += copied;
    return from + copied;
  }

  private put(block: Buffer): void {
    if (this.at + this.sums.recordLength > this.records.length) this.makeRoom();
    this.at = this.sums.put(this.records, this.at, block);
  }

  private makeRoom(): void {
    if (this.records.length >= GATHERED_BYTES) {
      this.handOut();
      return;
    }
    const larger = Buffer.allocUnsafe(this.records.length * 4);
    this.records.copy(larger, 0, 0, this.at);
    this.records = larger;
  }

  private handOut(): void {
    if (this.at > 0) this.onRecords(Buffer.from(this.records.subarray(0, this.at)));
    this.at = 0;
  }
}

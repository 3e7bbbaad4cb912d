import { BlockSummer, type BlockSums } from '../../kernels/block-sums.ts';
import type { Digest } from '../../kernels/checksum.ts';
import { Chunker, COARSE, FINE } from '../../kernels/chunker.ts';
import type { BasisContent } from './basis.ts';
import type { BlobSink } from './blob-sink.ts';

export interface StreamParts {
  sink: BlobSink;
  gear: Int32Array;
  digest: Digest;
  /** undefined when no sums are wanted */
  sums: { machine: BlockSums; blockLength: number; onRecords: (records: Buffer) => void } | undefined;
  basis: BasisContent | undefined;
  verify: boolean;
}

/**
 * One file on its way into the repository: literals and matched stretches of the basis in, blob IDs out. A stored blob
 * that is matched as a whole becomes a reference; of one matched in part the bytes join the literals and are chunked
 * anew, finely, since what changed once changes again.
 */
export class FileStream {
  private readonly parts: StreamParts;
  private readonly chunker: Chunker;
  private readonly summer: BlockSummer | undefined;
  private readonly ids: Buffer[] = [];
  /** bytes of the current chunk */
  private chunk: Buffer = Buffer.allocUnsafe(0);
  private chunkLength = 0;
  /** the matched stretch of the basis: what of it was taken in, and its end */
  private matchAt = 0;
  private matchEnd = 0;
  private inLiteral = false;
  size = 0;
  literalBytes = 0;
  matchedBytes = 0;
  literalRuns = 0;

  constructor(parts: StreamParts) {
    this.parts = parts;
    this.chunker = new Chunker(parts.gear, parts.basis === undefined ? COARSE : FINE);
    this.summer = parts.sums && new BlockSummer(parts.sums.machine, parts.sums.blockLength, parts.sums.onRecords);
    parts.digest.reset();
  }

  async write(bytes: Buffer): Promise<void> {
    if (this.matchAt < this.matchEnd) await this.endMatch();
    this.literalBytes += bytes.length;
    if (!this.inLiteral) this.literalRuns++;
    this.inLiteral = true;
    this.passBy(bytes);
    await this.add(bytes);
  }

  async copy(offset: number, length: number): Promise<void> {
    this.inLiteral = false;
    this.matchedBytes += length;
    if (offset === this.matchEnd && this.matchAt < this.matchEnd) {
      this.matchEnd += length;
    } else {
      if (this.matchAt < this.matchEnd) await this.endMatch();
      this.matchAt = offset;
      this.matchEnd = offset + length;
    }
    await this.takeWholeBlobs();
  }

  /** Everything has come. @returns the blob IDs */
  async end(onlyWholeBlocks = false): Promise<Buffer> {
    if (this.matchAt < this.matchEnd) await this.endMatch();
    await this.cut();
    this.summer?.end(onlyWholeBlocks);
    return Buffer.concat(this.ids);
  }

  /** Whether the digest that was computed says anything: not when matched bytes were not read. */
  get digestIsKnown(): boolean {
    return this.parts.verify || this.matchedBytes === 0;
  }

  digest(): Buffer {
    return this.parts.digest.digest();
  }

  private async takeWholeBlobs(): Promise<void> {
    const basis = this.parts.basis!;
    while (this.matchAt < this.matchEnd) {
      const index = basis.at(this.matchAt);
      const { id, start, end } = basis.blobs[index];
      if (this.matchEnd < end) return;
      if (this.matchAt > start) {
        await this.splice(index, this.matchAt - start, end - start);
      } else {
        await this.cut();
        if (this.parts.verify || this.summer !== undefined) this.passBy(await basis.load(index));
        else this.size += end - start;
        this.ids.push(id);
      }
      this.matchAt = end;
    }
  }

  /** The rest of the match is the front of a blob, or its middle. */
  private async endMatch(): Promise<void> {
    const basis = this.parts.basis!;
    const index = basis.at(this.matchAt);
    const { start } = basis.blobs[index];
    await this.splice(index, this.matchAt - start, this.matchEnd - start);
    this.matchAt = this.matchEnd;
  }

  private async splice(index: number, from: number, to: number): Promise<void> {
    const bytes = (await this.parts.basis!.load(index)).subarray(from, to);
    this.passBy(bytes);
    await this.add(bytes);
  }

  /** Digest and block sums see every byte once, in order. */
  private passBy(bytes: Buffer): void {
    this.size += bytes.length;
    this.parts.digest.update(bytes);
    this.summer?.update(bytes);
  }

  private async add(bytes: Buffer): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      const end = this.chunker.next(bytes, at, bytes.length);
      if (end < 0) {
        this.append(bytes.subarray(at));
        return;
      }
      if (this.chunkLength === 0) {
        this.ids.push(await this.parts.sink.put(bytes.subarray(at, end)));
      } else {
        this.append(bytes.subarray(at, end));
        await this.cut();
      }
      at = end;
    }
  }

  private append(bytes: Buffer): void {
    const need = this.chunkLength + bytes.length;
    if (need > this.chunk.length) {
      const larger = Buffer.allocUnsafe(Math.max(need, Math.min(this.chunk.length * 2, 8 << 20)));
      this.chunk.copy(larger, 0, 0, this.chunkLength);
      this.chunk = larger;
    }
    bytes.copy(this.chunk, this.chunkLength);
    this.chunkLength = need;
  }

  /** Ends the current chunk. */
  private async cut(): Promise<void> {
    this.chunker.reset();
    if (this.chunkLength === 0) return;
    const plain = this.chunk.subarray(0, this.chunkLength);
    this.chunkLength = 0;
    this.ids.push(await this.parts.sink.put(plain));
  }
}

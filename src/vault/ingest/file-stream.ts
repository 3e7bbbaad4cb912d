import type { Digest } from '../../kernels/checksum.ts';
import { NightdropError } from '../../lib/errors.ts';
import type { Assembly } from './assembly.ts';
import type { BasisContent } from './basis.ts';
import type { Stretch } from './messages.ts';
import type { NewSums } from './new-sums.ts';

/** A file may have grown since it was listed, but not without end. */
const GROWTH_FACTOR = 2;
const GROWTH_BYTES = 1 << 30;

export interface StreamParts {
  /** bytes announced */
  size: number;
  assembly: Assembly;
  digest: Digest;
  /** undefined when no sums of the new content are wanted */
  sums: NewSums | undefined;
  basis: BasisContent | undefined;
  /** bytes of the basis that was offered: blocks end there */
  basisSize: number;
  /** matched bytes are read for the digest */
  verify: boolean;
}

/** The client sends what it was not offered, or without end. */
export class FileRefusedError extends NightdropError {
  /** whether it may do better the next time */
  readonly retry: boolean;

  constructor(message: string, retry: boolean) {
    super('ERR_FILE_REFUSED', message);
    this.retry = retry;
  }
}

/** One file on its way into the repository: literals and matched stretches of its basis in, blobs, sums and digest out. */
export class FileStream {
  private readonly parts: StreamParts;
  private readonly limit: number;
  private inLiteral = false;
  private digestKnown = true;
  literalBytes = 0;
  matchedBytes = 0;
  /** separate stretches of literal bytes */
  literalRuns = 0;

  constructor(parts: StreamParts) {
    this.parts = parts;
    this.limit = parts.size * GROWTH_FACTOR + GROWTH_BYTES;
    parts.digest.reset();
  }

  get size(): number {
    return this.literalBytes + this.matchedBytes;
  }

  get blobs(): Buffer {
    return this.parts.assembly.blobs.bytes;
  }

  /** Whether a promise, when there is one, is pending the bytes must stay as they are. Hot. */
  write(bytes: Buffer): Promise<void> | undefined {
    this.literalBytes += bytes.length;
    if (this.size > this.limit) this.refuseSize();
    if (!this.inLiteral) this.literalRuns++;
    this.inLiteral = true;
    const { sums, digest, assembly } = this.parts;
    if (this.digestKnown) digest.update(bytes);
    const late = sums?.takeBack();
    if (late !== undefined) return this.writeAfter(late.from, late.to, bytes);
    sums?.update(bytes);
    return assembly.literal(bytes);
  }

  /** A matched stretch of the basis. */
  async copy(offset: number, length: number): Promise<void> {
    const { basis, basisSize, sums, verify, digest, assembly } = this.parts;
    if (basis === undefined || !(offset >= 0 && length > 0 && offset + length <= basisSize))
      throw new FileRefusedError('the client refers to blocks it was not offered', true);
    this.matchedBytes += length;
    if (this.size > this.limit) this.refuseSize();
    this.inLiteral = false;
    if (!verify) this.digestKnown = false;
    const late = sums?.takeBack();
    if (late !== undefined) await basis.read(late.from, late.to, (bytes) => sums!.update(bytes));
    const summed = sums === undefined || sums.match(offset, length);
    if (verify || !summed)
      await basis.read(offset, offset + length, (bytes) => {
        if (verify) digest.update(bytes);
        if (!summed) sums.update(bytes);
      });
    await assembly.match(offset, length);
  }

  /** Bytes of the basis, one stretch after another. */
  async readBasis(stretches: Stretch[], take: (bytes: Buffer) => void): Promise<void> {
    const { basis, basisSize } = this.parts;
    for (const { offset, length } of stretches) {
      if (basis === undefined || !(offset >= 0 && length > 0 && offset + length <= basisSize))
        throw new FileRefusedError('the client refers to blocks it was not offered', true);
      await basis.read(offset, offset + length, take);
    }
  }

  /**
   * Everything has come.
   *
   * @param cut the file was cut off: no sum of its last, short block
   */
  end(cut: boolean): Promise<void> | undefined {
    this.parts.sums?.end(cut);
    return this.parts.assembly.finish();
  }

  /** Whole-file digest; undefined when matched bytes were not read for it. */
  digest(): Buffer | undefined {
    return this.digestKnown ? this.parts.digest.digest() : undefined;
  }

  private async writeAfter(from: number, to: number, bytes: Buffer): Promise<void> {
    const { sums, basis, assembly } = this.parts;
    await basis!.read(from, to, (late) => sums!.update(late));
    sums!.update(bytes);
    await assembly.literal(bytes);
  }

  private refuseSize(): never {
    throw new FileRefusedError('the file is far longer than the client said', false);
  }
}

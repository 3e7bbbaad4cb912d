import { Chunker, COARSE, FINE } from '../../kernels/chunker.ts';
import type { BasisContent } from './basis.ts';
import { BlobList } from './blob-list.ts';
import type { BlobSink } from './blob-sink.ts';

/** Bytes without a blob to refer to, from which on new content counts as added, not rewritten, and is chunked coarsely. */
const REWRITTEN_BYTES = 4 << 20;
const FIRST_BUFFER = 512 * 1024;
/** A chunk, a fine one held back, and what joins it. */
const LARGEST_BUFFER = COARSE.most + FINE.most;

/** The buffer of chunks, used again by one file after the other. */
export class ChunkBuffer {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BUFFER);

  /** Makes room for `need` bytes and keeps the first `keep`. */
  grow(need: number, keep: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.min(LARGEST_BUFFER, Math.max(need, 2 * this.bytes.length)));
    this.bytes.copy(larger, 0, 0, keep);
    this.bytes = larger;
  }
}

/**
 * A new version put together as a list of blobs. A stored blob that is matched as a whole becomes a reference; of one
 * matched in part the bytes join the literals around it and are chunked anew, finely, since what changed once changes
 * again.
 */
export class Assembly {
  readonly blobs: BlobList = new BlobList();
  private readonly sink: BlobSink;
  private readonly basis: BasisContent | undefined;
  private readonly buffer: ChunkBuffer;
  private readonly chunker: Chunker;
  /** bytes in the buffer: a finished fine chunk that the next may join, and the begun chunk */
  private length = 0;
  private held = 0;
  private fine: boolean;
  /** bytes since the last reference */
  private run = 0;
  /** the matched stretch of the basis that is not taken in yet */
  private matchAt = 0;
  private matchEnd = 0;

  constructor(sink: BlobSink, gear: Int32Array, buffer: ChunkBuffer, basis: BasisContent | undefined) {
    this.sink = sink;
    this.buffer = buffer;
    this.basis = basis;
    this.fine = basis !== undefined;
    this.chunker = new Chunker(gear, this.fine ? FINE : COARSE);
  }

  /** Hot. The bytes must stay as they are until the promise, when there is one, has resolved. */
  literal(bytes: Buffer): Promise<void> | undefined {
    if (this.matchAt === this.matchEnd) return this.add(bytes);
    return this.endMatch().then(() => this.add(bytes));
  }

  /** A stretch within the basis. */
  async match(offset: number, length: number): Promise<void> {
    if (this.matchAt < this.matchEnd && offset !== this.matchEnd) await this.endMatch();
    if (this.matchAt === this.matchEnd) this.matchAt = offset;
    this.matchEnd = offset + length;
    await this.takeWholeBlobs();
  }

  /** Everything has come: `blobs` is complete when this is done. */
  finish(): Promise<void> | undefined {
    if (this.matchAt === this.matchEnd) return this.endRun();
    return this.endMatch().then(() => this.endRun());
  }

  private async takeWholeBlobs(): Promise<void> {
    const basis = this.basis!;
    while (this.matchAt < this.matchEnd) {
      const index = basis.at(this.matchAt);
      const start = basis.start(index);
      const end = basis.end(index);
      if (this.matchEnd < end) return;
      if (this.matchAt > start || this.joins(end - start)) {
        await this.splice(index, this.matchAt - start, end - start);
      } else {
        await this.endRun();
        this.blobs.push(basis.id(index));
      }
      this.matchAt = end;
    }
  }

  /** Whether a blob is better written anew together with what is pending than referred to: no crumbs are left. */
  private joins(length: number): boolean {
    if (this.length === 0) return false;
    return length < FINE.least || (this.length < FINE.least && length <= FINE.most);
  }

  /** What is left of the match is the front or the middle of one blob. */
  private async endMatch(): Promise<void> {
    const basis = this.basis!;
    const index = basis.at(this.matchAt);
    const start = basis.start(index);
    await this.splice(index, this.matchAt - start, this.matchEnd - start);
    this.matchAt = this.matchEnd;
  }

  private async splice(index: number, from: number, to: number): Promise<void> {
    await this.add((await this.basis!.load(index)).subarray(from, to));
  }

  private add(bytes: Buffer): Promise<void> | undefined {
    const end = this.chunker.next(bytes, 0, bytes.length);
    if (end >= 0) return this.addCut(bytes, end);
    this.append(bytes);
    return undefined;
  }

  private async addCut(bytes: Buffer, firstEnd: number): Promise<void> {
    let at = 0;
    for (let end = firstEnd; end >= 0; end = this.chunker.next(bytes, at, bytes.length)) {
      this.append(bytes.subarray(at, end));
      await this.endChunk();
      at = end;
    }
    this.append(bytes.subarray(at));
  }

  private append(bytes: Buffer): void {
    const need = this.length + bytes.length;
    if (need > this.buffer.bytes.length) this.buffer.grow(need, this.length);
    bytes.copy(this.buffer.bytes, this.length);
    this.length = need;
    this.run += bytes.length;
  }

  /** A fine chunk is held back until it is known that what follows needs not join it. */
  private async endChunk(): Promise<void> {
    if (!this.fine) return this.endRunAt(0);
    const { held } = this;
    if (held > 0) {
      await this.put(0, held);
      this.buffer.bytes.copyWithin(0, held, this.length);
      this.length -= held;
    }
    this.held = this.length;
    if (this.run < REWRITTEN_BYTES) return;
    await this.endRunAt(0);
    this.fine = false;
    this.chunker.resize(COARSE);
  }

  /** Stores what is pending; a rest too small to stand alone joins the chunk before it. */
  private endRun(): Promise<void> | undefined {
    this.chunker.reset();
    this.run = 0;
    if (this.basis !== undefined && !this.fine) {
      this.fine = true;
      this.chunker.resize(FINE);
    }
    if (this.length === 0) return undefined;
    return this.endRunAt(this.length - this.held < FINE.least ? 0 : this.held);
  }

  /** Stores the buffer as one blob, or cut in two. */
  private endRunAt(cut: number): Promise<void> | undefined {
    const { length } = this;
    this.length = 0;
    this.held = 0;
    if (length === 0) return undefined;
    if (cut === 0) return this.put(0, length);
    const first = this.put(0, cut);
    return first === undefined ? this.put(cut, length) : first.then(() => this.put(cut, length));
  }

  private put(from: number, to: number): Promise<void> | undefined {
    const plain = this.buffer.bytes.subarray(from, to);
    const id = this.sink.blobId(plain);
    this.blobs.push(id);
    return this.sink.store(id, plain);
  }
}

import type { BlobLocation } from '../../repository/blob.ts';
import { ID_BYTES } from '../content.ts';
import type { StateStore } from '../state/store.ts';
import { type BasisBlobs, BasisDamagedError } from './basis-blobs.ts';

/** Stored content, by its blobs. */
export class BasisContent {
  /** number of blobs */
  readonly count: number;
  /** blob IDs, 32 bytes each */
  readonly ids: Buffer;
  private readonly store: StateStore;
  private readonly blobs: BasisBlobs;
  /** where each blob ends, in bytes of the content */
  private readonly ends: Float64Array;
  private last = 0;

  /** @throws BasisDamagedError when a blob of it is not in the index */
  constructor(blobs: BasisBlobs, store: StateStore, ids: Buffer) {
    this.blobs = blobs;
    this.store = store;
    this.ids = ids;
    this.count = Math.floor(ids.length / ID_BYTES);
    this.ends = new Float64Array(this.count);
    let end = 0;
    for (let i = 0; i < this.count; i++) {
      end += this.locate(i).plainLength;
      this.ends[i] = end;
    }
  }

  /** Bytes of the content. */
  get size(): number {
    return this.end(this.count - 1);
  }

  id(index: number): Buffer {
    return this.ids.subarray(index * ID_BYTES, (index + 1) * ID_BYTES);
  }

  start(index: number): number {
    return this.end(index - 1);
  }

  end(index: number): number {
    return index < 0 ? 0 : this.ends[index];
  }

  /** Number of the blob that holds the byte at `offset`, which is below `size`; matches mostly go forward. */
  at(offset: number): number {
    const { last } = this;
    if (offset >= this.start(last)) {
      if (offset < this.end(last)) return last;
      if (offset < this.end(last + 1)) return ++this.last;
    }
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle] <= offset) low = middle + 1;
      else high = middle;
    }
    this.last = low;
    return low;
  }

  /** @throws BasisDamagedError */
  load(index: number): Buffer | Promise<Buffer> {
    return this.blobs.load(this.locate(index));
  }

  /** Calls `take` with the bytes from..to of the content, in pieces. @throws BasisDamagedError */
  async read(from: number, to: number, take: (bytes: Buffer) => void): Promise<void> {
    for (let at = from; at < to; ) {
      const index = this.at(at);
      const start = this.start(index);
      const end = Math.min(to, this.end(index));
      const plain = this.load(index);
      take((Buffer.isBuffer(plain) ? plain : await plain).subarray(at - start, end - start));
      at = end;
    }
  }

  private locate(index: number): BlobLocation {
    const id = this.id(index);
    const location = this.store.findBlob(id);
    if (location === undefined)
      throw new BasisDamagedError(
        `blob ${id.toString('hex')} is in no pack; run check to see what else is missing`,
        id,
      );
    return location;
  }
}

import type { BlobLocation } from '../../repository/blob.ts';
import { RepositoryDamagedError } from '../../repository/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import { ID_BYTES } from '../content.ts';
import type { StateStore } from '../state/store.ts';

/** Plain blobs kept while matches go back and forth between neighbours. */
const KEPT_BLOBS = 4;

export interface BasisBlob {
  id: Buffer;
  /** bytes from the content's start */
  start: number;
  end: number;
}

/** Stored content, by its blobs. */
export class BasisContent {
  readonly blobs: BasisBlob[] = [];
  private readonly repository: Repository;
  private readonly locations: BlobLocation[] = [];
  private readonly kept = new Map<number, Buffer>();
  private last = 0;

  /** @throws RepositoryDamagedError when a blob of it is not in the index */
  constructor(repository: Repository, store: StateStore, ids: Buffer) {
    this.repository = repository;
    let start = 0;
    for (let at = 0; at < ids.length; at += ID_BYTES) {
      const id = ids.subarray(at, at + ID_BYTES);
      const location = store.findBlob(id);
      if (location === undefined)
        throw new RepositoryDamagedError(
          `blob ${id.toString('hex')} is missing from the repository; run check to see what else is`,
        );
      this.blobs.push({ id, start, end: start + location.plainLength });
      this.locations.push(location);
      start += location.plainLength;
    }
  }

  /** Number of the blob that holds the byte at `offset`; matches mostly go forward. */
  at(offset: number): number {
    const { blobs } = this;
    let i = this.last;
    if (blobs[i] === undefined || blobs[i].start > offset) i = 0;
    if (blobs[i] !== undefined && blobs[i].end <= offset) {
      let low = i;
      let high = blobs.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (blobs[middle].end <= offset) low = middle + 1;
        else high = middle;
      }
      i = low;
    }
    if (blobs[i] === undefined || offset < blobs[i].start || offset >= blobs[i].end)
      throw new RangeError('a match lies outside of its basis');
    this.last = i;
    return i;
  }

  async load(index: number): Promise<Buffer> {
    const known = this.kept.get(index);
    if (known !== undefined) return known;
    const plain = await this.repository.loadBlob(this.locations[index]);
    if (plain.length !== this.blobs[index].end - this.blobs[index].start)
      throw new RepositoryDamagedError('a blob has another length than the index says');
    this.kept.set(index, plain);
    if (this.kept.size > KEPT_BLOBS) this.kept.delete(this.kept.keys().next().value!);
    return plain;
  }
}

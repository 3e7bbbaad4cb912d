import type { Item } from './lists.ts';

/**
 * Where the bytes of a file come from whose digest has not come. A client may refer to stored blocks that it does not know;
 * a block sum over some unknown bytes and many of its own would tell it the unknown ones, a few in every push. Such
 * content must not be summed: only the digest of the whole file shows that its client knows it.
 */
export class Provenance {
  /** block length of the sums that were offered */
  private readonly blockLength: number;
  private length = 0;
  private matched = false;
  /** every matched block stands where a block begins: the sums of the new content are the ones that were offered */
  private aligned = true;

  constructor(item: Item) {
    this.blockLength = item.offered?.head.blockLength ?? 0;
    if (item.offered?.prefix !== undefined) this.match(item.offered.basisSize);
  }

  literal(bytes: number): void {
    this.length += bytes;
  }

  match(bytes: number): void {
    this.matched = true;
    if (this.length % this.blockLength !== 0 || bytes % this.blockLength !== 0) this.aligned = false;
    this.length += bytes;
  }

  /** What was matched may be copied by literals from now on: it is in the decompressor's window. */
  windowed(): void {
    this.aligned = false;
  }

  /** The client has sent all of it. */
  get isLiteral(): boolean {
    return !this.matched;
  }

  /** Sums of this block length tell no more than the client's own bytes and the sums it was offered. */
  isTold(blockLength: number | undefined): boolean {
    return !this.matched || (this.aligned && blockLength === this.blockLength);
  }
}

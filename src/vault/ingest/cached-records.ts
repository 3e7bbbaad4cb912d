import type { BlockSumKind } from '../../kernels/checksum.ts';
import { contentKey } from '../content.ts';
import type { StateStore, SumsHead } from '../state/store.ts';

/** Going back means to read from the start: when a file jumps about that much, its blocks are summed anew instead. */
const MOST_RESTARTS = 16;

/** The cached block sums of a basis, for blocks that come again in a new version. */
export class CachedRecords {
  readonly blockLength: number;
  private readonly store: StateStore;
  private readonly head: SumsHead;
  private pieces: Generator<Buffer> | undefined;
  /** the current piece, and the number of its first record */
  private piece: Buffer = Buffer.alloc(0);
  private first = 0;
  private restarts = 0;

  private constructor(store: StateStore, head: SumsHead) {
    this.store = store;
    this.head = head;
    this.blockLength = head.blockLength;
  }

  /** undefined when there are none of this kind and block length, or only ones of this push that no checkpoint holds yet. */
  static find(store: StateStore, kind: BlockSumKind, blobs: Buffer, blockLength: number): CachedRecords | undefined {
    const name = `${kind.algorithm}:${kind.seed}:${kind.seedFirst ? 1 : 0}`;
    const head = store.findSums(contentKey(blobs), name);
    if (head === undefined || head.blockLength !== blockLength || !head.blobs.equals(blobs)) return undefined;
    return new CachedRecords(store, head);
  }

  /** Whether records first..first + count can be had. */
  has(first: number, count: number): boolean {
    return first + count <= this.head.count && (first >= this.first || this.restarts < MOST_RESTARTS);
  }

  /** Hands them to `take`, in pieces that stay as they are. */
  read(first: number, count: number, take: (records: Buffer) => void): void {
    if (first < this.first) this.restart();
    const { recordLength } = this.head;
    for (let at = first; at < first + count; ) {
      const inPiece = this.piece.length / recordLength;
      if (at >= this.first + inPiece) {
        this.next(inPiece);
        continue;
      }
      const to = Math.min(first + count, this.first + inPiece);
      take(this.piece.subarray((at - this.first) * recordLength, (to - this.first) * recordLength));
      at = to;
    }
  }

  private restart(): void {
    this.restarts++;
    this.pieces = undefined;
    this.piece = Buffer.alloc(0);
    this.first = 0;
  }

  private next(passed: number): void {
    this.pieces ??= this.store.readSums(this.head);
    const { done, value } = this.pieces.next();
    if (done) throw new RangeError('cached block sums end before their count');
    this.first += passed;
    this.piece = value;
  }
}

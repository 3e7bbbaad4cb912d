import type { SumsCache } from './sums.ts';

/** Sums up to this lie in their row: a small file costs one insert. */
const INLINE_BYTES = 8192;
/** Longer ones lie in pieces of whole records and about this. */
const PIECE_BYTES = 160 * 1024;

/** Block sums of one stored content. */
export interface SumsHead {
  row: number;
  key: string;
  /** `${algorithm}:${seed}:${seedFirst ? 1 : 0}` */
  kind: string;
  /** blob IDs of the content */
  blobs: Buffer;
  /** bytes of the file; of one cut short in a push, of what it was to become */
  size: number;
  blockLength: number;
  count: number;
  /** bytes of a record: rolling sum and strong sum */
  recordLength: number;
  /** of the delta that made the content: literal bytes, and separate stretches of them */
  literalBytes: number;
  literalRuns: number;
}

export interface SumsFacts {
  key: string;
  blobs: Buffer;
  size: number;
  mtime: number;
  mtimeNsec: number;
  blockLength: number;
  recordLength: number;
  literalBytes: number;
  literalRuns: number;
}

/** Takes the records of one content as they are made; `finish` or `abort` ends it. */
export interface SumsWriter {
  /** @param records whole records; not kept by reference longer than the writer lives */
  append(records: Buffer): void;
  finish(facts: SumsFacts): void;
  abort(): void;
}

export class PieceWriter implements SumsWriter {
  private readonly cache: SumsCache;
  private readonly kind: string;
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private total = 0;
  private row: number | undefined;
  private pieces = 0;

  constructor(cache: SumsCache, kind: string) {
    this.cache = cache;
    this.kind = kind;
  }

  append(records: Buffer): void {
    this.pending.push(records);
    this.pendingBytes += records.length;
    this.total += records.length;
    if (this.pendingBytes >= PIECE_BYTES) this.writePiece();
  }

  finish(facts: SumsFacts): void {
    if (this.total % facts.recordLength !== 0)
      throw new RangeError('block sums are not of the length they are said to be');
    let inline: Buffer | null = null;
    if (this.row === undefined && this.pendingBytes <= INLINE_BYTES)
      inline = this.pending.length === 1 ? this.pending[0] : Buffer.concat(this.pending);
    else if (this.pendingBytes > 0) this.writePiece();
    this.cache.insert(this.row ?? this.cache.takeRow(), this.kind, this.total / facts.recordLength, inline, facts);
    this.pending = [];
  }

  abort(): void {
    this.pending = [];
    if (this.row !== undefined) this.cache.dropPieces(this.row);
  }

  private writePiece(): void {
    this.row ??= this.cache.takeRow();
    this.cache.addPiece(
      this.row,
      this.pieces++,
      this.pending.length === 1 ? this.pending[0] : Buffer.concat(this.pending),
    );
    this.pending = [];
    this.pendingBytes = 0;
  }
}

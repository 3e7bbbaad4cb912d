import type { BlobLocation, BlobType, PackRecord } from './blob.ts';

/** id 32, pack number 4, offset 4, length 4, plain length 4, flags 1 */
const ROW_BYTES = 49;
const ROWS_PER_PIECE = 1 << 16;
const FLAG_TREE = 1;
const FLAG_COMPRESSED = 2;
const FLAG_DAMAGED = 4;
const FLAG_VISITED = 8;

/** A pack whose blobs are in the table, in rows one after another. */
export interface TablePack {
  /** SHA-256, 32 bytes */
  id: Buffer;
  firstRow: number;
  rows: number;
}

/**
 * All blobs that index files name, in some 60 bytes each: a vault has millions. A blob may stand in several packs; each
 * copy is a row. Lookups go through a hash table of row numbers (open addressing; the IDs are hashes already).
 */
export class BlobTable {
  readonly packs: TablePack[] = [];
  private readonly pieces: Buffer[] = [];
  private slots = new Uint32Array(1 << 12);
  private count = 0;

  get rows(): number {
    return this.count;
  }

  /** @throws RangeError when a number does not fit, which no pack of restic's can have */
  addPack(pack: PackRecord): void {
    for (const { offset, length, plainLength } of pack.blobs) {
      if (Math.max(offset, length, plainLength) > 0xffffffff)
        throw new RangeError('a blob lies beyond 4 GiB of its pack');
    }
    const number = this.packs.length;
    this.packs.push({ id: pack.id, firstRow: this.count, rows: pack.blobs.length });
    for (const blob of pack.blobs) {
      const at = this.newRow();
      const piece = this.pieces[this.pieces.length - 1];
      blob.id.copy(piece, at);
      piece.writeUInt32LE(number, at + 32);
      piece.writeUInt32LE(blob.offset, at + 36);
      piece.writeUInt32LE(blob.length, at + 40);
      piece.writeUInt32LE(blob.plainLength, at + 44);
      piece[at + 48] = (blob.type === 'tree' ? FLAG_TREE : 0) | (blob.compressed ? FLAG_COMPRESSED : 0);
      this.enter(this.count - 1);
    }
  }

  /** Row of the first undamaged copy, or else of a damaged one; -1 when there is none. */
  find(id: Buffer, type: BlobType): number {
    const { slots } = this;
    const mask = slots.length - 1;
    let damaged = -1;
    for (let slot = id.readUInt32LE(0) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const row = slots[slot] - 1;
      const [piece, at] = this.place(row);
      if (id.compare(piece, at, at + 32) !== 0) continue;
      const flags = piece[at + 48];
      if (((flags & FLAG_TREE) !== 0) !== (type === 'tree')) continue;
      if ((flags & FLAG_DAMAGED) === 0) return row;
      damaged = row;
    }
    return damaged;
  }

  /** The blob's place, for loadBlob; undefined when no index names it. */
  locate(id: Buffer, type: BlobType): BlobLocation | undefined {
    const row = this.find(id, type);
    return row < 0 ? undefined : this.location(row);
  }

  location(row: number): BlobLocation {
    const [piece, at] = this.place(row);
    const flags = piece[at + 48];
    return {
      id: Buffer.from(piece.subarray(at, at + 32)),
      type: flags & FLAG_TREE ? 'tree' : 'data',
      pack: this.packs[piece.readUInt32LE(at + 32)].id,
      offset: piece.readUInt32LE(at + 36),
      length: piece.readUInt32LE(at + 40),
      plainLength: piece.readUInt32LE(at + 44),
      compressed: (flags & FLAG_COMPRESSED) !== 0,
    };
  }

  plainLength(row: number): number {
    const [piece, at] = this.place(row);
    return piece.readUInt32LE(at + 44);
  }

  isDamaged(row: number): boolean {
    return this.hasFlag(row, FLAG_DAMAGED);
  }

  markDamaged(row: number): void {
    this.setFlag(row, FLAG_DAMAGED);
  }

  /** Marks the row; false when it was marked before. */
  visit(row: number): boolean {
    if (this.hasFlag(row, FLAG_VISITED)) return false;
    this.setFlag(row, FLAG_VISITED);
    return true;
  }

  private hasFlag(row: number, flag: number): boolean {
    const [piece, at] = this.place(row);
    return (piece[at + 48] & flag) !== 0;
  }

  private setFlag(row: number, flag: number): void {
    const [piece, at] = this.place(row);
    piece[at + 48] |= flag;
  }

  private place(row: number): [piece: Buffer, at: number] {
    return [this.pieces[Math.floor(row / ROWS_PER_PIECE)], (row % ROWS_PER_PIECE) * ROW_BYTES];
  }

  /** Position of a new row in the last piece. */
  private newRow(): number {
    const at = (this.count % ROWS_PER_PIECE) * ROW_BYTES;
    if (at === 0) this.pieces.push(Buffer.allocUnsafeSlow(ROWS_PER_PIECE * ROW_BYTES));
    this.count++;
    return at;
  }

  private enter(row: number): void {
    if (this.count * 4 > this.slots.length * 3) this.grow();
    else this.insert(row);
  }

  /** Twice the slots, and every row entered anew, the last one too. */
  private grow(): void {
    this.slots = new Uint32Array(this.slots.length * 2);
    for (let row = 0; row < this.count; row++) this.insert(row);
  }

  private insert(row: number): void {
    const [piece, at] = this.place(row);
    const mask = this.slots.length - 1;
    let slot = piece.readUInt32LE(at) & mask;
    while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
    this.slots[slot] = row + 1;
  }
}

/** Reads all index files of a repository into a table. */
export async function loadBlobTable(indexes: AsyncIterable<{ packs: PackRecord[] }>): Promise<BlobTable> {
  const table = new BlobTable();
  const seen = new Set<string>();
  for await (const { packs } of indexes) {
    for (const pack of packs) {
      const name = pack.id.toString('latin1');
      if (seen.has(name)) continue;
      seen.add(name);
      table.addPack(pack);
    }
  }
  return table;
}

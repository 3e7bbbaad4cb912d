import { createHash, type Hash } from 'node:crypto';
import type { BlobLocation, PackBlob } from '../blob.ts';
import type { BlobTable, TablePack } from '../blob-table.ts';
import { type CheckContext, sentence } from './report.ts';

/** Bytes read at once, unless a single blob is larger. */
const READ_BYTES = 4 << 20;

/** Reads every pack: the bytes against its name, every blob against its ID, the header against the index. */
export async function checkData(context: CheckContext, table: BlobTable): Promise<void> {
  for (let i = 0; i < table.packs.length; i++) {
    const pack = table.packs[i];
    const id = pack.id.toString('hex');
    try {
      await checkPack(context, table, pack, id);
    } catch (error) {
      // a disk that cannot read, say: none of the rest of this pack can be relied on
      context.problem('pack', id, `the pack data/${id} cannot be read: ${sentence(error)}`);
      for (let row = pack.firstRow; row < pack.firstRow + pack.rows; row++) table.markDamaged(row);
    }
    context.progress('data', i + 1, table.packs.length);
  }
}

async function checkPack(context: CheckContext, table: BlobTable, pack: TablePack, id: string): Promise<void> {
  const { backend } = context.repository;
  const size = await backend.size('data', id);
  if (size === undefined) throw new Error('it is gone');
  const hash = createHash('sha256');
  let at = 0;
  let row = pack.firstRow;
  const lastRow = pack.firstRow + pack.rows;
  while (row < lastRow) {
    const blobs: BlobLocation[] = [];
    let length = 0;
    do {
      blobs.push(table.location(row + blobs.length));
      length += blobs[blobs.length - 1].length;
    } while (row + blobs.length < lastRow && length + table.location(row + blobs.length).length <= READ_BYTES);
    const bytes = await backend.read('data', id, at, length);
    hash.update(bytes);
    checkBlobs(context, table, blobs, bytes, row);
    at += length;
    row += blobs.length;
  }
  await hashRest(context, hash, id, at, size);
  context.report.bytesRead += size;
  if (hash.digest('hex') !== id) context.problem('pack', id, `the bytes of the pack data/${id} were changed`);
  await checkHeader(context, table, pack, id, size);
}

function checkBlobs(
  context: CheckContext,
  table: BlobTable,
  blobs: BlobLocation[],
  bytes: Buffer,
  firstRow: number,
): void {
  const start = blobs[0].offset;
  blobs.forEach((blob, i) => {
    const from = blob.offset - start;
    try {
      const plain = context.repository.openBlob(blob, bytes.subarray(from, from + blob.length));
      if (plain.length !== blob.plainLength)
        throw new RangeError(
          `blob ${blob.id.toString('hex')} has ${plain.length} bytes, the index says ${blob.plainLength}`,
        );
    } catch (error) {
      table.markDamaged(firstRow + i);
      context.problem('blob', blob.id.toString('hex'), sentence(error));
    }
  });
}

async function hashRest(context: CheckContext, hash: Hash, id: string, from: number, size: number): Promise<void> {
  for (let at = from; at < size; at += READ_BYTES)
    hash.update(await context.repository.backend.read('data', id, at, Math.min(READ_BYTES, size - at)));
}

/** The header is what an index is made anew from, when it is lost. */
async function checkHeader(
  context: CheckContext,
  table: BlobTable,
  pack: TablePack,
  id: string,
  size: number,
): Promise<void> {
  try {
    const { blobs } = await context.repository.packRecord(id, size);
    const same =
      blobs.length === pack.rows && blobs.every((blob, i) => sameBlob(blob, table.location(pack.firstRow + i)));
    if (!same) context.problem('pack', id, `the header of the pack data/${id} lists other blobs than the index`);
  } catch (error) {
    context.problem('pack', id, sentence(error));
  }
}

function sameBlob(a: PackBlob, b: PackBlob): boolean {
  return (
    a.id.equals(b.id) &&
    a.type === b.type &&
    a.offset === b.offset &&
    a.length === b.length &&
    a.plainLength === b.plainLength &&
    a.compressed === b.compressed
  );
}

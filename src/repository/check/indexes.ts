import { SEAL_OVERHEAD } from '../../kernels/aead.ts';
import { largestBlob, type PackBlob, type PackRecord } from '../blob.ts';
import { BlobTable } from '../blob-table.ts';
import { packHeaderLength } from '../pack-header.ts';
import { type CheckContext, sentence } from './report.ts';

/** Reads all index files against the packs that are there; returns the blobs of packs that are whole in length. */
export async function checkIndexes(context: CheckContext): Promise<BlobTable> {
  const { backend } = context.repository;
  /** bytes of packs no index file was found to name yet */
  const unnamed = new Map<string, number>();
  for await (const { name, size } of backend.list('data')) unnamed.set(name, size);
  const table = new BlobTable();
  const named = new Set<string>();
  for await (const { name } of backend.list('index')) {
    const packs = await readIndex(context, name);
    for (const pack of packs) {
      const id = pack.id.toString('hex');
      if (named.has(id)) continue;
      named.add(id);
      // one that a push has added since the list was made is no loss
      const size = unnamed.get(id) ?? (await backend.size('data', id));
      addPack(context, table, pack, name, size);
      unnamed.delete(id);
    }
    context.report.indexes++;
    context.progress('indexes', context.report.indexes);
  }
  for (const [id, size] of unnamed)
    context.problem('unused-pack', id, `no index file names the pack data/${id} (${size} bytes); prune removes it`);
  context.report.packs = table.packs.length;
  context.report.unusedPacks = unnamed.size;
  context.report.blobs = table.rows;
  return table;
}

async function readIndex(context: CheckContext, name: string): Promise<PackRecord[]> {
  try {
    return (await context.repository.loadIndex(name)).packs;
  } catch (error) {
    context.problem('index', name, sentence(error));
    return [];
  }
}

function addPack(context: CheckContext, table: BlobTable, pack: PackRecord, index: string, size?: number): void {
  const id = pack.id.toString('hex');
  if (size === undefined) {
    context.problem('pack', id, `the pack data/${id}, which index/${index} names, is missing`);
    return;
  }
  const impossible = impossibleBlob(pack.blobs);
  if (impossible !== undefined) {
    context.problem('index', index, `the index file index/${index} says of the pack data/${id} that ${impossible}`);
    return;
  }
  const expected = packLength(pack.blobs);
  if (size !== expected)
    context.problem('pack', id, `the pack data/${id} has ${size} bytes, index/${index} says ${expected}`);
  // what lies within the length that is left may be whole
  table.addPack({ ...pack, blobs: pack.blobs.filter((blob) => blob.offset + blob.length <= size) });
}

function packLength(blobs: PackBlob[]): number {
  return blobs.reduce((sum, blob) => sum + blob.length, 0) + packHeaderLength(blobs);
}

/** What is wrong with one of the blobs, which lie one after another from the pack's start; undefined when nothing is. */
function impossibleBlob(blobs: PackBlob[]): string | undefined {
  blobs.sort((a, b) => a.offset - b.offset);
  let end = 0;
  for (const blob of blobs) {
    if (blob.offset !== end) return 'its blobs overlap or leave a gap';
    end = blob.offset + blob.length;
    if (end > 0xffffffff) return 'it is larger than a pack can be';
    const largest = largestBlob(blob.type);
    if (blob.plainLength > largest || blob.length > largest + SEAL_OVERHEAD)
      return 'one of its blobs is larger than any';
  }
  return undefined;
}

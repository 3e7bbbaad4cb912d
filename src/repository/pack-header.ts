/** The sealed list of blobs at a pack's end (docs/repository.md, "Packs"). */
import { SEAL_OVERHEAD, type Sealer } from '../kernels/aead.ts';
import type { Backend } from './backend/backend.ts';
import type { PackBlob } from './blob.ts';
import { RepositoryDamagedError } from './errors.ts';

const PLAIN_ENTRY_BYTES = 37;
const COMPRESSED_ENTRY_BYTES = 41;
/** restic's readers refuse more. */
const LARGEST_HEADER = 16 << 20;

/** Bytes at the pack's end that are not blobs: the sealed header and its length. */
export function packHeaderLength(blobs: PackBlob[]): number {
  const entries = blobs.reduce((sum, b) => sum + (b.compressed ? COMPRESSED_ENTRY_BYTES : PLAIN_ENTRY_BYTES), 0);
  return entries + SEAL_OVERHEAD + 4;
}

/** One entry for each blob, in the pack's order; to be sealed. */
export function encodePackHeader(blobs: PackBlob[]): Buffer {
  const header = Buffer.allocUnsafe(blobs.length * COMPRESSED_ENTRY_BYTES);
  let at = 0;
  for (const blob of blobs) {
    header[at] = (blob.type === 'tree' ? 1 : 0) | (blob.compressed ? 2 : 0);
    header.writeUInt32LE(blob.length, at + 1);
    at += 5;
    if (blob.compressed) {
      header.writeUInt32LE(blob.plainLength, at);
      at += 4;
    }
    at += blob.id.copy(header, at);
  }
  return header.subarray(0, at);
}

/**
 * Reads the list of blobs at a pack's end: of packs that no index names.
 *
 * @param size bytes of the pack file
 * @throws RepositoryDamagedError when the header is none, or does not fit the file
 */
export async function readPackHeader(
  backend: Backend,
  sealer: Sealer,
  name: string,
  size: number,
): Promise<PackBlob[]> {
  const damaged = (what: string) => new RepositoryDamagedError(`the pack data/${name} is damaged: ${what}`);
  if (size < 4) throw damaged('it is too short');
  const length = (await backend.read('data', name, size - 4, 4)).readUInt32LE(0);
  if (length > size - 4 || length > LARGEST_HEADER || length < SEAL_OVERHEAD)
    throw damaged('its header has an impossible length');
  const header = sealer.open(await backend.read('data', name, size - 4 - length, length));
  if (header === undefined) throw damaged('its header was changed');
  const blobs: PackBlob[] = [];
  let offset = 0;
  for (let at = 0; at < header.length; ) {
    const kind = header[at];
    const compressed = (kind & 2) !== 0;
    const entry = compressed ? COMPRESSED_ENTRY_BYTES : PLAIN_ENTRY_BYTES;
    if (kind > 3 || at + entry > header.length) throw damaged('its header has an unknown entry');
    const stored = header.readUInt32LE(at + 1);
    if (stored < SEAL_OVERHEAD) throw damaged('its header has a blob of an impossible length');
    const plainLength = compressed ? header.readUInt32LE(at + 5) : stored - SEAL_OVERHEAD;
    blobs.push({
      id: Buffer.from(header.subarray(at + entry - 32, at + entry)),
      type: kind & 1 ? 'tree' : 'data',
      offset,
      length: stored,
      plainLength,
      compressed,
    });
    offset += stored;
    at += entry;
  }
  if (offset !== size - 4 - length) throw damaged('its header lists more or fewer bytes than it has');
  return blobs;
}

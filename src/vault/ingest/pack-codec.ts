/** A pack's record between threads: structured clone of thousands of small objects takes longer than sealing them. */
import type { PackBlob, PackRecord } from '../../repository/blob.ts';
import { ID_BYTES } from '../content.ts';

/** ID, flags, offset, length and plain length of a blob. */
const BLOB_BYTES = ID_BYTES + 1 + 4 + 4 + 4;
const TREE = 1;
const COMPRESSED = 2;

export interface PackedRecord {
  id: Uint8Array;
  size: number;
  blobs: ArrayBuffer;
}

export function encodePack({ id, size, blobs }: PackRecord): PackedRecord {
  const bytes = new ArrayBuffer(blobs.length * BLOB_BYTES);
  const list = Buffer.from(bytes);
  let at = 0;
  for (const blob of blobs) {
    at += blob.id.copy(list, at);
    list[at] = (blob.type === 'tree' ? TREE : 0) | (blob.compressed ? COMPRESSED : 0);
    list.writeUInt32LE(blob.offset, at + 1);
    list.writeUInt32LE(blob.length, at + 5);
    list.writeUInt32LE(blob.plainLength, at + 9);
    at += BLOB_BYTES - ID_BYTES;
  }
  return { id: Uint8Array.from(id), size, blobs: bytes };
}

export function decodePack({ id, size, blobs }: PackedRecord): PackRecord {
  const list = Buffer.from(blobs);
  const decoded: PackBlob[] = [];
  for (let at = 0; at < list.length; at += BLOB_BYTES) {
    const numbers = at + ID_BYTES;
    decoded.push({
      id: list.subarray(at, numbers),
      type: list[numbers] & TREE ? 'tree' : 'data',
      offset: list.readUInt32LE(numbers + 1),
      length: list.readUInt32LE(numbers + 5),
      plainLength: list.readUInt32LE(numbers + 9),
      compressed: (list[numbers] & COMPRESSED) !== 0,
    });
  }
  return { id: Buffer.from(id), size, blobs: decoded };
}

/** Index files: which blobs lie in which packs (docs/repository.md, "Index"). */
import { SEAL_OVERHEAD } from '../kernels/aead.ts';
import type { BlobType, PackRecord } from './blob.ts';
import { RepositoryDamagedError } from './errors.ts';

/** Blobs one index file names at most, unless a single pack has more. */
export const BLOBS_PER_INDEX = 50_000;

interface IndexJson {
  supersedes?: string[] | null;
  packs:
    | {
        id: string;
        blobs: { id: string; type: BlobType; offset: number; length: number; uncompressed_length?: number }[] | null;
      }[]
    | null;
}

export function encodeIndex(packs: PackRecord[]): string {
  const parts = packs.map((pack) => {
    const blobs = pack.blobs.map((b) => {
      const plain = b.compressed ? `,"uncompressed_length":${b.plainLength}` : '';
      return `{"id":"${b.id.toString('hex')}","type":"${b.type}","offset":${b.offset},"length":${b.length}${plain}}`;
    });
    return `{"id":"${pack.id.toString('hex')}","blobs":[${blobs.join(',')}]}`;
  });
  return `{"packs":[${parts.join(',')}]}`;
}

/** @param name of the index file, for the error */
export function decodeIndex(json: string, name: string): { packs: PackRecord[]; supersedes: string[] } {
  try {
    const index = JSON.parse(json) as IndexJson;
    const packs = (index.packs ?? []).map((pack) => ({
      id: hexId(pack.id),
      size: 0,
      blobs: (pack.blobs ?? []).map((b) => ({
        id: hexId(b.id),
        type: blobType(b.type),
        offset: natural(b.offset),
        length: natural(b.length),
        plainLength: natural(b.uncompressed_length || natural(b.length) - SEAL_OVERHEAD),
        compressed: (b.uncompressed_length ?? 0) > 0,
      })),
    }));
    return { packs, supersedes: (index.supersedes ?? []).map((id) => hexId(id).toString('hex')) };
  } catch (error) {
    throw new RepositoryDamagedError(`the index file index/${name} is not one; run check`, error);
  }
}

function hexId(text: unknown): Buffer {
  if (typeof text !== 'string' || !/^[0-9a-f]{64}$/.test(text))
    throw new TypeError('an ID is not 64 hexadecimal digits');
  return Buffer.from(text, 'hex');
}

function natural(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new TypeError('a number is out of range');
  return value as number;
}

function blobType(type: unknown): BlobType {
  if (type !== 'data' && type !== 'tree') throw new TypeError('a blob has an unknown type');
  return type;
}

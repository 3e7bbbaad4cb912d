import { hash } from 'node:crypto';

/** Bytes of a blob ID. */
export const ID_BYTES = 32;
/** Bytes of a content key. */
export const KEY_BYTES = 16;

/** What a file's content is known by in the state: 16 latin1 chars, from the IDs of its blobs. '' for an empty file. */
export function contentKey(blobs: Buffer): string {
  if (blobs.length === 0) return '';
  if (blobs.length === ID_BYTES) return blobs.toString('latin1', 0, KEY_BYTES);
  return hash('sha256', blobs, 'buffer').toString('latin1', 0, KEY_BYTES);
}

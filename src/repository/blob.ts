export type BlobType = 'data' | 'tree';

/** Where a blob lies in its pack. */
export interface PackBlob {
  /** SHA-256 of the plaintext, 32 bytes */
  id: Buffer;
  type: BlobType;
  /** bytes from the pack's start */
  offset: number;
  /** bytes as stored: sealed, and compressed if `compressed` */
  length: number;
  /** bytes of the plaintext */
  plainLength: number;
  compressed: boolean;
}

export interface BlobLocation extends PackBlob {
  /** SHA-256 of the pack file, 32 bytes */
  pack: Buffer;
}

export interface PackRecord {
  id: Buffer;
  /** bytes of the pack file */
  size: number;
  blobs: PackBlob[];
}

/** A blob ready to be put into a pack. */
export interface SealedBlob {
  id: Buffer;
  /** a view that the next seal may overwrite */
  sealed: Buffer;
  plainLength: number;
  compressed: boolean;
}

/** Largest data blob that is believed: sixteen times what restic writes. */
export const LARGEST_BLOB: number = 128 << 20;
/** Largest tree: a directory of some three million entries. */
export const LARGEST_TREE: number = 1 << 30;

/** Bytes of plaintext that a blob may claim. */
export function largestBlob(type: BlobType): number {
  return type === 'tree' ? LARGEST_TREE : LARGEST_BLOB;
}

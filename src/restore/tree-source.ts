import { NightdropError } from '../lib/errors.ts';
import type { BlobLocation } from '../repository/blob.ts';
import type { Repository } from '../repository/repository.ts';
import { decodeTree, type TreeNode } from '../repository/tree.ts';

/** Where trees and file contents are read from: a repository and its blob index (the vault's, or one read from index files). */
export interface TreeSource {
  repository: Pick<Repository, 'loadBlob'>;
  /** 32-byte blob ID to its place; undefined when no durable pack holds it */
  blobs: (id: Buffer) => BlobLocation | undefined;
}

/** Something the repository should hold is missing or damaged; `code` is ERR_BLOB_MISSING or that of the damage. */
export class ContentError extends NightdropError {}

/** A blob's plaintext, verified against its ID by the repository. */
export async function loadBlob(source: TreeSource, id: Buffer): Promise<Buffer> {
  return source.repository.loadBlob(locate(source, id));
}

/** A blob's place, checked to exist. */
export function locate(source: TreeSource, id: Buffer): BlobLocation {
  const at = source.blobs(id);
  if (!at) throw new ContentError('ERR_BLOB_MISSING', `blob ${id.toString('hex')} is in no pack that an index names`);
  return at;
}

/** The nodes of one directory, in the order stored. */
export async function loadTree(source: TreeSource, id: Buffer): Promise<TreeNode[]> {
  return decodeTree(await loadBlob(source, id));
}

import { contentKey } from '../vault/content.ts';
import type { Entry } from '../vault/entry.ts';
import { isDamage } from './basis.ts';
import type { PushSession } from './session.ts';

/**
 * Whole-file digest of stored content, as --checksum compares it: from the cache, else by reading the content once.
 * undefined: it cannot be read, and has to come again.
 */
export async function contentDigest(session: PushSession, entry: Entry): Promise<Buffer | undefined> {
  const { store, pool, agreement } = session;
  const key = contentKey(entry.blobs);
  const cached = store.findDigest(key, agreement.listDigest);
  if (cached !== undefined) return cached;
  try {
    const digest = await pool.computeDigest({ blobs: entry.blobs, algorithm: agreement.listDigest });
    store.putDigest(key, agreement.listDigest, digest);
    return digest;
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

/** Reads stored content through, whatever is remembered of it: false when it cannot be read. */
export async function isReadable({ pool, agreement }: PushSession, entry: Entry): Promise<boolean> {
  if (entry.blobs.length === 0) return true;
  try {
    await pool.computeDigest({ blobs: entry.blobs, algorithm: agreement.listDigest });
    return true;
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}

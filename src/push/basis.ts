import { NightdropError } from '../lib/errors.ts';
import type { FileEntry } from '../rsync/entry.ts';
import { ROLLING_BYTES, type SumHead } from '../rsync/sum-head.ts';
import { contentKey } from '../vault/content.ts';
import type { Entry } from '../vault/entry.ts';
import { BASIS_DAMAGED } from '../vault/ingest/basis-blobs.ts';
import type { SumsHead } from '../vault/state/store.ts';
import { chooseBlockLength } from './block-length.ts';
import type { Offer } from './lists.ts';
import type { PushSession } from './session.ts';

/** Strong sums on the wire: trusted to point at a block, not to prove it, while the whole-file digest is recomputed. */
const SHORT_STRONG_BYTES = 8;

/**
 * Whether sums may be told of this checksum: they must be a part of a digest and no more. Who is told a whole one can make
 * the digest of a file of its own around a block that it does not know (test/push/forged-digests.test.ts), and so pass for
 * one that knows it.
 */
export function isPartOfDigest(length: number): boolean {
  return SHORT_STRONG_BYTES <= length / 2;
}

const NO_SUMS: SumHead = { count: 0, blockLength: 0, strongLength: 0, remainder: 0 };

/** The request of a file that is wanted whole. */
export const NOTHING_OFFERED: Offer = { head: NO_SUMS, sums: undefined, basisSize: 0 };

/**
 * Stored content to offer block sums of: what is at the same name, else a file of equal size and mtime elsewhere in the
 * vault. Sums come from the cache; where it has none they are computed once from what is stored.
 */
export async function chooseBasis(
  session: PushSession,
  file: FileEntry,
  existing: Entry | undefined,
): Promise<Offer | undefined> {
  const { policy } = session.rules;
  const { store, agreement, options } = session;
  if (options.wholeFile || !agreement.offersSums || !mayReveal(session, (existing ?? file).size)) return undefined;
  let sums: SumsHead | undefined;
  if (existing !== undefined) {
    sums = store.findSums(contentKey(existing.blobs), agreement.sumsKind) ?? (await computeSums(session, existing));
  } else {
    sums = store.findMoved(file.size, file.mtime, file.mtimeNsec, agreement.sumsKind);
    // what came earlier in this push may not lie in a pack yet
    if (sums !== undefined && !store.holdsAll(sums.blobs)) return undefined;
  }
  if (sums === undefined || sums.count === 0 || sums.blockLength < policy.minimumBlock) return undefined;
  // a push that was cut leaves sums of the part that came, whole blocks only
  const summed = Math.min(sums.size, sums.count * sums.blockLength);
  const rest = summed % sums.blockLength;
  // the sum of a short last block would tell as much as that of a small file
  const offersRest = rest >= policy.minimumBlock;
  const cached = sums.recordLength - ROLLING_BYTES;
  const head: SumHead = {
    count: rest === 0 || offersRest ? sums.count : sums.count - 1,
    blockLength: sums.blockLength,
    strongLength: agreement.verify ? Math.min(SHORT_STRONG_BYTES, cached) : cached,
    remainder: offersRest ? rest : 0,
  };
  if (head.count === 0) return undefined;
  return { head, sums, basisSize: offersRest ? summed : summed - rest };
}

/** As `chooseBasis`, of content under another path: what came earlier in this push may not lie in a pack yet. */
export async function chooseOtherBasis(
  session: PushSession,
  file: FileEntry,
  other: Entry,
): Promise<Offer | undefined> {
  return session.store.holdsAll(other.blobs) ? chooseBasis(session, file, other) : undefined;
}

/**
 * As `chooseBasis`, of a file that a cut push has left a part of. What came on top of an earlier part is remembered with
 * its sums only (push/ending.ts), and may be more.
 */
export async function choosePartBasis(session: PushSession, file: FileEntry, part: Entry): Promise<Offer | undefined> {
  const stored = await chooseBasis(session, file, part);
  const remembered = await chooseBasis(session, file, undefined);
  return (remembered?.basisSize ?? 0) > (stored?.basisSize ?? 0) ? remembered : stored;
}

/**
 * Whether stored content cannot be read. The workers have told of it then, and store anew what comes of it: so no push need
 * end by it, the file is only sent whole.
 */
export function isDamage(error: unknown): boolean {
  return error instanceof NightdropError && error.code === BASIS_DAMAGED;
}

/** Whether the client may learn checksums of a file of this many bytes: the policy's floor, and `reveal = "nothing"`. */
export function mayReveal(session: PushSession, size: number): boolean {
  const { reveal, revealFloor } = session.rules.policy;
  return reveal !== 'nothing' && size >= Math.max(1, revealFloor);
}

/** After a rebuild, or for another checksum than usual: reads the stored content once. undefined: it cannot be read. */
async function computeSums(session: PushSession, existing: Entry): Promise<SumsHead | undefined> {
  const { store, pool, agreement, rules } = session;
  const writer = store.newSums(agreement.sumsKind);
  const blockLength = chooseBlockLength(existing.size, undefined, rules.policy.minimumBlock);
  try {
    await pool.computeSums({
      blobs: existing.blobs,
      size: existing.size,
      blockLength,
      onSums: (records) => writer.append(records),
    });
  } catch (error) {
    writer.abort();
    if (isDamage(error)) return undefined;
    throw error;
  }
  const key = contentKey(existing.blobs);
  const { size, mtime, mtimeNsec, blobs } = existing;
  writer.finish({
    key,
    blobs,
    size,
    mtime,
    mtimeNsec,
    blockLength,
    recordLength: agreement.recordLength,
    literalBytes: 0,
    literalRuns: 0,
  });
  return store.findSums(key, agreement.sumsKind);
}

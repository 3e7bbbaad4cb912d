import type { FileEntry } from '../rsync/entry.ts';
import type { SumHead } from '../rsync/sum-head.ts';
import type { Entry } from '../vault/entry.ts';
import { mayReveal } from './basis.ts';
import type { Offer } from './lists.ts';
import type { PushSession } from './session.ts';

/** The protocol's largest block: the head says a length, and no sums follow it. */
const BLOCK_LENGTH = 128 * 1024;
const STRONG_BYTES = 2;

/** --append leaves alone what is as long as the client's file already, or longer. */
export function isLongEnough(session: PushSession, file: FileEntry, existing: Entry | undefined): boolean {
  return session.options.append !== 'no' && existing !== undefined && existing.size >= file.size;
}

/**
 * What --append says that the server has of a file; undefined: nothing, it is wanted whole.
 *
 * The client's digest has to cover what is there already. A file of bytes that the client need not know and bytes that
 * it chose would have block sums that tell the unknown ones few at a time. So --append alone, which has no such digest,
 * brings the file whole; and so do files whose sums are not told, since a wrong digest denies a guess of them.
 */
export function appendOffer(session: PushSession, existing: Entry): Offer | undefined {
  const { options, store, agreement } = session;
  const covered = options.append === 'verifying' || (options.append === 'trusting' && agreement.protocol < 30);
  if (!covered || existing.size === 0 || !mayReveal(session, existing.size)) return undefined;
  if (!store.holdsAll(existing.blobs)) return undefined;
  const head: SumHead = {
    count: Math.ceil(existing.size / BLOCK_LENGTH),
    blockLength: BLOCK_LENGTH,
    strongLength: STRONG_BYTES,
    remainder: existing.size % BLOCK_LENGTH,
  };
  return { head, sums: undefined, basisSize: existing.size, prefix: existing.blobs };
}

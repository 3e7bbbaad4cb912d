import { RefusedError, RsyncExit } from '../lib/errors.ts';
import { NDX_DONE } from '../rsync/ndx.ts';
import { DeletePass } from './delete.ts';
import { Generator } from './generator.ts';
import { type Opening, openPush } from './opening.ts';
import type { Receiver } from './receiver.ts';
import type { PushReport, PushRequest } from './request.ts';
import type { PushSession } from './session.ts';
import { resolveTarget } from './target.ts';

/** Phases that are answered before the goodbye: first pass, redo, delayed updates, and late deletions from protocol 31 on. */
const LAST_TRANSFER_PHASE = 3;
const DELETE_PHASE = 4;

/**
 * One push, from the arguments to the snapshot, in the order of the protocol (docs/protocol.md; architecture.md has the
 * picture). The caller gets a report whatever happens; only a defect of ours throws.
 */
export async function servePush(request: PushRequest): Promise<PushReport> {
  const opening = await openPush(request);
  if ('report' in opening) return opening.report;
  try {
    await transfer(opening);
    return await opening.commit();
  } catch (error) {
    return await opening.cutShort(error);
  } finally {
    await opening.close();
  }
}

/** Everything between the first file list and the goodbye. */
async function transfer({ session, receiver }: Opening): Promise<void> {
  const deletes = new DeletePass(session);
  const generator = new Generator(session, deletes);
  await receiver.firstList();
  resolveTarget(session);
  const lateDeletes = session.options.deleteMode === 'delay' || session.options.deleteMode === 'after';
  const phases = session.agreement.protocol >= 31 ? DELETE_PHASE : LAST_TRANSFER_PHASE;

  await sideBySide(session, receiver.run(phases), async () => {
    if (session.options.deleteMode === 'before') deletes.beforeTransfer();
    await generator.run();
    if (!session.agreement.incremental) sendDone(session);
    await answered(session, 1);
    await generator.finishTransfers();
    sendDone(session);
    sendDone(session);
    if (!lateDeletes) endDeletions(session, deletes);
    await answered(session, LAST_TRANSFER_PHASE);
    if (lateDeletes) {
      deletes.afterTransfer();
      endDeletions(session, deletes);
    }
    await answered(session, phases);
  });
}

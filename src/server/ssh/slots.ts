import path from 'node:path';
import { RefusedError, RsyncExit } from '../../lib/errors.ts';
import { LeaseBusyError } from '../../vault/errors.ts';
import type { VaultLayout } from '../../vault/layout.ts';
import { Lease } from '../../vault/lease.ts';

/** One that pushes, and some that wait for it. */
const MOST_SESSIONS = 4;

/** A place among the sessions of one client that are at work at once. It ends with this process. */
export interface Slot {
  lease: Lease;
  /** 1 for the first */
  number: number;
}

/**
 * sshd starts a session for whoever has the key, as often as it is asked: so they are few.
 *
 * @throws RefusedError when all are taken
 */
export async function takeSlot(layout: VaultLayout): Promise<Slot> {
  for (let number = 1; number <= MOST_SESSIONS; number++) {
    try {
      return { lease: await Lease.take(path.join(layout.folder, `ssh-${number}.lock`), 'an ssh session', 0), number };
    } catch (error) {
      if (!(error instanceof LeaseBusyError)) throw error;
    }
  }
  throw tooMany(MOST_SESSIONS);
}

/** @param limit of the settings; 0: none but ours @throws RefusedError when the slot is beyond it */
export function checkSlot({ number }: Slot, limit: number): void {
  if (limit > 0 && number > limit) throw tooMany(limit);
}

function tooMany(limit: number): RefusedError {
  return new RefusedError(`max connections (${limit}) reached -- try again later`, {
    rsyncExit: RsyncExit.startClient,
  });
}

import type { Connection, VaultHold } from './opening.ts';
import type { PushReport } from './request.ts';

export function newReport(): PushReport {
  return {
    snapshot: undefined,
    complete: false,
    exitCode: 0,
    error: undefined,
    defect: undefined,
    notes: [],
    entries: 0,
    transferred: 0,
    created: 0,
    deleted: 0,
    literalBytes: 0,
    matchedBytes: 0,
    totalBytes: 0,
    wireIn: 0,
    wireOut: 0,
    storedBytes: 0,
    durationSeconds: performance.now() / 1000,
  };
}

/** Fills in the numbers. */
export function sumUp(report: PushReport, connection: Connection, hold: VaultHold | undefined): void {
  const { session, input, output } = connection;
  report.durationSeconds = performance.now() / 1000 - report.durationSeconds;
  report.wireIn = input.bytesRead;
  report.wireOut = output.bytesWritten;
  report.storedBytes = hold?.stored.bytes ?? 0;
  if (hold !== undefined) report.notes = [...hold.notes, ...damageNote(hold.damaged)];
  if (session === undefined) return;
  const { entries, transferred, created, literalBytes, matchedBytes, totalBytes, deleted } = session.counts;
  Object.assign(report, { entries, transferred, created, literalBytes, matchedBytes, totalBytes });
  report.deleted = deleted.files + deleted.directories + deleted.symlinks + deleted.devices + deleted.specials;
}

function damageNote(damaged: Set<string>): string[] {
  if (damaged.size === 0) return [];
  const [first] = damaged;
  const which = `${damaged.size} stored blobs, ${Buffer.from(first, 'latin1').toString('hex')} the first of them,`;
  return [`${which} cannot be read (run check --read-data); what comes again is stored anew`];
}

import { printable } from '../lib/names.ts';
import type { PushReport } from '../push/request.ts';
import type { Logger } from './log.ts';

/** The one line of a push. Bytes, unless the name says otherwise. */
export function logPush(log: Logger, vault: string, address: string, report: PushReport): void {
  const { snapshot, complete, exitCode, error } = report;
  const wire = report.wireIn + report.wireOut;
  const line = {
    vault,
    address,
    snapshot: snapshot?.slice(0, 8),
    complete,
    exit_code: exitCode,
    error: error === undefined ? undefined : printableText(error),
    entries: report.entries,
    transferred: report.transferred,
    created: report.created,
    deleted: report.deleted,
    literal_bytes: report.literalBytes,
    matched_bytes: report.matchedBytes,
    total_bytes: report.totalBytes,
    wire_in: report.wireIn,
    wire_out: report.wireOut,
    stored_bytes: report.storedBytes,
    speedup: wire > 0 ? Math.round((report.totalBytes / wire) * 100) / 100 : undefined,
    seconds: Math.round(report.durationSeconds * 1000) / 1000,
  };
  if (report.notes.length > 0) log.warn({ vault, notes: report.notes.map(printableText) }, 'vault recovered');
  if (report.defect !== undefined)
    log.error({ vault, address, stack: report.defect }, 'a push ended by a defect or a fault');
  if (exitCode === 0) log.info(line, 'push');
  else log.warn(line, 'push');
}

/** Names in error texts are escaped where they are put there; what else there is must not break a line. */
function printableText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => printable(Buffer.from(c, 'utf8').toString('latin1')));
}

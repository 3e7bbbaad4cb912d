import { ItemFlag } from '../rsync/iflags.ts';
import { ROLLING_BYTES, writeSumHead } from '../rsync/sum-head.ts';
import { encodeXattrRequest } from '../rsync/xattr.ts';
import type { SumsHead } from '../vault/state/store.ts';
import { isTold } from './itemize.ts';
import type { Item } from './lists.ts';
import { tellKept, tellName } from './names-told.ts';
import type { PushSession } from './session.ts';
import { wantedXattrs } from './xattrs.ts';

/** Tells the client of an item that needs no transfer, when there is something to tell. */
export function tell(session: PushSession, item: Item, iflags: number, linkName?: string): void {
  if (session.agreement.protocol < 29) {
    tellName(session, item, iflags, linkName);
    return;
  }
  if (isTold(session, iflags, linkName)) writeItem(session, item, iflags, linkName);
  tellKept(session, item, iflags, linkName);
}

/** Asks for an item's content: the request's head, then the block sums of what it may be built from. */
export async function requestTransfer(
  session: PushSession,
  item: Item,
  iflags: number,
  sums: SumsHead | undefined,
): Promise<void> {
  const { output } = session;
  writeItem(session, item, iflags);
  if (session.options.dryRun) return;
  const { head } = item.offered!;
  writeSumHead(output.data, head);
  output.touch();
  if (sums === undefined) return;
  let left = head.count * sums.recordLength;
  for (const records of session.store.readSums(sums)) {
    const offered = records.subarray(0, left);
    left -= offered.length;
    writeRecords(session, offered, sums.recordLength, ROLLING_BYTES + head.strongLength);
    output.touch();
    const wait = output.drained();
    if (wait !== undefined) await wait;
    session.lists.throwIfFailed();
  }
}

function writeItem(session: PushSession, item: Item, iflags: number, linkName?: string): void {
  const { output, ndxOut, agreement, options } = session;
  item.iflags = iflags & 0xffff;
  item.list.requested.set(item.ndx, item);
  ndxOut.write(output.data, item.ndx);
  output.touch();
  if (agreement.protocol < 29) return;
  output.data.u16(item.iflags);
  if (item.iflags & ItemFlag.basisTypeFollows) output.data.u8(item.basisType);
  if (item.iflags & ItemFlag.nameFollows) output.data.vstring(Buffer.from(linkName ?? '', 'latin1'));
  const localLink = ItemFlag.nameFollows | ItemFlag.localChange;
  if (
    options.xattrs &&
    !options.dryRun &&
    item.iflags & ItemFlag.reportXattr &&
    !(agreement.xattrOptimized && (item.iflags & localLink) === localLink)
  ) {
    item.wantedXattrs = wantedXattrs(session, item);
    output.data.put(encodeXattrRequest(item.wantedXattrs));
  }
  output.touch();
}

/** Cached records hold long strong sums; the wire gets the first `length` bytes of each. */
function writeRecords(session: PushSession, records: Buffer, recordLength: number, length: number): void {
  const { data } = session.output;
  if (length === recordLength) {
    data.put(records);
    return;
  }
  const count = records.length / recordLength;
  const shortened = Buffer.allocUnsafe(count * length);
  for (let i = 0; i < count; i++) records.copy(shortened, i * length, i * recordLength, i * recordLength + length);
  data.put(shortened);
}

import { type NightdropError, ProtocolError, RsyncExit } from '../lib/errors.ts';
import { brief } from '../lib/names.ts';
import { ItemFlag } from '../rsync/iflags.ts';
import { MessageTag } from '../rsync/mux.ts';
import { ConnectionCutError } from './input.ts';
import type { Item } from './lists.ts';
import type { PushSession } from './session.ts';

/** Takes in what a client says beside its data. */
export function takeMessage(session: PushSession, tag: number, payload: Buffer): void {
  switch (tag) {
    case MessageTag.ioError:
      if (payload.length === 4) session.ioError |= payload.readInt32LE(0);
      return;
    case MessageTag.noSend:
      if (payload.length === 4) notSent(session, askedFor(session, payload.readInt32LE(0)));
      return;
    case MessageTag.errorExit:
      session.input.fail(clientGaveUp(payload));
      return;
    default:
      // words for people: they belong to the client's own log
      return;
  }
}

/** An item whose content is awaited. */
function askedFor(session: PushSession, ndx: number): Item {
  const item = session.lists.requested(ndx);
  if (item.offered !== undefined && item.iflags & ItemFlag.transfer) return item;
  throw new ProtocolError(
    `the client says that it could not send ${brief(item.file.path)}, which it was not asked for`,
  );
}

/** The client could not open a file it was asked for; it says so itself to its user. */
export function notSent(session: PushSession, item: Item): void {
  item.list.requested.delete(item.ndx);
  session.lists.settle(item, undefined);
}

function clientGaveUp(payload: Buffer): NightdropError {
  const code = payload.length === 4 ? payload.readInt32LE(0) : RsyncExit.signal;
  return new ConnectionCutError(`the client gave up with exit code ${code}`, code);
}

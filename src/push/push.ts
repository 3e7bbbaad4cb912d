import type { Duplex } from 'node:stream';
import { NightdropError, RsyncExit } from '../lib/errors.ts';
import { IO_ERROR_GENERAL, IO_ERROR_VANISHED } from '../rsync/flist-flags.ts';
import { NDX_DONE } from '../rsync/ndx.ts';
import { openAltDests } from './alt-dest.ts';
import { clientSentence } from './client-sentence.ts';
import { DeletePass } from './delete.ts';
import { commitPush, keepCutPush } from './ending.ts';
import { Generator } from './generator.ts';
import { fatalMessage, tellDelta } from './messages.ts';
import {
  beginSession,
  type Connection,
  connect,
  holdVault,
  readFilter,
  startStreams,
  type VaultHold,
} from './opening.ts';
import type { Receiver } from './receiver.ts';
import { newReport, sumUp } from './report.ts';
import type { PushReport, PushRequest } from './request.ts';
import type { PushSession } from './session.ts';
import { type SetUp, setUp } from './set-up.ts';
import { SimilarFiles } from './similar-files.ts';
import { cleanTarget, resolveTarget } from './target.ts';

/** Phases that the client answers: first pass, redo, from protocol 29 on delayed updates, from 31 on late deletions. */
const FIRST_PASS = 1;
const REDO = 2;
const DELAYED_UPDATES = 3;
const LATE_DELETIONS = 4;

/**
 * One push, from the arguments to the snapshot, in the order of the protocol (docs/protocol.md; docs/architecture.md has
 * the picture). Whatever happens, a report comes back: the connection is over then, and the vault free.
 */
export async function servePush(request: PushRequest): Promise<PushReport> {
  const report = newReport();
  const connection = connect(request);
  let hold: VaultHold | undefined;
  try {
    const agreed = await setUp(connection.input, connection.output, request);
    hold = await orTellLater(agreed, () => holdVault(request, agreed));
    if (hold === undefined) refuse(connection, agreed, report);
    else await push(connection, agreed, hold, report);
  } catch (error) {
    note(report, error);
    // what the push itself ends with is told in frames
    request.sayEarly?.(clientSentence(error));
  } finally {
    await close(connection, hold, report.complete);
    sumUp(report, connection, hold);
  }
  return report;
}

async function push(connection: Connection, agreed: SetUp, hold: VaultHold, report: PushReport): Promise<void> {
  const { session, receiver } = beginSession(connection, agreed, hold);
  try {
    const { vault, args } = connection.request;
    const target = cleanTarget(agreed.options.path, vault, args !== undefined);
    session.filter = await readFilter(session);
    await receiver.firstList();
    if (!session.options.listOnly) resolveTarget(session, target, receiver.firstEntries, receiver.firstIsDirectory);
    session.altDests = openAltDests(session);
    if (session.options.fuzzy > 0) session.similarFiles = new SimilarFiles(session);
    await transfer(session, receiver);
    if (!session.dryRun) report.snapshot = await commitPush(connection.request, session, hold, true);
    if (!session.dryRun) await session.removable.tell(session.output);
    report.complete = true;
    report.exitCode = exitCode(session, connection.request.args !== undefined);
    sendDone(session);
    session.output.flush();
  } catch (error) {
    note(report, error);
    // one that gave up itself has told its user why
    if (!session.input.isGone)
      fatalMessage(session.output, clientSentence(error), report.exitCode, session.agreement.protocol);
    if (!session.dryRun) report.snapshot = await keepCutPush(connection.request, session, receiver, hold);
  }
}

/** @param overShell the client takes over the exit code; a daemon's it never hears of */
function exitCode({ counts, ioError }: PushSession, overShell: boolean): number {
  if (counts.failed > 0 || ioError & IO_ERROR_GENERAL) return RsyncExit.partial;
  if (ioError & IO_ERROR_VANISHED) return RsyncExit.vanished;
  if (counts.notSent > 0) return RsyncExit.partial;
  return overShell && counts.deletionsStopped ? RsyncExit.deleteLimit : RsyncExit.ok;
}

/** Everything between the first list and the goodbye: two flows, and the generator's knows the order of the phases. */
async function transfer(session: PushSession, receiver: Receiver): Promise<void> {
  const { agreement, options, lists } = session;
  const deletes = new DeletePass(session);
  const generator = new Generator(session, deletes);
  const late = options.deleteMode === 'delay' || options.deleteMode === 'after';
  const updated = agreement.protocol >= 29 ? DELAYED_UPDATES : REDO;
  const phases = agreement.protocol >= 31 ? LATE_DELETIONS : updated;

  const generate = async () => {
    if (options.deleteMode === 'before') await deletes.wholeLists();
    if (options.verbose > 1) tellDelta(session);
    await generator.run();
    if (agreement.incremental)
      lists.phasesTold++; // with its last list's DONE
    else sendDone(session);
    await generator.answered(FIRST_PASS);
    await generator.finishTransfers();
    sendDone(session);
    if (session.delayed !== undefined) {
      await generator.answered(REDO);
      await generator.closeTransfers();
      await generator.placeDelayed();
    }
    if (agreement.protocol >= 29) sendDone(session);
    if (!late) endDeletions(session, deletes);
    await generator.answered(updated);
    await generator.closeTransfers();
    if (late) {
      if (options.deleteMode === 'after') await deletes.wholeLists();
      else await deletes.deleteDelayed();
      endDeletions(session, deletes);
    }
    await generator.answered(phases);
  };
  const stop = (error: unknown) => {
    lists.fail(error);
    session.input.fail(error as Error);
    throw error;
  };
  await Promise.all([receiver.run(phases).catch(stop), generate().catch(stop)]);
}

/** From protocol 31 on the end of the deletions is a phase of its own, with their numbers before it. */
function endDeletions(session: PushSession, deletes: DeletePass): void {
  deletes.reportSkipped();
  if (session.agreement.protocol < 31) return;
  if (deletes.enabled || session.options.force) deletes.writeStatistics();
  sendDone(session);
}

function sendDone(session: PushSession): void {
  session.lists.phasesTold++;
  session.ndxOut.write(session.output.data, NDX_DONE);
  session.output.flush();
}

/** A push that cannot be is gone through until its client can be told why. */
async function orTellLater(agreed: SetUp, open: () => Promise<VaultHold>): Promise<VaultHold | undefined> {
  if (agreed.refusal !== undefined) return undefined;
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof NightdropError)) throw error;
    agreed.refusal = error;
    return undefined;
  }
}

function refuse(connection: Connection, agreed: SetUp, report: PushReport): void {
  note(report, agreed.refusal);
  // any seed does: nothing is summed
  startStreams(connection, 1, agreed.options.timeout);
  fatalMessage(connection.output, clientSentence(agreed.refusal), report.exitCode, connection.request.protocol);
}

function note(report: PushReport, error: unknown): void {
  report.complete = false;
  report.exitCode = error instanceof NightdropError ? (error.rsyncExit ?? RsyncExit.streamIo) : RsyncExit.streamIo;
  report.error = (error as Error).message;
  if (!(error instanceof NightdropError)) report.defect = (error as Error).stack;
}

async function close(connection: Connection, hold: VaultHold | undefined, complete: boolean): Promise<void> {
  const { input, output, request } = connection;
  output.close();
  output.flush();
  await hold?.pool.close();
  hold?.store.close();
  hold?.lease.release();
  // before protocol 31 the end of the connection is the news
  if (!complete && request.protocol >= 31) await input.dropUntilGone(LAST_WORDS_MILLISECONDS);
  input.close();
  await endSocket(request.socket);
}

async function endSocket(socket: Duplex): Promise<void> {
  if (socket.destroyed) return;
  // what the client still sends is read and dropped: a reset could cost it our last words
  socket.resume();
  await new Promise<void>((resolve) => {
    socket.end(() => resolve());
    socket.once('close', () => resolve());
    setTimeout(resolve, CLOSE_MILLISECONDS).unref();
  });
}

const CLOSE_MILLISECONDS = 5000;
/** What a client has to read why its push ended, before the connection does. */
const LAST_WORDS_MILLISECONDS = 1000;

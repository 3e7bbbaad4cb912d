import { NightdropError, RsyncExit } from '../lib/errors.ts';
import { isDir, isFile } from '../lib/stat.ts';
import { contentKey } from '../vault/content.ts';
import type { Entry } from '../vault/entry.ts';
import type { FileResult, FileSink } from '../vault/ingest/pool.ts';
import { resultingEntry } from './attributes.ts';
import { mayReveal } from './basis.ts';
import { chooseBlockLength } from './block-length.ts';
import type { Item } from './lists.ts';
import { errorMessage, warningMessage } from './messages.ts';
import { linked } from './nodes.ts';
import { dropPart } from './parts.ts';
import { baseName } from './paths.ts';
import type { PushSession } from './session.ts';

/** Opens the way of an item's content into the repository. */
export function openSink(session: PushSession, item: Item): FileSink {
  const { agreement, pool, store } = session;
  const blockLength = newBlockLength(session, item);
  item.newSums = blockLength > 0 ? { writer: store.newSums(agreement.sumsKind), blockLength } : undefined;
  const { sums, prefix, basisSize } = item.offered!;
  const blobs = prefix ?? sums?.blobs;
  const sink = pool.openFile({
    size: item.file.size,
    basis: blobs && { blobs, size: basisSize, blockLength: sums?.blockLength },
    // the digest is all that says whether the client has what it adds to
    verify: agreement.verify || prefix !== undefined,
    blockLength,
    onSums: (records) => item.newSums?.writer.append(records),
  });
  if (prefix !== undefined) sink.copy(0, basisSize);
  return sink;
}

/** Block length of the sums to be cached of an item's new content; 0 when none may ever be offered of it. */
function newBlockLength(session: PushSession, item: Item): number {
  const { agreement, rules } = session;
  if (!mayReveal(session, item.file.size)) return 0;
  const old = item.offered?.sums;
  // unread bytes keep the sums they have, so without verification the block length cannot change
  if (old !== undefined && !agreement.verify) return old.blockLength;
  return chooseBlockLength(item.file.size, old?.literalRuns || undefined, rules.policy.minimumBlock);
}

/** A directory that came while the content was on its way, of backups say, stays: so does what is in it. */
function inTheWay(session: PushSession, item: Item): 'failed' {
  item.newSums?.writer.abort();
  item.newSums = undefined;
  session.destination.unpin(item.path);
  session.counts.failed++;
  errorMessage(session, `rename failed for ${item.file.path}: a directory is in its place`);
  return 'failed';
}

export type Outcome = 'stored' | 'delayed' | 'redo' | 'failed';

/**
 * What became of an item whose content has come: in place, to be asked for again, or given up.
 *
 * @param result undefined: the client could not send it
 */
export function applyResult(session: PushSession, item: Item, result: FileResult | undefined): Outcome {
  const { destination, counts, rules, options } = session;
  if (!result?.ok) {
    item.newSums?.writer.abort();
    item.newSums = undefined;
    return giveUpOrRetry(session, item, result);
  }
  const there = destination.entry(item.path);
  if (there !== undefined && isDir(there.mode)) return inTheWay(session, item);
  const existing = there !== undefined && isFile(there.mode) ? there : undefined;
  const replaced = existing === undefined || !options.inplace;
  // without -p the mode is that of the basis; long values of attributes that it has were not sent
  const basis = existing ?? item.alternative ?? (item.similar?.deleted ? undefined : item.similar?.entry);
  const entry = resultingEntry(rules, baseName(item.path), item.file, basis, replaced);
  // written to just now, also where the file itself stays (--inplace)
  if (!options.times) Object.assign(entry, { mtime: rules.now, mtimeNsec: 0 });
  entry.blobs = result.blobs;
  entry.size = result.size;
  // other names of what was there keep their content: a number shared with them would be a lie
  entry.inode = 0;
  linked(session, entry, item.file);
  keepSums(session, item, result);
  destination.unpin(item.path);
  if (session.delayed === undefined) {
    if (replaced && existing !== undefined) backUp(session, item, existing);
    destination.put(item.path, entry);
    session.removable.made(item.ndx);
    if (options.partialDir !== '') dropPart(session, item.path);
  } else if (!session.delayed.add(item, entry)) return 'failed';
  counts.transferred++;
  if (existing === undefined) counts.created++;
  counts.literalBytes += result.literalBytes;
  counts.matchedBytes += result.matchedBytes;
  return session.delayed === undefined ? 'stored' : 'delayed';
}

/** A stock receiver ends where it cannot keep what it is about to replace. */
function backUp(session: PushSession, item: Item, existing: Entry): void {
  if (!session.backups.enabled || session.backups.make(item.path, existing)) return;
  throw new NightdropError('ERR_BACKUP', 'ERROR: a backup cannot be made; nothing more is replaced', {
    rsyncExit: RsyncExit.fileIo,
    forClient: true,
  });
}

function keepSums(session: PushSession, item: Item, result: FileResult): void {
  const { newSums, file } = item;
  item.newSums = undefined;
  if (newSums === undefined) return;
  const { blobs, size, literalBytes, literalRuns } = result;
  if (blobs.length === 0) {
    newSums.writer.abort();
    return;
  }
  newSums.writer.finish({
    key: contentKey(blobs),
    blobs,
    size,
    mtime: file.mtime,
    mtimeNsec: file.mtimeNsec,
    blockLength: newSums.blockLength,
    recordLength: session.agreement.recordLength,
    literalBytes,
    literalRuns,
  });
}

function giveUpOrRetry(session: PushSession, item: Item, result: FileResult | undefined): 'redo' | 'failed' {
  const name = item.file.path;
  if (item.attempt === 1 && result?.retry) {
    const { infoName, itemizes } = session.options;
    if (infoName > 0 || itemizes)
      warningMessage(session, `WARNING: ${name} failed verification -- update ${kept(session)} (will try again).`);
    return 'redo';
  }
  if (result?.retry) errorMessage(session, `ERROR: ${name} failed verification -- update discarded.`);
  session.counts[result === undefined ? 'notSent' : 'failed']++;
  session.destination.unpin(item.path);
  return 'failed';
}

/** In a stock receiver's words. Here a file is left as it was until it is right. */
function kept({ options }: PushSession): string {
  if (options.partialDir !== '') return 'put into partial-dir';
  return options.partial || options.inplace ? 'retained' : 'discarded';
}

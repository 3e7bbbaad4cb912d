import { isDir, isFile } from '../lib/stat.ts';
import type { SnapshotMeta } from '../vault/commit.ts';
import { contentKey } from '../vault/content.ts';
import type { FileResult } from '../vault/ingest/pool.ts';
import { resultingEntry } from './attributes.ts';
import type { Item } from './lists.ts';
import type { VaultHold } from './opening.ts';
import { partPath, putPart } from './parts.ts';
import { baseName } from './paths.ts';
import type { Arriving, Receiver } from './receiver.ts';
import type { PushRequest } from './request.ts';
import type { PushSession } from './session.ts';
import { applyResult } from './transfers.ts';
import { isAcl } from './xattrs.ts';

/** Of a file that was cut off, this much must have come to be worth going on from. */
const WORTH_KEEPING = 64 * 1024;

/** Makes everything durable and visible at once; returns the snapshot's ID. */
export async function commitPush(
  request: PushRequest,
  session: PushSession,
  hold: VaultHold,
  complete: boolean,
): Promise<string> {
  const { counts, store, pool, destination, input, output } = session;
  await pool.flush();
  destination.flush();
  store.checkpoint();
  const { files, directories, symlinks, devices, specials } = counts.deleted;
  const meta: SnapshotMeta = {
    complete,
    hostname: request.vault,
    address: request.address,
    startedAt: performance.timeOrigin + hold.startedAt,
    created: counts.created,
    transferred: counts.transferred,
    deleted: files + directories + symlinks + devices + specials,
    literalBytes: counts.literalBytes,
    matchedBytes: counts.matchedBytes,
    wireIn: input.bytesRead,
    wireOut: output.bytesWritten,
    storedBytes: hold.stored.bytes,
  };
  const { id, treeBytes } = await pool.commit(meta);
  hold.stored.bytes += treeBytes;
  return id;
}

/** A push that was cut: what is whole of it is kept as an incomplete snapshot; undefined when there is nothing. */
export async function keepCutPush(
  request: PushRequest,
  session: PushSession,
  receiver: Receiver,
  hold: VaultHold,
): Promise<string | undefined> {
  const { store, lists, destination, pool } = session;
  const current = receiver.takeCurrent();
  if (current !== undefined) keepPart(session, current, await current.sink.endPartial());
  await pool.flush();
  // files that had ended are told of before the flush is
  for (const { item, result } of lists.settled.drain()) if (result?.ok) applyResult(session, item, result);
  destination.flush();
  if (!store.hasDirty()) {
    store.checkpoint();
    return undefined;
  }
  return commitPush(request, session, hold, false);
}

/**
 * The front of a file. Nothing shows yet that its client has the stored content that it is built from in part: of that no
 * sum may come that was not told before (push/provenance.ts). So its blocks are remembered where that is certain, under the
 * size and time the file is to have, for the next push to go on from; and --partial and --partial-dir put a front
 * in place only if the client sent all of it.
 */
function keepPart(session: PushSession, { item, provenance }: Arriving, result: FileResult): void {
  const { newSums, file } = item;
  item.newSums = undefined;
  if (!result.ok || result.size < WORTH_KEEPING || !provenance.isTold(newSums?.blockLength)) {
    newSums?.writer.abort();
  } else {
    newSums?.writer.finish({
      key: contentKey(result.blobs),
      blobs: result.blobs,
      size: file.size,
      mtime: file.mtime,
      mtimeNsec: file.mtimeNsec,
      blockLength: newSums.blockLength,
      recordLength: session.agreement.recordLength,
      literalBytes: 0,
      literalRuns: 0,
    });
  }
  if (session.options.partial && result.ok && result.size > 0 && provenance.isLiteral) placePart(session, item, result);
}

/** Where a stock receiver leaves it: in the file's place, which may cost a backup, or in the partial directory. */
function placePart(session: PushSession, { file, path }: Item, result: FileResult): void {
  const { destination, options, rules, backups } = session;
  const at = destination.entry(path);
  if (options.partialDir === '' && at !== undefined && isDir(at.mode)) return;
  const there = at !== undefined && isFile(at.mode) ? at : undefined;
  const entry = resultingEntry(rules, baseName(path), file, there, true);
  Object.assign(entry, { blobs: result.blobs, size: result.size, mtime: rules.now, mtimeNsec: 0 });
  if (options.partialDir === '') {
    if (there !== undefined && backups.enabled && !backups.make(path, there)) return;
    destination.put(path, entry);
    return;
  }
  const part = partPath(session, path);
  // no value of an attribute need have come yet
  const xattrs = entry.xattrs.filter((x) => isAcl(x.name));
  if (part !== undefined) putPart(session, part, { ...entry, xattrs });
}

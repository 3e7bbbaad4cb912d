import { isFile } from '../lib/stat.ts';
import type { FileEntry } from '../rsync/entry.ts';
import { BasisType, ItemFlag } from '../rsync/iflags.ts';
import type { ServerOptions } from '../rsync/options.ts';
import type { Entry } from '../vault/entry.ts';
import { fileFromElsewhere } from './alt-files.ts';
import { appendOffer, isLongEnough } from './appending.ts';
import { resultingEntry, sameTime } from './attributes.ts';
import { chooseBasis, chooseOtherBasis, choosePartBasis, mayReveal, NOTHING_OFFERED } from './basis.ts';
import { changed } from './changes.ts';
import type { DeletePass } from './delete.ts';
import { contentDigest, isReadable } from './digests.ts';
import { itemFlags, keptItemFlags } from './itemize.ts';
import type { Item, Offer } from './lists.ts';
import { infoMessage } from './messages.ts';
import { linked, settleLink, settleOrLeadLater, skipLink } from './nodes.ts';
import { dropPart, findPart } from './parts.ts';
import { requestTransfer, tell } from './requests.ts';
import type { PushSession } from './session.ts';
import { shownName } from './target.ts';

/** A regular file: compared, and asked for when it differs. */
export function fileItem(session: PushSession, deletes: DeletePass, item: Item): Promise<void> | undefined {
  const { destination } = session;
  const { file, path } = item;
  let existing = destination.entry(path);
  if (item.attempt === 1 && isUnwanted(session, file, existing)) {
    skipLink(session, item);
    return undefined;
  }
  if (existing !== undefined && !isFile(existing.mode)) {
    if (!deletes.makeRoom(path, existing, 'regular file')) {
      skipLink(session, item);
      return undefined;
    }
    existing = undefined;
  }
  // --copy-dest is for what is missing, the others may also take the place of what is there
  const { altDests } = session;
  if (altDests !== undefined && (existing === undefined || altDests.kind !== 'copy'))
    return compareElsewhere(session, item, existing);
  return compareInPlace(session, item, existing);
}

async function compareElsewhere(session: PushSession, item: Item, existing: Entry | undefined): Promise<void> {
  const outcome = await fileFromElsewhere(session, item, existing);
  if (outcome !== undefined && 'settledBy' in outcome) {
    const { removable, dryRun } = session;
    if (!dryRun && removable.includesUnchanged && (await isReadable(session, outcome.settledBy)))
      removable.unchanged(item.ndx);
    return;
  }
  if (outcome === undefined) {
    await compareInPlace(session, item, existing);
    return;
  }
  item.alternative = outcome.entry;
  item.basisType = outcome.place;
  await askForContent(session, item, outcome.entry);
}

function compareInPlace(session: PushSession, item: Item, existing: Entry | undefined): Promise<void> | undefined {
  const { file } = item;
  const { options } = session;
  if (existing?.size === file.size && item.attempt === 1) {
    if (options.checksum) return compareDigest(session, item, existing);
    if (options.sizeOnly || (!options.ignoreTimes && sameTime(options, existing, file))) {
      if (!session.dryRun && session.removable.includesUnchanged) return keepReadable(session, item, existing);
      keepContent(session, item, existing);
      return undefined;
    }
  }
  const group = file.hardLink;
  // of what came wrong no sums are offered again
  const similar =
    item.attempt > 1 ? item.similar : existing === undefined ? session.similarFiles?.find(file, item.path) : undefined;
  if (
    existing === undefined &&
    findPart(session, item.path) === undefined &&
    (similar === undefined || similar.deleted) &&
    item.attempt === 1 &&
    group >= 0 &&
    options.hardLinks &&
    session.hardLinks.defer(group, item)
  ) {
    item.list.outstanding++;
    return undefined;
  }
  item.similar = similar;
  return askForContent(session, item, existing);
}

/** The content that is there is right: only attributes can change. */
function keepContent(session: PushSession, item: Item, existing: Entry): void {
  const { destination, rules, options } = session;
  if (options.partialDir !== '' && findPart(session, item.path) !== undefined) dropPart(session, item.path);
  tell(session, item, keptItemFlags(session, item.file, existing));
  const entry = linked(session, resultingEntry(rules, existing.name, item.file, existing, false), item.file);
  if (changed(existing, entry)) destination.put(item.path, entry);
  settleOrLeadLater(session, item, entry, existing.xattrs);
  session.removable.unchanged(item.ndx);
}

/** The client will remove its file: what is stored must be more than a record of it, else it comes again. */
async function keepReadable(session: PushSession, item: Item, existing: Entry): Promise<void> {
  if (await isReadable(session, existing)) keepContent(session, item, existing);
  else await askForContent(session, item, existing, false);
}

/**
 * --checksum: the whole-file digest decides, in place of the time. Where the client may learn no checksums its silence
 * would confirm a guess of the content: such files are asked for whatever they hold.
 */
async function compareDigest(session: PushSession, item: Item, existing: Entry): Promise<void> {
  if (existing.size > 0 && !mayReveal(session, existing.size)) return askForContent(session, item, existing);
  const digest = await contentDigest(session, existing);
  if (digest === undefined) await askForContent(session, item, existing, false);
  else if (item.file.digest !== undefined && digest.equals(item.file.digest))
    await (!session.dryRun && session.removable.includesUnchanged ? keepReadable : keepContent)(
      session,
      item,
      existing,
    );
  else await askForContent(session, item, existing);
}

/**
 * @param existing what the file is compared with: its own, or an alternative
 * @param offers false: the file is wanted whole, whatever is stored
 */
async function askForContent(
  session: PushSession,
  item: Item,
  existing: Entry | undefined,
  // what came by --append was not built from sums: now it may be
  offers = item.attempt === 1 || item.offered?.prefix !== undefined,
): Promise<void> {
  const { file } = item;
  const { options } = session;
  if (item.attempt === 1 && isLongEnough(session, file, existing)) {
    skipLink(session, item);
    return;
  }
  const part = findPart(session, item.path);
  let flags: number = ItemFlag.transfer;
  if (options.checksum && item.attempt === 1) flags |= ItemFlag.reportChange;
  if (part !== undefined) {
    item.basisType = BasisType.partial;
  } else if (item.alternative === undefined && item.attempt > 1) {
    item.basisType = BasisType.sameName;
  } else if (item.alternative === undefined && existing !== undefined && !backUpInplace(session, item, existing)) {
    skipLink(session, item);
    return;
  }
  flags = itemFlags(session, file, item.attempt > 1 && options.inplace ? retained(session, item) : existing, flags);
  if (session.dryRun) {
    // --only-write-batch: the client wants the sums all the same
    const basis = offers && session.options.onlyWriteBatch ? await chooseBasis(session, file, existing) : undefined;
    item.offered = basis ?? NOTHING_OFFERED;
    await requestTransfer(session, item, flags | basisFlag(item), basis?.sums);
    const leader = item.alternative === undefined ? existing : undefined;
    settleLink(session, item, leader ?? resultingEntry(session.rules, '', file, undefined, true));
    return;
  }
  // whoever comes next of the group waits, and the list stays open, while the basis is looked for
  item.list.outstanding++;
  if (file.hardLink >= 0 && session.options.hardLinks) session.hardLinks.begin(file.hardLink, item);
  session.destination.pin(item.path);
  const basis = offers ? await basisOf(session, item, existing, part) : undefined;
  // a client that believes its file to be written in place makes no use of what lies before its place
  if (existing === undefined && part === undefined && basis !== undefined && session.options.inplace)
    item.basisType = BasisType.similarName;
  item.offered = basis ?? NOTHING_OFFERED;
  await requestTransfer(session, item, flags | basisFlag(item), basis?.sums);
}

function basisFlag({ basisType }: Item): number {
  return basisType === BasisType.sameName ? 0 : ItemFlag.basisTypeFollows;
}

async function basisOf(
  session: PushSession,
  item: Item,
  existing: Entry | undefined,
  part: Entry | undefined,
): Promise<Offer | undefined> {
  const { file, attempt, alternative, similar } = item;
  if (part !== undefined) return choosePartBasis(session, file, part);
  // in append mode a client reads no sums
  if (session.options.append !== 'no' && attempt === 1)
    return existing === undefined ? undefined : appendOffer(session, existing);
  if (alternative !== undefined) return chooseOtherBasis(session, file, alternative);
  const basis = await chooseBasis(session, file, existing);
  return basis === undefined && similar !== undefined ? chooseOtherBasis(session, file, similar.entry) : basis;
}

/** What a stock receiver with --inplace has after content came wrong, and compares with when it asks once more. */
function retained({ rules, destination }: PushSession, { file, path }: Item): Entry {
  const existing = destination.entry(path);
  const entry = resultingEntry(rules, '', file, existing, existing === undefined);
  return { ...entry, size: file.size, mtime: rules.now, mtimeNsec: 0 };
}

/** --inplace with --backup: what will be written to is copied before; false when that cannot be. */
function backUpInplace(session: PushSession, item: Item, existing: Entry): boolean {
  const { options, backups, dryRun } = session;
  if (!options.inplace || !backups.enabled || dryRun) return true;
  if (!backups.copy(item.path, existing)) return false;
  if (!options.wholeFile) item.basisType = BasisType.backup;
  return true;
}

function isUnwanted(session: PushSession, file: FileEntry, existing: Entry | undefined): boolean {
  const why = reasonToPass(session.options, file, existing);
  if (why !== undefined && session.options.infoSkip > 0) infoMessage(session, `${shownName(session, file)} is ${why}`);
  return why !== undefined;
}

/** What it is, for people; undefined when the file is to be looked at. */
function reasonToPass(options: ServerOptions, file: FileEntry, existing: Entry | undefined): string | undefined {
  const { maxSize, minSize, modifyWindow, update } = options;
  if (maxSize !== undefined && file.size > maxSize) return 'over max-size';
  if (minSize !== undefined && file.size < minSize) return 'under min-size';
  if (existing === undefined || !update || !isFile(existing.mode)) return undefined;
  return file.mtime - existing.mtime < Math.max(0, modifyWindow) ? 'newer' : undefined;
}

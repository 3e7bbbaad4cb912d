import { isFile } from '../lib/stat.ts';
import type { FileEntry } from '../rsync/entry.ts';
import { ItemFlag } from '../rsync/iflags.ts';
import type { Entry } from '../vault/entry.ts';
import { fileFromElsewhere } from './alt-files.ts';
import { resultingEntry, sameTime } from './attributes.ts';
import { chooseBasis, mayReveal, NOTHING_OFFERED } from './basis.ts';
import { changed } from './changes.ts';
import type { DeletePass } from './delete.ts';
import { contentDigest } from './digests.ts';
import { itemFlags, keptItemFlags } from './itemize.ts';
import type { Item } from './lists.ts';
import { infoMessage } from './messages.ts';
import { linked, settleLink, settleOrLeadLater, skipLink } from './nodes.ts';
import { requestTransfer, tell } from './requests.ts';
import type { PushSession } from './session.ts';

/** A regular file: compared, and asked for when it differs. */
export function fileItem(session: PushSession, deletes: DeletePass, item: Item): Promise<void> | undefined {
  const { destination } = session;
  const { file, path } = item;
  let existing = destination.entry(path);
  if (item.attempt === 1 && isPassedOver(session, file, existing)) {
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
  if (outcome === 'settled') return;
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
      keepContent(session, item, existing);
      return undefined;
    }
  }
  const group = file.hardLink;
  if (
    existing === undefined &&
    item.attempt === 1 &&
    group >= 0 &&
    options.hardLinks &&
    session.hardLinks.defer(group, item)
  ) {
    item.list.outstanding++;
    return undefined;
  }
  return askForContent(session, item, existing);
}

/** The content that is there is right: only attributes can change. */
function keepContent(session: PushSession, item: Item, existing: Entry): void {
  const { destination, rules } = session;
  tell(session, item, keptItemFlags(session, item.file, existing));
  const entry = linked(session, resultingEntry(rules, existing.name, item.file, existing, false), item.file);
  if (changed(existing, entry)) destination.put(item.path, entry);
  settleOrLeadLater(session, item, entry, existing.xattrs);
}

/**
 * --checksum: the whole-file digest decides, in place of the time. Where the client may learn no checksums its silence
 * would confirm a guess of the content: such files are asked for whatever they hold.
 */
async function compareDigest(session: PushSession, item: Item, existing: Entry): Promise<void> {
  if (existing.size > 0 && !mayReveal(session, existing.size)) return askForContent(session, item, existing);
  const digest = await contentDigest(session, existing);
  if (digest === undefined) await askForContent(session, item, existing, false);
  else if (item.file.digest !== undefined && digest.equals(item.file.digest)) keepContent(session, item, existing);
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
  offers = item.attempt === 1,
): Promise<void> {
  const { file } = item;
  let flags: number = ItemFlag.transfer;
  if (session.options.checksum && item.attempt === 1) flags |= ItemFlag.reportChange;
  if (item.alternative !== undefined) flags |= ItemFlag.basisTypeFollows;
  flags = itemFlags(session, file, existing, flags);
  if (session.dryRun) {
    await requestTransfer(session, item, flags, undefined);
    settleLink(session, item, existing ?? resultingEntry(session.rules, '', file, undefined, true));
    return;
  }
  // whoever comes next of the group waits, and the list stays open, while the basis is looked for
  item.list.outstanding++;
  if (file.hardLink >= 0 && session.options.hardLinks) session.hardLinks.begin(file.hardLink);
  session.destination.pin(item.path);
  const basis = offers ? await chooseBasis(session, file, existing) : undefined;
  item.offered = basis ?? NOTHING_OFFERED;
  await requestTransfer(session, item, flags, basis?.sums);
}

function isPassedOver(session: PushSession, file: FileEntry, existing: Entry | undefined): boolean {
  const { options } = session;
  if (existing === undefined) return options.ignoreNonExisting;
  if (options.ignoreExisting) return true;
  if (options.update && isFile(existing.mode) && file.mtime - existing.mtime < Math.max(0, options.modifyWindow)) {
    if (options.verbose > 1) infoMessage(session, `${file.path} is newer`);
    return true;
  }
  return false;
}

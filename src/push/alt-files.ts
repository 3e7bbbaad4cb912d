import { isFile } from '../lib/stat.ts';
import type { FileEntry } from '../rsync/entry.ts';
import { ItemFlag } from '../rsync/iflags.ts';
import type { Entry } from '../vault/entry.ts';
import { type Alternative, hasSameAttributes, linkAlternative, type Match, tellsMatches } from './alt-dest.ts';
import { resultingEntry, sameTime } from './attributes.ts';
import { mayReveal } from './basis.ts';
import { contentDigest } from './digests.ts';
import { itemFlags } from './itemize.ts';
import type { Item } from './lists.ts';
import { tellTakenOver } from './names-told.ts';
import { linked, settleLink, settleOrLeadLater, skipLink } from './nodes.ts';
import { baseName } from './paths.ts';
import { tell } from './requests.ts';
import type { PushSession } from './session.ts';
import { resultingXattrs } from './xattrs.ts';

/**
 * A regular file that one of the other places may have: linked, copied or left out, which settles it by what is there; else
 * an alternative that its content can be compared with.
 *
 * @param existing the file that is in its own place; only an alternative that is equal in all can take that place
 */
export async function fileFromElsewhere(
  session: PushSession,
  item: Item,
  existing: Entry | undefined,
): Promise<{ settledBy: Entry } | Alternative | undefined> {
  const match = await bestFile(session, item);
  if (match === undefined) return undefined;
  const { kind } = session.altDests!;
  if (match.level === 3 && kind !== 'copy') {
    if (existing !== undefined) {
      if (kind === 'link' && isOneFile(item.path, existing, match)) return undefined;
      session.destination.remove(item.path);
    }
    if (kind === 'link') link(session, item, match);
    else leaveOut(session, item, match);
    return { settledBy: match.entry };
  }
  if (existing !== undefined) return undefined;
  if (match.level === 1) return match;
  copy(session, item, match);
  return { settledBy: match.entry };
}

async function bestFile(session: PushSession, item: Item): Promise<Match | undefined> {
  const { options, altDests } = session;
  const { file, path, attempt } = item;
  const isType = ({ mode }: Entry) => isFile(mode);
  // what came wrong once is asked for whatever is elsewhere
  if (attempt > 1) return altDests!.best(file, path, isType, () => false);
  if (!options.checksum) return altDests!.best(file, path, isType, (entry) => passesQuickCheck(session, file, entry));
  const right = new Set<Entry>();
  for (const { entry } of altDests!.candidates(path)) {
    if (!isFile(entry.mode) || !(await hasListedDigest(session, file, entry))) continue;
    right.add(entry);
    if (hasSameAttributes(session, file, entry)) break;
  }
  return altDests!.best(file, path, isType, (entry) => right.has(entry));
}

/** As without --checksum. */
export function passesQuickCheck(session: PushSession, file: FileEntry, entry: Entry): boolean {
  const { options } = session;
  if (entry.size !== file.size) return false;
  return options.sizeOnly || (!options.ignoreTimes && sameTime(options, entry, file));
}

/** --checksum. Of a file whose checksums the client may not learn nothing is confirmed: it counts as different. */
export async function hasListedDigest(session: PushSession, file: FileEntry, entry: Entry): Promise<boolean> {
  if (entry.size !== file.size || file.digest === undefined) return false;
  if (entry.size > 0 && !mayReveal(session, entry.size)) return false;
  return (await contentDigest(session, entry))?.equals(file.digest) ?? false;
}

function isOneFile(path: string, existing: Entry, match: Match): boolean {
  return match.path === path || (existing.inode !== 0 && existing.inode === match.entry.inode);
}

function link(session: PushSession, item: Item, match: Match): void {
  const { file, path } = item;
  const flags = itemFlags(session, file, match.entry, ItemFlag.localChange | ItemFlag.nameFollows, '');
  settleLink(session, item, linkAlternative(session, path, match));
  if (tellsMatches(session)) tell(session, item, flags, '');
  tellTakenOver(session, item);
}

function leaveOut(session: PushSession, item: Item, match: Match): void {
  tell(session, item, itemFlags(session, item.file, match.entry, 0));
  skipLink(session, item);
}

/** The content is there, the attributes are not all: a file of its own, of which nothing has to be sent. */
function copy(session: PushSession, item: Item, match: Match): void {
  const { file, path } = item;
  const { rules, options, destination } = session;
  const entry = resultingEntry(rules, baseName(path), file, undefined, true);
  entry.blobs = match.entry.blobs;
  entry.xattrs = resultingXattrs(options, file, undefined, match.entry);
  linked(session, entry, file);
  item.alternative = match.entry;
  // to a client before protocol 29 only a name is told, and only where something differs
  if (match.level < 3 || session.agreement.protocol >= 29)
    tell(session, item, itemFlags(session, file, match.entry, ItemFlag.localChange));
  if (match.level === 3) tellTakenOver(session, item);
  destination.put(path, entry);
  settleOrLeadLater(session, item, entry, match.entry.xattrs);
}

import { isDir, isFile } from '../lib/stat.ts';
import { ItemFlag } from '../rsync/iflags.ts';
import type { Entry } from '../vault/entry.ts';
import { hasSameAttributes, tellsMatches } from './alt-dest.ts';
import { hasListedDigest, passesQuickCheck } from './alt-files.ts';
import { changed } from './changes.ts';
import type { DeletePass } from './delete.ts';
import type { Leader } from './hard-links.ts';
import { countCreated, itemFlags } from './itemize.ts';
import type { Item } from './lists.ts';
import { tellTakenOver } from './names-told.ts';
import { baseName } from './paths.ts';
import { tell } from './requests.ts';
import type { PushSession } from './session.ts';

/** Makes `item` a hard link to its group's leader. */
export function linkToLeader(
  session: PushSession,
  deletes: DeletePass,
  item: Item,
  leader: Leader,
): Promise<void> | undefined {
  const existing = session.destination.entry(item.path);
  if (existing !== undefined && isDir(existing.mode) && !deletes.makeRoom(item.path, existing, 'regular file'))
    return undefined;
  // one that waited for its leader is a change, whatever is elsewhere
  if (existing === undefined && session.altDests !== undefined && !item.waited)
    return linkLikeElsewhere(session, item, leader);
  link(session, item, leader, existing, existing);
  return undefined;
}

/** A link that one of the other places has too is no news to the client; else what is alike there is compared with. */
async function linkLikeElsewhere(session: PushSession, item: Item, leader: Leader): Promise<void> {
  if (session.altDests!.kind === 'link') {
    const same = linkedElsewhere(session, item, leader);
    if (same !== undefined && !tellsMatches(session)) {
      tellTakenOver(session, item);
      place(session, item, leader, undefined);
    } else link(session, item, leader, undefined, same);
  } else {
    link(session, item, leader, undefined, await equalElsewhere(session, item));
  }
}

function linkedElsewhere(session: PushSession, item: Item, leader: Leader): Entry | undefined {
  const { inode } = leader.entry;
  if (inode === 0) return undefined;
  for (const { entry } of session.altDests!.candidates(item.path)) if (entry.inode === inode) return entry;
  return undefined;
}

async function equalElsewhere(session: PushSession, item: Item): Promise<Entry | undefined> {
  const { file } = item;
  if (!isFile(file.mode)) return undefined;
  let found = false;
  let last: Entry | undefined;
  for (const { entry } of session.altDests!.candidates(item.path)) {
    last = entry;
    if (!isFile(entry.mode)) continue;
    const isRight = session.options.checksum
      ? await hasListedDigest(session, file, entry)
      : passesQuickCheck(session, file, entry);
    if (!isRight) continue;
    found = true;
    if (hasSameAttributes(session, file, entry)) break;
  }
  // the one looked at last, as at a stock receiver, whether it is an equal one or not
  return found ? last : undefined;
}

/** @param compared what the client is told the differences from */
function link(
  session: PushSession,
  item: Item,
  leader: Leader,
  existing: Entry | undefined,
  compared: Entry | undefined,
): void {
  const alreadyLinked = existing !== undefined && existing.inode !== 0 && existing.inode === leader.formerInode;
  if (
    existing !== undefined &&
    !isDir(existing.mode) &&
    !alreadyLinked &&
    session.backups.enabled &&
    !session.backups.make(item.path, existing)
  )
    return;
  const linkName = alreadyLinked ? '' : leader.name;
  // what is one object with the leader has its attributes by now; a dry run has given it none
  const present = alreadyLinked && !session.dryRun ? leader.entry : compared;
  const flags = itemFlags(session, item.file, present, ItemFlag.localChange | ItemFlag.nameFollows, linkName);
  countCreated(session, flags);
  tell(session, item, flags, linkName);
  place(session, item, leader, existing);
}

function place({ destination, removable }: PushSession, item: Item, leader: Leader, existing: Entry | undefined): void {
  const entry = { ...leader.entry, name: baseName(item.path) };
  if (existing === undefined || changed(existing, entry)) destination.put(item.path, entry);
  removable.unchanged(item.ndx);
}

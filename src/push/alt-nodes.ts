import { isDir } from '../lib/stat.ts';
import { ItemFlag } from '../rsync/iflags.ts';
import type { Entry } from '../vault/entry.ts';
import { linkAlternative, type Match, tellsMatches } from './alt-dest.ts';
import { itemFlags } from './itemize.ts';
import type { Item } from './lists.ts';
import { tellTakenOver } from './names-told.ts';
import { tell } from './requests.ts';
import type { PushSession } from './session.ts';

/**
 * A directory that is new, and what one of the other places has for it. Equal in all, it is told as unchanged here;
 * 'told', then.
 */
export function directoryElsewhere(session: PushSession, item: Item): { entry: Entry; told: boolean } | undefined {
  const { file, path } = item;
  const match = session.altDests?.best(
    file,
    path,
    ({ mode }) => isDir(mode),
    () => true,
  );
  if (match === undefined) return undefined;
  item.alternative = match.entry;
  const { entry, level } = match;
  if (level < 3) return { entry, told: false };
  // before protocol 29 there are names alone, and this one's is not told
  if (tellsMatches(session) && session.agreement.protocol >= 29)
    tell(session, item, itemFlags(session, file, entry, ItemFlag.localChange, ''));
  tellTakenOver(session, item);
  return { entry, told: true };
}

/**
 * A symlink, device or special file that is not there, and what one of the other places has for it: what is equal in all
 * and need not be made is 'settled', with the entry that a hard-link group can be linked to, if there is one.
 */
export function nodeElsewhere(
  session: PushSession,
  item: Item,
  isType: (e: Entry) => boolean,
  isRight: (e: Entry) => boolean,
): { settled: true; entry: Entry | undefined } | { settled: false; match: Match } | undefined {
  const { file, path } = item;
  const match = session.altDests?.best(file, path, isType, isRight);
  if (match === undefined) return undefined;
  item.alternative = match.entry;
  if (match.level < 3) return { settled: false, match };
  const { kind } = session.altDests!;
  if (tellsMatches(session)) {
    const change = { link: ItemFlag.localChange | ItemFlag.nameFollows, copy: ItemFlag.localChange, compare: 0 }[kind];
    tell(session, item, itemFlags(session, file, match.entry, change, ''), '');
  }
  tellTakenOver(session, item);
  if (kind === 'copy') return { settled: false, match };
  return { settled: true, entry: kind === 'link' ? linkAlternative(session, path, match) : undefined };
}

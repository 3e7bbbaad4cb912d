import { isDir } from '../lib/stat.ts';
import { ItemFlag } from '../rsync/iflags.ts';
import { changed } from './changes.ts';
import type { DeletePass } from './delete.ts';
import type { Leader } from './hard-links.ts';
import { countCreated, itemFlags } from './itemize.ts';
import type { Item } from './lists.ts';
import { baseName } from './paths.ts';
import { tell } from './requests.ts';
import type { PushSession } from './session.ts';

/** Makes `item` a hard link to its group's leader. */
export function linkToLeader(session: PushSession, deletes: DeletePass, item: Item, leader: Leader): void {
  const { destination } = session;
  const existing = destination.entry(item.path);
  const alreadyLinked = existing !== undefined && existing.inode !== 0 && existing.inode === leader.formerInode;
  if (existing !== undefined && isDir(existing.mode) && !deletes.makeRoom(item.path, existing, 'regular file')) return;
  const linkName = alreadyLinked ? '' : leader.name;
  const flags = itemFlags(session, item.file, existing, ItemFlag.localChange | ItemFlag.nameFollows, linkName);
  countCreated(session, flags);
  tell(session, item, flags, linkName);
  const entry = { ...leader.entry, name: baseName(item.path) };
  if (existing === undefined || changed(existing, entry)) destination.put(item.path, entry);
}

import { isFile } from '../lib/stat.ts';
import type { FileEntry } from '../rsync/entry.ts';
import type { Entry } from '../vault/entry.ts';
import { hasSameAttributes } from './alt-dest.ts';
import { passesQuickCheck } from './alt-files.ts';
import type { Item } from './lists.ts';
import { infoMessage } from './messages.ts';
import { isSameNode, typeClass } from './nodes.ts';
import type { PushSession } from './session.ts';
import { shownName } from './target.ts';

/** --existing and --ignore-existing: of what is no directory, before anything else is looked at. */
export function isPassedOver(session: PushSession, { file, path }: Item): boolean {
  const { ignoreExisting, ignoreNonExisting, infoSkip } = session.options;
  if (!ignoreExisting && !ignoreNonExisting) return false;
  const existing = session.destination.entry(path);
  if (existing === undefined) {
    if (ignoreNonExisting && infoSkip > 0) infoMessage(session, `not creating new file "${shownName(session, file)}"`);
    return ignoreNonExisting;
  }
  if (!ignoreExisting) return false;
  if (infoSkip > 0)
    infoMessage(
      session,
      `${shownName(session, file)} exists${infoSkip > 1 ? difference(session, file, existing) : ''}`,
    );
  return true;
}

/** For people who ask by --info=skip2. With --checksum nothing is said of content: nobody has looked. */
function difference(session: PushSession, file: FileEntry, existing: Entry): string {
  if (typeClass(existing.mode) !== typeClass(file.mode)) return ' (type change)';
  if (session.options.checksum && isFile(file.mode)) return '';
  const isSame = isFile(file.mode) ? passesQuickCheck(session, file, existing) : isSameNode(file, existing);
  if (!isSame) return ' (file change)';
  return hasSameAttributes(session, file, existing) ? ' (uptodate)' : ' (attr change)';
}

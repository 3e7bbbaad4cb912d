import { isDir } from '../lib/stat.ts';
import type { Entry } from '../vault/entry.ts';
import type { Item } from './lists.ts';
import { errorMessage } from './messages.ts';
import { settleLink, skipLink } from './nodes.ts';
import { dropPart, partPath, putPart } from './parts.ts';
import { baseName, dirName } from './paths.ts';
import type { PushSession } from './session.ts';

interface Waiting {
  item: Item;
  /** where the new file waits; undefined: in memory, for another of the same name waits there */
  part: string | undefined;
  entry: Entry;
}

/**
 * --delay-updates: new content waits in the partial directory until all has come, and takes its place in one go. A push
 * that is cut leaves what waits where it is, and the next one goes on from it.
 */
export class DelayedUpdates {
  private readonly session: PushSession;
  private readonly waiting: Waiting[] = [];
  private readonly parts = new Set<string>();

  constructor(session: PushSession) {
    this.session = session;
  }

  /** Whether a file of this push waits there. */
  holds(part: string): boolean {
    return this.parts.has(part);
  }

  /** False when there is no place to wait; the client is told. */
  add(item: Item, entry: Entry): boolean {
    const { session } = this;
    const part = partPath(session, item.path);
    if (part !== undefined && this.parts.has(part)) {
      this.waiting.push({ item, part: undefined, entry });
      return true;
    }
    if (part === undefined || !putPart(session, part, entry)) {
      errorMessage(session, `Unable to create partial-dir for ${item.file.path} -- discarding completed file.`);
      session.counts.failed++;
      return false;
    }
    this.parts.add(part);
    this.waiting.push({ item, part, entry });
    return true;
  }

  /** All that waits takes its place, in the order of the list; what it replaces becomes a backup, with --backup. */
  place(): void {
    const waiting = this.waiting.splice(0).sort((a, b) => a.item.ndx - b.item.ndx);
    for (const one of waiting) this.placeOne(one);
  }

  private placeOne({ item, part, entry }: Waiting): void {
    const { session } = this;
    const { destination, backups } = session;
    const there = destination.entry(item.path);
    if (there !== undefined && backups.enabled && !isDir(there.mode) && !backups.make(item.path, there)) {
      skipLink(session, item);
      return;
    }
    if ((there !== undefined && isDir(there.mode)) || !destination.hasDirectory(dirName(item.path))) {
      errorMessage(session, `rename failed for ${item.file.path}: something else is in its place`);
      session.counts.failed++;
      skipLink(session, item);
      return;
    }
    destination.put(item.path, { ...entry, name: baseName(item.path) });
    if (part !== undefined) {
      this.parts.delete(part);
      dropPart(session, item.path);
    }
    session.removable.made(item.ndx);
    settleLink(session, item, entry);
  }
}

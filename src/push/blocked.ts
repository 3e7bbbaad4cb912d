import { isDir } from '../lib/stat.ts';
import type { FileEntry } from '../rsync/entry.ts';
import { errorMessage } from './messages.ts';
import { isBelowAny } from './path-sets.ts';
import type { PushSession } from './session.ts';

/**
 * --ignore-existing keeps what is no directory where the client has one: what the client has below cannot be stored, and
 * is told as a stock receiver tells of it.
 */
export class Blocked {
  private readonly session: PushSession;
  private readonly paths = new Set<string>();

  constructor(session: PushSession) {
    this.session = session;
  }

  /** Whether a directory is not to be made, because something else is there and stays, or is in its way further up. */
  stops(file: FileEntry, path: string): boolean {
    if (!this.session.options.ignoreExisting) return false;
    if (isBelowAny(this.paths, path)) {
      this.tell(`recv_generator: failed to stat ${this.shown(path)}`);
      return true;
    }
    if (!isDir(file.mode)) return false;
    const existing = this.session.destination.entry(path);
    if (existing === undefined || isDir(existing.mode)) return false;
    this.paths.add(path);
    return true;
  }

  /** Nothing can be deleted there either. */
  tellUnlisted(file: FileEntry, path: string): void {
    const { deleteMode } = this.session.options;
    if (!file.hasContent || !this.paths.has(path) || (deleteMode !== 'during' && deleteMode !== 'delay')) return;
    errorMessage(this.session, `rsync: [generator] opendir ${this.shown(path)} failed: Not a directory (20)`);
    this.session.counts.failed++;
  }

  private tell(what: string): void {
    errorMessage(this.session, `rsync: [generator] ${what}: Not a directory (20)`);
    this.session.counts.failed++;
  }

  private shown(path: string): string {
    return `"/${path}" (in ${this.session.options.path.split('/', 1)[0]})`;
  }
}

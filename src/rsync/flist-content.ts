/** Which directories the sender gives the content of, before it said so itself (protocols 27 to 29). */
import { EntryFlag } from './flist-flags.ts';
import type { NameDecoder } from './flist-name.ts';
import type { FileListSettings } from './flist-settings.ts';

const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * A top directory's content follows it, and so do the directories in it until one comes that is not below. Each step is
 * worked out first and taken when its entry is complete.
 */
export class ContentTracker {
  private readonly relative: boolean;
  private readonly recursive: boolean;
  private inside = false;
  private topLength = 0;
  private next = { inside: false, topLength: 0 };

  constructor(settings: FileListSettings) {
    this.relative = settings.relative;
    this.recursive = settings.recursive ?? true;
  }

  /** Whether the directory whose name was read last has its content in the list. */
  look(flags: number, name: NameDecoder, isRoot: boolean): boolean {
    this.next = { inside: this.inside, topLength: this.topLength };
    if (flags & EntryFlag.topDir) {
      this.next = { inside: this.recursive, topLength: isRoot ? 0 : this.withoutDot(name) };
      return true;
    }
    if (!this.inside) return false;
    const below = name.shared >= this.topLength && name.at(this.topLength) === SLASH;
    this.next.inside = !this.relative || this.topLength === 0 || below;
    return this.next.inside;
  }

  keep(): void {
    this.inside = this.next.inside;
    this.topLength = this.next.topLength;
  }

  private withoutDot(name: NameDecoder): number {
    const { length } = name;
    const dotted = this.relative && length > 2 && name.at(length - 1) === DOT && name.at(length - 2) === SLASH;
    return dotted ? length - 2 : length;
  }
}

/** What a rule's pattern matches (docs/protocol.md, "Filters"). */
import type { RuleHead } from './filter-rule.ts';
import { Wildmatch } from './wildmatch.ts';

/** A pattern with what its form says about where it is held against a path. */
export class Pattern {
  readonly head: RuleHead;
  private readonly text: string;
  private readonly wild: Wildmatch | undefined;
  /** with '**' a slash can be matched, so the whole path counts */
  private readonly spans: boolean;
  private readonly startsSpanning: boolean;
  /** 'dir/***': the directory itself, and all that is in it */
  private readonly withSelf: boolean;
  private readonly directoryOnly: boolean;
  private readonly anchored: boolean;
  private readonly slashes: number;

  /** @param prefix path, from the module's root and with a slash before it, of the directory an anchored pattern is bound to */
  constructor(head: RuleHead, pattern: string, prefix: string | undefined = undefined) {
    this.directoryOnly = pattern.length > 1 && pattern.endsWith('/');
    let text = this.directoryOnly ? pattern.slice(0, -1) : pattern;
    const bound = prefix !== undefined && !head.absolute && text.startsWith('/');
    if (bound) text = prefix + text;
    this.head = bound ? { ...head, absolute: true } : head;
    this.slashes = text.split('/').length - 1;
    this.anchored = text.startsWith('/');
    const isWild = /[*?[]/.test(text);
    this.spans = isWild && text.includes('**');
    this.startsSpanning = text.startsWith('**');
    this.withSelf = this.spans && text.endsWith('***');
    this.text = this.anchored ? text.slice(1) : text;
    this.wild = isWild ? new Wildmatch(this.text) : undefined;
  }

  /**
   * Whether the rule holds for an object.
   *
   * @param path below the root of the transfer
   * @param base path of that root below the module's, '' when it is the same
   */
  holds(path: string, isDirectory: boolean, base: string): boolean {
    return this.matches(path, isDirectory, base) !== this.head.negated;
  }

  private matches(path: string, isDirectory: boolean, base: string): boolean {
    if (this.directoryOnly && !isDirectory) return false;
    let subject = path;
    let joined = false;
    if (this.slashes === 0 && !this.spans) {
      subject = path.slice(path.lastIndexOf('/') + 1);
    } else if (this.head.absolute && base !== '') {
      subject = `${base}/${path}`;
      joined = true;
    } else if (this.startsSpanning) {
      // '**/x' matches at the root too
      subject = `/${path}`;
      joined = true;
    }
    if (isDirectory && this.withSelf) subject += '/';
    if (this.wild !== undefined) return this.matchesWild(this.wild, subject);
    if (this.anchored) return subject === this.text;
    if (joined) return lastNames(subject, this.slashes + 1) === this.text;
    return subject === this.text || subject.endsWith(`/${this.text}`);
  }

  private matchesWild(wild: Wildmatch, subject: string): boolean {
    if (this.anchored) return wild.matches(subject);
    if (this.spans) return wild.matches(subject, !this.startsSpanning);
    if (this.slashes === 0) return wild.matches(subject);
    const last = lastNames(subject, this.slashes + 1);
    return last !== undefined && wild.matches(last);
  }
}

/** The last `count` names of a path; undefined when it has fewer. */
function lastNames(path: string, count: number): string | undefined {
  let from = path.length;
  for (let i = 0; i < count; i++) {
    if (from < 0) return undefined;
    from = path.lastIndexOf('/', from - 1);
  }
  return path.slice(from + 1);
}

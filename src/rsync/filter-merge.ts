/** Merge files: rules that stand in files of the tree they are about (docs/protocol.md, "Filters"). */
import type { MergeHead } from './filter-rule.ts';

/** A per-directory merge rule: the file of this name is read in every directory that is entered. */
export class MergeRule {
  readonly head: MergeHead;
  /** name of the file, one component */
  readonly name: string;
  /** directory the search begins in, where the rule has a path: above the transfer the file is looked for too */
  readonly start: string | undefined;
  /** whether it was looked for above */
  searched = false;

  constructor(head: MergeHead, path: string) {
    const slash = path.lastIndexOf('/');
    this.head = head;
    this.name = path.slice(slash + 1);
    this.start = slash < 0 ? undefined : path.slice(0, slash + 1);
  }

  /**
   * Directories above `directory` in which the file is looked for once, topmost first. Paths are from the module's root,
   * without a leading slash; '' is that root.
   */
  directoriesAbove(directory: string): string[] {
    if (this.start === undefined) return [];
    const from = this.start.startsWith('/') ? clean(this.start) : clean(`${directory}/${this.start}`);
    const above: string[] = [];
    for (let path = directory; path !== ''; ) {
      path = path.slice(0, Math.max(0, path.lastIndexOf('/')));
      if (path === from || from === '' || path.startsWith(`${from}/`)) above.unshift(path);
    }
    return above;
  }
}

/** A path without empty names and dots; '..' leads no higher than the root. */
export function clean(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** Of the C locale: 0xA0 is part of a name. */
const BLANKS = /[ \t\n\v\f\r]+/;

/** Rules in the text of a merge file: lines without comments, or words. A NUL ends one. */
export function* rulesIn(text: string, words: boolean): Generator<string> {
  for (const piece of text.split(words ? BLANKS : /[\r\n]/)) {
    const end = piece.indexOf('\0');
    const rule = end < 0 ? piece : piece.slice(0, end);
    if (rule === '' || (!words && (rule[0] === '#' || rule[0] === ';'))) continue;
    yield rule;
  }
}

/** What -C leaves out everywhere (rsync(1), --cvs-exclude). */
export const CVS_EXCLUDES: readonly string[] = [
  ...['RCS', 'SCCS', 'CVS', 'CVS.adm', 'RCSLOG', 'cvslog.*', 'tags', 'TAGS', '.make.state', '.nse_depinfo'],
  ...['*~', '#*', '.#*', ',*', '_$*', '*$', '*.old', '*.bak', '*.BAK', '*.orig', '*.rej', '.del-*', '*.a', '*.olb'],
  ...['*.o', '*.obj', '*.so', '*.exe', '*.Z', '*.elc', '*.ln', 'core', '.svn/', '.git/', '.hg/', '.bzr/'],
];

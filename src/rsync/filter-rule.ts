/** The language of filter rules: one rule from its text (docs/protocol.md, "Filters"). */

export type Side = 's' | 'r';

/** What a rule says before its pattern; a merge rule hands some of it on to the rules in its files. */
export interface RuleHead {
  /** '+', 'S' and 'R': a match is shown to the sender, and at risk at the receiver */
  include: boolean;
  /** sides that were named; none: both */
  sides: Side[];
  /** '/': held against the path from the module's root */
  absolute: boolean;
  /** '!': holds for what the pattern does not match */
  negated: boolean;
  /** 'p': does not hold within a directory that is being deleted */
  perishable: boolean;
  /** 'x': about names of extended attributes */
  xattr: boolean;
  /** '-C' and ':C' */
  cvs: boolean;
}

/** How the files of a merge rule are read. */
export interface MergeHead extends RuleHead {
  /** 'e': its files exclude themselves */
  excludesSelf: boolean;
  /** 'n': not inherited by subdirectories */
  noInherit: boolean;
  /** 'w': rules are words, not lines */
  words: boolean;
  /** '-' and '+': lines are patterns, all of them excludes or includes */
  noPrefixes: boolean;
}

export type ParsedRule =
  | { kind: 'clear' }
  | { kind: 'pattern'; head: RuleHead; pattern: string }
  /** a file read into every directory's list, or once and now */
  | { kind: 'perDirectory' | 'once'; head: MergeHead; pattern: string };

/** What rules of this source have in common. */
export interface RuleSource {
  /** the merge rule whose file the text is from */
  container: MergeHead | undefined;
  /** before protocol 29 clients know '+ ', '- ' and '!' only */
  oldPrefixes: boolean;
  /** --delete-excluded: a rule that names no side is the sender's */
  deleteExcluded: boolean;
}

/** Rules by their long names, which files may have. */
const LONG_NAMES: Record<string, string> = {
  clear: '!',
  'dir-merge': ':',
  exclude: '-',
  hide: 'H',
  include: '+',
  merge: '.',
  protect: 'P',
  risk: 'R',
  show: 'S',
};

const MERGE_MODIFIERS = '-+enw';

/**
 * @param text without leading blanks; a word where the source is made of words
 * @returns undefined when the text is no rule
 */
export function parseRule(text: string, source: RuleSource): ParsedRule | undefined {
  const { container } = source;
  const head = newHead(container);
  if (container?.noPrefixes) return plain(text, head, source, container.cvs && text === '!');
  if (source.oldPrefixes) {
    const prefix = /^[-+] /.exec(text);
    if (prefix !== null) head.include = text[0] === '+';
    return plain(prefix === null ? text : text.slice(2), head, source, text === '!');
  }
  const start = readLetter(text);
  if (start === undefined) return undefined;
  if (start.letter === '!') return start.end === text.length ? { kind: 'clear' } : undefined;
  return prefixed(text, start, head, source);
}

function newHead(container: MergeHead | undefined): MergeHead {
  return {
    include: container?.include ?? false,
    sides: [],
    absolute: container?.absolute ?? false,
    negated: false,
    perishable: container?.perishable ?? false,
    xattr: false,
    cvs: false,
    excludesSelf: false,
    noInherit: false,
    words: false,
    noPrefixes: false,
  };
}

/** A rule that is a pattern and nothing else. */
function plain(pattern: string, head: MergeHead, source: RuleSource, clears: boolean): ParsedRule | undefined {
  if (clears) return { kind: 'clear' };
  if (pattern === '' || !settleSides(head, source)) return undefined;
  return { kind: 'pattern', head, pattern };
}

/** The rule's letter, and where its modifiers begin. */
function readLetter(text: string): { letter: string; end: number } | undefined {
  const long = /^[a-z-]+/.exec(text)?.[0] ?? '';
  if (long !== '' && Object.hasOwn(LONG_NAMES, long) && /^(?:[ \t\n\v\f\r_,]|$)/.test(text.slice(long.length))) {
    return { letter: LONG_NAMES[long], end: long.length + (text[long.length] === ',' ? 1 : 0) };
  }
  if (text === '' || !'-+PRHS!:.'.includes(text[0])) return undefined;
  return { letter: text[0], end: text[1] === ',' ? 2 : 1 };
}

function prefixed(
  text: string,
  start: { letter: string; end: number },
  head: MergeHead,
  source: RuleSource,
): ParsedRule | undefined {
  const { letter } = start;
  const isMerge = letter === ':' || letter === '.';
  if ('+SR'.includes(letter)) head.include = true;
  const namesSide = 'PRHS'.includes(letter);
  if (namesSide) head.sides.push(letter === 'H' || letter === 'S' ? 's' : 'r');
  let at = start.end;
  for (; at < text.length && !' _'.includes(text[at]); at++) {
    if (!applyModifier(head, text[at], isMerge, namesSide)) return undefined;
  }
  const pattern = text.slice(at + 1);
  if (!settleSides(head, source, isMerge)) return undefined;
  if (pattern === '' && !head.cvs) return undefined;
  if (!isMerge) return { kind: 'pattern', head, pattern };
  return { kind: letter === ':' ? 'perDirectory' : 'once', head, pattern: pattern === '' ? '.cvsignore' : pattern };
}

/** False for a modifier that this rule cannot have. */
function applyModifier(head: MergeHead, modifier: string, isMerge: boolean, namesSide: boolean): boolean {
  if (MERGE_MODIFIERS.includes(modifier) && !isMerge) return false;
  switch (modifier) {
    case '-':
    case '+':
      if (head.noPrefixes) return false;
      head.noPrefixes = true;
      if (modifier === '+') head.include = true;
      return true;
    case '/':
      head.absolute = true;
      return true;
    case '!':
      head.negated = true;
      return !isMerge;
    case 'C':
      if (head.noPrefixes || namesSide) return false;
      head.noPrefixes = true;
      head.words = true;
      head.noInherit = true;
      head.cvs = true;
      return true;
    case 'e':
      head.excludesSelf = true;
      return true;
    case 'n':
      head.noInherit = true;
      return true;
    case 'p':
      head.perishable = true;
      return true;
    case 'r':
    case 's':
      if (!namesSide && !head.sides.includes(modifier)) head.sides.push(modifier);
      return !namesSide;
    case 'w':
      head.words = true;
      return true;
    case 'x':
      head.xattr = true;
      return true;
    default:
      return false;
  }
}

/** Sides come from the rule or from its container, not from both. */
function settleSides(head: MergeHead, { container, deleteExcluded }: RuleSource, isMerge = false): boolean {
  if (container !== undefined && container.sides.length > 0) {
    if (head.sides.length > 0) return false;
    head.sides = [...container.sides];
  }
  if (deleteExcluded && head.sides.length === 0 && !isMerge) head.sides = ['s'];
  return true;
}

/** Filter rules a client sends to a receiver that deletes (docs/protocol.md, "Filters"). */
import { ProtocolError, RefusedError } from '../lib/errors.ts';
import { printable } from '../lib/names.ts';
import type { ByteReader } from './bytes.ts';
import { compileWildmatch, type Matcher } from './wildmatch.ts';

const LONGEST_RULE = 4096;
const MOST_RULES = 100_000;

interface Rule {
  /** a match is kept from deletion */
  protects: boolean;
  negated: boolean;
  directoryOnly: boolean;
  /** does not hold within a directory that is being deleted */
  perishable: boolean;
  matches: (path: string, isDirectory: boolean) => boolean;
}

/** One rule as sent; undefined at the list's end. */
export function readRule(reader: ByteReader): string | undefined {
  const length = reader.i32();
  if (length === 0) return undefined;
  if (length < 0 || length > LONGEST_RULE) throw new ProtocolError(`a filter rule has ${length} bytes`);
  return reader.latin1(length);
}

/** The rules in their order: the first that matches decides. */
export class Filter {
  private readonly rules: Rule[] = [];
  private readonly deleteExcluded: boolean;

  /** @param deleteExcluded rules that name no side bind the sender only */
  constructor(deleteExcluded: boolean) {
    this.deleteExcluded = deleteExcluded;
  }

  add(text: string): void {
    if (this.rules.length >= MOST_RULES) throw new ProtocolError(`there are more than ${MOST_RULES} filter rules`);
    if (text === '!') {
      this.rules.length = 0;
      return;
    }
    const rule = parseRule(text, this.deleteExcluded);
    if (rule !== undefined) this.rules.push(rule);
  }

  /**
   * Whether an object that the client did not list stays all the same.
   *
   * @param path below the root of the transfer
   * @param within it lies in a directory that is being deleted
   */
  protects(path: string, isDirectory: boolean, within: boolean): boolean {
    for (const rule of this.rules) {
      if (within && rule.perishable) continue;
      if (rule.directoryOnly && !isDirectory) continue;
      if (rule.matches(path, isDirectory) !== rule.negated) return rule.protects;
    }
    return false;
  }
}

/** What a letter stands for: with +, - the rule's kind, then the sides it binds. */
const PREFIXES: Record<string, { protects: boolean; sides: string }> = {
  '-': { protects: true, sides: '' },
  '+': { protects: false, sides: '' },
  P: { protects: true, sides: 'r' },
  R: { protects: false, sides: 'r' },
  H: { protects: true, sides: 's' },
  S: { protects: false, sides: 's' },
};

function parseRule(text: string, deleteExcluded: boolean): Rule | undefined {
  const prefix = PREFIXES[text[0]];
  if (text[0] === ':' || text[0] === '.')
    throw new RefusedError(
      `ERROR: the filter rule ${printable(text)} is refused: nightdrop does not carry merge files yet`,
    );
  const found = prefix === undefined ? null : /^.([-+/!Csrpx,]*)[ _]([\s\S]+)$/.exec(text);
  if (prefix === undefined || found === null)
    throw new ProtocolError(`the filter rule ${printable(text)} cannot be read`);
  const [, modifiers, pattern] = found;
  if (modifiers.includes('C'))
    throw new RefusedError(
      `ERROR: the filter rule ${printable(text)} is refused: nightdrop does not carry CVS excludes yet`,
    );
  let sides = prefix.sides + modifiers.replace(/[^sr]/g, '');
  if (sides === '' && deleteExcluded) sides = 's';
  if (modifiers.includes('x') || (sides.includes('s') && !sides.includes('r'))) return undefined;
  return {
    protects: prefix.protects,
    negated: modifiers.includes('!'),
    perishable: modifiers.includes('p'),
    ...compilePattern(pattern, modifiers.includes('/')),
  };
}

function compilePattern(text: string, absolute: boolean): Pick<Rule, 'directoryOnly' | 'matches'> {
  const directoryOnly = text.length > 1 && text.endsWith('/');
  let pattern = directoryOnly ? text.slice(0, -1) : text;
  const anchored = absolute || pattern.startsWith('/');
  if (pattern.startsWith('/')) pattern = pattern.slice(1);
  if (pattern.endsWith('/***')) {
    // the directory itself, and all that is in it
    const base = pattern.slice(0, -4);
    const self = at(base, anchored);
    const below = at(`${base}/**`, anchored);
    return { directoryOnly: false, matches: (path, isDirectory) => (isDirectory && self(path)) || below(path) };
  }
  const matches = at(pattern, anchored);
  return { directoryOnly, matches: (path) => matches(path) };
}

/** A pattern without a slash is held against the last name, one with slashes against as many names at the end. */
function at(pattern: string, anchored: boolean): Matcher {
  const matcher = compileWildmatch(pattern);
  if (anchored) return matcher;
  if (pattern.includes('**')) return (path) => suffixes(path).some(matcher);
  const names = pattern.split('/').length;
  return (path) => matcher(lastNames(path, names));
}

function lastNames(path: string, count: number): string {
  let from = path.length;
  for (let i = 0; i < count && from >= 0; i++) from = path.lastIndexOf('/', from - 1);
  return from < 0 ? path : path.slice(from + 1);
}

function suffixes(path: string): string[] {
  const all = [path];
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) all.push(path.slice(slash + 1));
  return all;
}

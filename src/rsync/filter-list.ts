/** Lists of filter rules, and what a text adds to them (docs/protocol.md, "Filters"). */
import { RefusedError } from '../lib/errors.ts';
import { CVS_EXCLUDES, MergeRule } from './filter-merge.ts';
import { Pattern } from './filter-pattern.ts';
import type { ParsedRule, RuleHead } from './filter-rule.ts';

/** Stands for the list of -C. */
export const CVS = Symbol('the excludes of CVS');

export type Rule = Pattern | MergeRule | typeof CVS;

/** Rules that count at one time: the client's own, or in one directory those of one kind of merge file. */
export const MOST_RULES = 100_000;

/** Kinds of merge files: each is looked for in every directory. */
const MOST_MERGES = 64;

export const EXCLUDE: RuleHead = {
  include: false,
  sides: [],
  absolute: false,
  negated: false,
  perishable: false,
  xattr: false,
  cvs: false,
};

/** Rules of one source, and after them those that are inherited. */
export class RuleList {
  rules: Rule[] = [];
  next: RuleList | undefined;

  constructor(next: RuleList | undefined = undefined) {
    this.next = next;
  }

  get size(): number {
    let size = 0;
    for (let list: RuleList | undefined = this; list !== undefined; list = list.next) size += list.rules.length;
    return size;
  }

  *[Symbol.iterator](): Generator<Rule> {
    for (let list: RuleList | undefined = this; list !== undefined; list = list.next) yield* list.rules;
  }

  /**
   * @param merges the per-directory merge rules in force, in their order; grows and shrinks with the list
   * @param prefix of anchored patterns in a merge file: its directory; undefined for rules that are bound to none
   */
  add(rule: ParsedRule, merges: MergeRule[], prefix: string | undefined): void {
    if (rule.kind === 'clear') {
      this.clear(merges);
      return;
    }
    // in a file on this side, rules for the sender alone say nothing
    if (prefix !== undefined && rule.head.sides.length === 1 && rule.head.sides[0] === 's') return;
    if (this.size >= MOST_RULES) throw new RefusedError(`ERROR: there are more than ${MOST_RULES} filter rules`);
    if (rule.kind === 'pattern') {
      this.rules.push(rule.head.cvs ? CVS : new Pattern(rule.head, rule.pattern, prefix));
      return;
    }
    const merge = new MergeRule(rule.head, rule.pattern);
    if (rule.head.excludesSelf) this.rules.push(new Pattern(EXCLUDE, merge.name));
    if (rule.kind === 'once' || merges.some((known) => known.name === merge.name)) return;
    if (merges.length >= MOST_MERGES) throw new RefusedError(`ERROR: there are more than ${MOST_MERGES} merge rules`);
    merges.push(merge);
    this.rules.push(merge);
  }

  private clear(merges: MergeRule[]): void {
    for (const rule of this.rules) {
      const place = rule instanceof MergeRule ? merges.indexOf(rule) : -1;
      if (place >= 0) merges.splice(place, 1);
    }
    this.rules = [];
    this.next = undefined;
  }
}

/** The rules of -C. @param protocol since 30 they do not keep a directory from being deleted */
export function cvsRules(protocol: number): RuleList {
  const list = new RuleList();
  const head = { ...EXCLUDE, perishable: protocol >= 30 };
  list.rules = CVS_EXCLUDES.map((pattern) => new Pattern(head, pattern));
  return list;
}

/** What merge files say in the directories on the way to the one that is looked at (docs/protocol.md, "Filters"). */
import { RefusedError, RsyncExit } from '../lib/errors.ts';
import { MOST_RULES, RuleList } from './filter-list.ts';
import { clean, type MergeRule, rulesIn } from './filter-merge.ts';
import { type MergeHead, parseRule } from './filter-rule.ts';

/** Files that merge each other. */
const DEEPEST_MERGE = 32;
/** Bytes of one merge file. */
const LONGEST_FILE = 1 << 20;

interface Level {
  /** below the root of the transfer, '' for it */
  path: string;
  merges: MergeRule[];
  rules: Map<MergeRule, RuleList>;
  /** number of rules from its files */
  count: number;
}

/** Asks for a file by its path from the module's root, and is given its content; undefined when there is none. */
export type Reading<T> = Generator<string, T, string | undefined>;

export interface LevelOptions {
  deleteExcluded: boolean;
}

/** The directories that were entered and are not left, from the top down. */
export class FilterLevels {
  private readonly options: LevelOptions;
  private levels: Level[] = [];
  /** rules of all levels: merge files may be many */
  private count = 0;

  constructor(options: LevelOptions) {
    this.options = options;
  }

  /** What a merge rule's files say about objects in `directory`. */
  rules(merge: MergeRule, directory: string): RuleList | undefined {
    for (let i = this.levels.length - 1; i >= 0; i--) {
      const level = this.levels[i];
      if (level.path === directory || isAbove(level.path, directory)) return level.rules.get(merge);
    }
    return undefined;
  }

  /**
   * Reads the merge files of a directory; those entered before that are not above it are left.
   *
   * @param merges the client's own merge rules
   * @param base of the transfer, below the module's root
   */
  *enter(path: string, merges: readonly MergeRule[], base: string): Reading<void> {
    while (this.levels.length > 0 && !isAbove(this.levels[this.levels.length - 1].path, path)) {
      this.count -= this.levels.pop()?.count ?? 0;
    }
    yield* this.push(path, merges, base);
  }

  /** Leaves all. */
  leave(): void {
    this.levels = [];
    this.count = 0;
  }

  private *push(path: string, merges: readonly MergeRule[], base: string): Reading<void> {
    const parent = this.levels[this.levels.length - 1];
    const level: Level = { path, merges: [...(parent?.merges ?? merges)], rules: new Map(), count: 0 };
    const directory = joined(base, path);
    // rules in these files may add merge rules, which count here already
    for (let i = 0; i < level.merges.length; i++) {
      const merge = level.merges[i];
      const above = merge.searched ? undefined : yield* this.search(merge, directory, level.merges);
      const inherited = merge.head.noInherit ? undefined : (parent?.rules.get(merge) ?? above);
      const list = new RuleList(inherited);
      level.rules.set(merge, list);
      yield* this.merge(joined(directory, merge.name), { list, head: merge.head, directory, base, level, depth: 0 });
    }
    this.levels.push(level);
    this.count += level.count;
  }

  /**
   * A rule with a path finds its files in directories above the first one that is entered; what they say counts there and
   * below, and as in stock no more once that directory is left.
   */
  private *search(merge: MergeRule, directory: string, merges: MergeRule[]): Reading<RuleList | undefined> {
    merge.searched = true;
    let found: RuleList | undefined;
    for (const above of merge.directoriesAbove(directory)) {
      const list = new RuleList(found);
      const level = { path: '', merges, rules: new Map(), count: 0 };
      const path = joined(above, merge.name);
      yield* this.merge(path, { list, head: merge.head, directory: above, base: above, level, depth: 0 });
      if (!merge.head.noInherit) found = list;
    }
    return found;
  }

  /** Adds the rules of a file to a list. */
  private *merge(path: string, into: Target): Reading<boolean> {
    const text = yield path;
    if (text === undefined) return false;
    if (text.length > LONGEST_FILE) throw refused('is longer than there is room for');
    const source = { container: into.head, oldPrefixes: false, deleteExcluded: this.options.deleteExcluded };
    const prefix = into.directory === '' ? '' : `/${into.directory}`;
    for (const line of rulesIn(text, into.head.words)) {
      const rule = parseRule(line, source);
      // what stands in a stored file is not for error messages
      if (rule === undefined) throw refused('has a rule that cannot be read', RsyncExit.syntax);
      if (this.count + ++into.level.count > MOST_RULES) throw refused('has more rules than there is room for');
      // rules of a file that is merged once are bound to no directory
      into.list.add(rule, into.level.merges, into.depth > 0 ? undefined : prefix);
      if (rule.kind === 'once') yield* this.mergeOnce(rule.pattern, rule.head, into);
    }
    return true;
  }

  private *mergeOnce(pattern: string, head: MergeHead, into: Target): Reading<void> {
    const folder = pattern.startsWith('/') ? '' : pattern.includes('/') ? into.directory : into.base;
    const there =
      into.depth < DEEPEST_MERGE &&
      (yield* this.merge(clean(joined(folder, pattern)), { ...into, head, depth: into.depth + 1 }));
    if (!there) throw refused('names a file that cannot be read', RsyncExit.fileIo);
  }
}

interface Target {
  list: RuleList;
  head: MergeHead;
  /** of the file, from the module's root */
  directory: string;
  /** where a name without a path is looked for in a rule that merges once */
  base: string;
  level: Level;
  depth: number;
}

function refused(why: string, rsyncExit: number = RsyncExit.unsupported): RefusedError {
  return new RefusedError(`ERROR: a merge file in the destination ${why}`, { rsyncExit });
}

function joined(directory: string, name: string): string {
  if (name === '') return directory;
  return directory === '' ? name : `${directory}/${name}`;
}

function isAbove(directory: string, path: string): boolean {
  return directory === '' ? path !== '' : path.startsWith(`${directory}/`);
}

/** Filter rules a client sends to a receiver that deletes (docs/protocol.md, "Filters"). */
import { ProtocolError, RefusedError } from '../lib/errors.ts';
import { printable } from '../lib/names.ts';
import type { ByteReader } from './bytes.ts';
import { FilterLevels, type Reading } from './filter-levels.ts';
import { CVS, cvsRules, MOST_RULES, RuleList } from './filter-list.ts';
import type { MergeRule } from './filter-merge.ts';
import { Pattern } from './filter-pattern.ts';
import { parseRule } from './filter-rule.ts';

/** A pattern of a path's length, and what stands before it. */
const LONGEST_RULE = 4096 + 16;
/** Bytes of the client's rules: what each path is held against in the worst case. */
const MOST_TEXT = 4 << 20;

/** One rule as sent; undefined at the list's end. */
export function readRule(reader: ByteReader): string | undefined {
  const length = reader.i32();
  if (length === 0) return undefined;
  if (length < 0 || length > LONGEST_RULE) throw new ProtocolError(`a filter rule has ${length} bytes`);
  return reader.latin1(length);
}

export interface FilterOptions {
  /** --delete-excluded: a rule that names no side is the sender's */
  deleteExcluded: boolean;
  /** 32 unless told */
  protocol?: number;
  /** whether directories will be entered, so that merge rules can be carried; else they are refused */
  mergeFiles?: boolean;
  /** why they are refused, for the client */
  refusal?: string;
}

/** The rules in their order: the first that holds decides. */
export class Filter {
  /** path of the root of the transfer below the module's: rules may be bound to the latter. Set before the first question */
  base = '';
  private readonly options: FilterOptions;
  private readonly list = new RuleList();
  private readonly merges: MergeRule[] = [];
  private readonly levels: FilterLevels;
  private readonly cvs: RuleList;
  private count = 0;
  private textLength = 0;
  private aboutXattrs = false;

  /** @param options true or false alone: whether --delete-excluded was given */
  constructor(options: FilterOptions | boolean) {
    this.options = typeof options === 'boolean' ? { deleteExcluded: options } : options;
    this.levels = new FilterLevels(this.options);
    this.cvs = cvsRules(this.options.protocol ?? 32);
  }

  /** Adds a rule at the end. @throws when it cannot be read, or is not carried */
  add(text: string): void {
    const { deleteExcluded, mergeFiles, refusal = 'merge files are not carried here', protocol = 32 } = this.options;
    this.count++;
    this.textLength += text.length;
    if (this.count > MOST_RULES) throw new ProtocolError(`there are more than ${MOST_RULES} filter rules`);
    if (this.textLength > MOST_TEXT) throw new ProtocolError(`the filter rules have more than ${MOST_TEXT} bytes`);
    const rule = parseRule(text, { container: undefined, oldPrefixes: protocol < 29, deleteExcluded });
    if (rule === undefined) throw new ProtocolError(`the filter rule ${shown(text)} cannot be read`);
    // stock clients send what is in the file
    if (rule.kind === 'once') throw new ProtocolError(`the filter rule ${shown(text)} names a file of the client's`);
    if (rule.kind === 'perDirectory' && !mergeFiles) {
      const name = rule.head.cvs ? `${shown(text)} (a part of -C)` : shown(text);
      throw new RefusedError(`ERROR: the filter rule ${name} is refused: ${refusal}`);
    }
    if (rule.kind === 'pattern') this.aboutXattrs ||= rule.head.xattr;
    this.list.add(rule, this.merges, undefined);
  }

  /**
   * Whether an object that the client did not list stays all the same.
   *
   * @param path below the root of the transfer; the directory it is in must have been entered if `needsDirectories`
   * @param within it lies in a directory that is being deleted
   */
  protects(path: string, isDirectory: boolean, within = false): boolean {
    const directory = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    const holds = (pattern: Pattern) => !pattern.head.xattr && pattern.holds(path, isDirectory, this.base);
    return this.includes(this.list, holds, directory, within) === false;
  }

  /** Whether there are rules about extended attributes: they stand in for the choice by namespace. */
  get filtersXattrs(): boolean {
    return this.aboutXattrs;
  }

  /** Whether an extended attribute is passed over: not taken from the client, and not removed here. */
  excludesXattr(name: string): boolean {
    const holds = (pattern: Pattern) => pattern.head.xattr && pattern.holds(name, false, '');
    return this.includes(this.list, holds, '', false) === false;
  }

  /** Whether directories have to be entered before questions about what is in them. */
  get needsDirectories(): boolean {
    return this.merges.length > 0;
  }

  /**
   * Reads the merge files of a directory. They count for what is in it and below, until a directory is entered that is
   * not below it. A directory on the way that is not entered does not count: a receiver enters what was listed.
   *
   * @param path below the root of the transfer, '' for the root
   * @param readMergeFile the stored content of a file, by its path from the module's root; undefined when there is none
   */
  enterDirectory(path: string, readMergeFile: (path: string) => string | undefined): void {
    const steps = this.entering(path);
    for (let step = steps.next(); !step.done; step = steps.next(readMergeFile(step.value))) {}
  }

  /** The same in steps, for a caller that has to wait for files: yields a file's path and takes its content. */
  *entering(path: string): Reading<void> {
    if (this.needsDirectories) yield* this.levels.enter(path, this.merges, this.base);
  }

  /** Leaves every directory: no merge file counts any more. */
  leaveDirectories(): void {
    this.levels.leave();
  }

  /** What the first rule says that holds; undefined when none does. */
  private includes(
    list: RuleList,
    holds: (pattern: Pattern) => boolean,
    directory: string,
    within: boolean,
  ): boolean | undefined {
    for (const rule of list) {
      if (rule instanceof Pattern) {
        if ((!within || !rule.head.perishable) && holds(rule)) return rule.head.include;
        continue;
      }
      const nested = rule === CVS ? this.cvs : this.levels.rules(rule, directory);
      const decided = nested === undefined ? undefined : this.includes(nested, holds, directory, within);
      if (decided !== undefined) return decided;
    }
    return undefined;
  }
}

function shown(text: string): string {
  return printable(text.slice(0, 200));
}

/** Options that the operator refuses, in the words of rsyncd.conf(5), "refuse options". */
import { NightdropError, RsyncExit } from '../lib/errors.ts';
import { OPTION_NAMES, type OptionName } from './option-names.ts';
import { LONG_OPTIONS, SHORT_WITH_VALUE } from './option-table.ts';
import type { ServerOptions } from './options.ts';
import { Wildmatch } from './wildmatch.ts';

/** Letters that -a stands for; as words of a rule 'a' and 'archive' mean these. */
const ARCHIVE = '[ardlptgoD]';

/** Each asks the receiver to delete, and is refused where `delete` is. */
const DELETIONS = ['delete', 'delete-excluded', 'delete-missing-args'];
const TIMED_DELETIONS = ['delete-before', 'del', 'delete-during', 'delete-delay', 'delete-after'];
const INPLACE = ['append', 'append-verify', 'write-devices'];

export class OptionRefusals {
  private readonly refused = new Set<OptionName>();

  /** @param words options, letters or wildcards; with `!` before them those that are not refused after all; the last counts */
  constructor(words: readonly string[]) {
    const exactOnly = new Set(OPTION_NAMES.filter((name) => name.exactOnly));
    for (const given of words) {
      const negated = given.length > 1 && given.startsWith('!');
      const { names, wild } = namesOf(negated ? given.slice(1) : given);
      for (const name of names) {
        if (wild && exactOnly.has(name)) continue;
        if (negated) this.refused.delete(name);
        else this.refused.add(name);
      }
    }
  }

  /** Words that name no option of rsync. */
  static unknown(words: readonly string[]): string[] {
    return words.filter((word) => namesOf(word.replace(/^!(?=.)/, '')).names.length === 0);
  }

  /**
   * Why the arguments of a push are refused: what stock rsyncd says of the first of them that is, or of what they imply.
   * `options` are what was read of them; that `--delete` is done before the transfer where nothing else may be is set there.
   */
  problem(args: readonly string[], options: ServerOptions): NightdropError | undefined {
    if (this.refused.size === 0) return undefined;
    const given = givenNames(args);
    const named = given.find((name) => this.refused.has(name));
    const refused = named ?? this.implied(new Set(given.map(({ long }) => long)), options);
    return refused === undefined ? undefined : refusal(refused);
  }

  /** In the order in which stock comes upon them. */
  private implied(given: Set<string>, options: ServerOptions): OptionName | undefined {
    const compresses = options.compress !== 'none' || options.compressLevel !== undefined;
    if (compresses && this.refuses('compress')) return nameOf('compress');
    if (!given.has('iconv') && this.refuses('no-iconv')) return nameOf('no-iconv');
    const timed = TIMED_DELETIONS.some((name) => given.has(name));
    if (!timed && options.deletes && this.refuses('delete-during')) {
      if (this.refuses('delete-before')) return nameOf('delete-before');
      options.deleteMode = 'before';
    }
    const deletes = timed || DELETIONS.some((name) => given.has(name));
    if (deletes && this.refuses('delete')) return nameOf('delete');
    const writesInPlace = INPLACE.some((name) => given.has(name));
    if (writesInPlace && this.refuses('inplace')) return nameOf('inplace');
    if ((writesInPlace || given.has('inplace')) && this.refuses('partial')) return nameOf('partial');
    return undefined;
  }

  private refuses(long: string): boolean {
    const name = nameOf(long);
    return name !== undefined && this.refused.has(name);
  }
}

/** Of a rule without wildcards: the option and whatever switches the same. */
function namesOf(word: string): { names: OptionName[]; wild: boolean } {
  const isArchive = word === 'a' || word === 'archive';
  const wild = isArchive || /[*?[]/.test(word);
  if (wild) {
    const pattern = new Wildmatch(isArchive ? ARCHIVE : word);
    const fits = (text: string) => text !== '' && pattern.matches(text);
    return { names: OPTION_NAMES.filter(({ long, short }) => fits(long) || fits(short)), wild };
  }
  const found = OPTION_NAMES.find(({ long, short }) => word !== '' && (long === word || short === word));
  return { names: found ? OPTION_NAMES.filter(({ ability }) => ability === found.ability) : [], wild };
}

function nameOf(long: string): OptionName | undefined {
  return OPTION_NAMES.find((name) => name.long === long);
}

/** The options that arguments name, one after another; values are passed over. */
function givenNames(args: readonly string[]): OptionName[] {
  const names: (OptionName | undefined)[] = [];
  for (let i = 1; i < args.length && args[i] !== '.'; i++) {
    const argument = args[i];
    if (argument.startsWith('--')) {
      const [, long, equals] = /^--([^=]*)(=?)/.exec(argument)!;
      names.push(nameOf(long));
      if (equals === '' && LONG_OPTIONS.get(`--${long}`)?.takesValue) i++;
    } else if (argument.startsWith('-')) {
      for (const letter of argument.slice(1)) {
        names.push(OPTION_NAMES.find(({ short }) => short === letter));
        // what follows is a value: of `e` what the client can do
        if (letter === 'e' || SHORT_WITH_VALUE.has(letter)) break;
      }
      if (givesNext(argument)) i++;
    }
  }
  return names.filter((name) => name !== undefined);
}

/** Whether the first letter with a value is the last: then its value is the next argument. */
function givesNext(argument: string): boolean {
  const at = [...argument].findIndex((letter, i) => i > 0 && (letter === 'e' || SHORT_WITH_VALUE.has(letter)));
  return at === argument.length - 1 && argument[at] !== 'e';
}

function refusal({ long, short }: OptionName): NightdropError {
  const shown = long === '' ? `-${short}` : short === '' ? `--${long}` : `--${long} (-${short})`;
  return new NightdropError('ERR_REFUSED', `rsync: The server is configured to refuse ${shown}`, {
    rsyncExit: RsyncExit.unsupported,
    forClient: true,
  });
}

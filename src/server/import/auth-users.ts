/** Who may push into a module: "auth users" over a secrets file (rsyncd.conf(5)). */
import { printable } from '../../lib/names.ts';
import { Wildmatch } from '../../rsync/wildmatch.ts';
import { different, type Fate, left, unneeded } from './fate.ts';

export const MAY_ONLY_READ = 'may only read';

interface Rule {
  /** without @ */
  pattern: string;
  isGroup: boolean;
  /** undefined: as the module */
  access: 'deny' | 'ro' | 'rw' | undefined;
}

export interface Pushers {
  /** user to secret */
  logins: Map<string, string>;
  /** what of the rules is not carried */
  fates: Fate[];
}

/** @param readOnly what holds for users whose rule says nothing of it */
export function pushersOf(authUsers: string, secrets: ReadonlyMap<string, string>, readOnly: boolean): Pushers {
  const rules = parseRules(authUsers);
  const logins = new Map<string, string>();
  const fates: Fate[] = rules
    .filter(({ isGroup }) => isGroup)
    .map(({ pattern }) => left(`@${printable(pattern)}: groups of the system are not known here`));
  for (const [user, secret] of secrets) {
    const fate = fateOf(user, secret, rules, readOnly);
    if (fate === 'pushes') logins.set(user, secret);
    else if (fate !== undefined) fates.push(fate);
  }
  for (const { pattern, isGroup, access } of rules) {
    if (isGroup || access === 'deny' || isWild(pattern) || secrets.has(pattern)) continue;
    fates.push(unneeded(`${printable(pattern)} has no secret, and could not log in`));
  }
  return { logins, fates };
}

/** undefined where no rule speaks of the user, or one denies it. */
function fateOf(user: string, secret: string, rules: Rule[], readOnly: boolean): Fate | 'pushes' | undefined {
  const allows = ({ access }: Rule) => access === 'rw' || (access === undefined && !readOnly);
  const at = rules.findIndex(({ pattern, isGroup }) => !isGroup && new Wildmatch(pattern).matches(user));
  if (at < 0 || rules[at].access === 'deny') return undefined;
  const name = printable(user);
  if (!allows(rules[at])) return different(`${name} ${MAY_ONLY_READ}`);
  const before = rules.slice(0, at).find((rule) => rule.isGroup && !allows(rule));
  if (before !== undefined)
    return left(`${name}: whether @${printable(before.pattern)} keeps it out is not known here`);
  if (/\s/.test(user)) return unneeded(`${name} has a blank in its name, and could not log in`);
  if (secret === '') return left(`${name} has an empty secret`);
  return 'pushes';
}

/** Words between blanks and commas; between commas alone where the list begins with one. */
function parseRules(text: string): Rule[] {
  const list = text.trimStart();
  const words = list.startsWith(',') ? list.split(',') : list.split(/[\s,]+/);
  return words
    .map((word) => word.trim())
    .filter((word) => word !== '')
    .map((word) => {
      const [, name, option] = /^([^:]*):?([\s\S]*)$/.exec(word)!;
      const isGroup = name.startsWith('@');
      return { pattern: isGroup ? name.slice(1) : name, isGroup, access: accessOf(option.toLowerCase()) };
    });
}

function accessOf(option: string): Rule['access'] {
  if (option.startsWith('d')) return 'deny';
  if (option.startsWith('ro')) return 'ro';
  if (option.startsWith('rw')) return 'rw';
  return undefined;
}

function isWild(pattern: string): boolean {
  return /[*?[]/.test(pattern);
}

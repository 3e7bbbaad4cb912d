/** --usermap and --groupmap: owners of the client under other numbers (docs/protocol.md, "Owners under other numbers"). */
import { NightdropError, RsyncExit } from '../lib/errors.ts';
import { brief } from '../lib/names.ts';
import type { OwnerKind } from './id-list.ts';
import { Wildmatch } from './wildmatch.ts';

const LARGEST_ID = 0xfffffffe;
/** Owners that are remembered at most: a client can name as many as it likes. */
const MOST_KNOWN = 65_536;

export interface Owner {
  id: number;
  /** '' where there is none */
  name: string;
}

interface Rule {
  holds: (id: number, name: string) => boolean;
  to: Owner;
}

/** The rules of one map in their order: the first that holds decides. */
export class OwnerMap {
  private readonly rules: Rule[] = [];
  private readonly known = new Map<string, Owner>();

  /**
   * @param kind of map, for what is said of it
   * @param numberOf a name's number, undefined when there is no such account
   * @param onUnknown hears of names without a number; their rules do not count
   * @throws NightdropError (exit code 1) when the text is not FROM:TO[,FROM:TO…]
   */
  constructor(
    kind: OwnerKind,
    text: string,
    numberOf: (name: string) => number | undefined,
    onUnknown: (name: string) => void,
  ) {
    // the last one first: the order in which a stock receiver tells of names that it does not know
    for (const part of text.split(',').reverse()) {
      const colon = part.indexOf(':');
      if (colon < 0) throw wrong(kind, `no colon in ${brief(part)}`);
      const to = part.slice(colon + 1);
      if (to === '') throw wrong(kind, `nothing after the colon of ${brief(part)}`);
      const holds = condition(kind, part.slice(0, colon));
      const owner = target(kind, to, numberOf);
      if (owner === undefined) onUnknown(to);
      else this.rules.unshift({ holds, to: owner });
    }
  }

  /** What the owner becomes; the same when no rule holds. */
  of(id: number, name: string): Owner {
    const key = `${id}:${name}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const owner = this.rules.find((rule) => rule.holds(id, name))?.to ?? { id, name };
    if (this.known.size >= MOST_KNOWN) this.known.clear();
    this.known.set(key, owner);
    return owner;
  }
}

/** NUMBER, NUMBER-NUMBER, a pattern with `*`, `?` or `[`, or a name; an empty one is an owner without a name. */
function condition(kind: OwnerKind, from: string): Rule['holds'] {
  if (/^\d/.test(from)) {
    const range = /^(\d+)(?:-(\d+))?$/.exec(from);
    if (range === null) throw wrong(kind, `${brief(from)} is no number and no range`);
    const low = number(kind, range[1]);
    const high = range[2] === undefined ? low : number(kind, range[2]);
    return (id) => id >= low && id <= high;
  }
  if (/[*[?]/.test(from)) {
    const pattern = new Wildmatch(from);
    return (_, name) => pattern.matches(name);
  }
  return (_, name) => name === from;
}

function target(kind: OwnerKind, to: string, numberOf: (name: string) => number | undefined): Owner | undefined {
  if (/^\d+$/.test(to)) return { id: number(kind, to), name: '' };
  const id = numberOf(to);
  return id === undefined ? undefined : { id, name: to };
}

function number(kind: OwnerKind, digits: string): number {
  const value = Number(digits);
  if (value > LARGEST_ID) throw wrong(kind, `${brief(digits)} is no ${kind} number`);
  return value;
}

function wrong(kind: OwnerKind, what: string): NightdropError {
  return new NightdropError('ERR_SYNTAX', `ERROR: the option --${kind}map cannot be read: ${what}`, {
    rsyncExit: RsyncExit.syntax,
    forClient: true,
  });
}

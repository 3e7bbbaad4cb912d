/**
 * rsync's patterns (docs/protocol.md, "Filters"): `*` and `?` stop at a slash, `**` does not, `[…]` is a set, `\` takes
 * the next character as it is. Matching follows all possibilities at once, so its time is bounded by pattern × text.
 */

/** What one place of a pattern takes: a byte (its code), or one of these. */
const ANY = 256;
const STAR = 257;
const STAR_STAR = 258;
/** No byte at all: a set without an end, or a backslash at the end. */
const NOTHING = 259;
/** This and above: a set, by its place among the pattern's sets. */
const FIRST_SET = 260;

const SLASH = 0x2f;

/** Names are latin1-tagged bytes. */
export class Wildmatch {
  private readonly tokens: Uint16Array;
  /** 256 entries each: 1 where the byte is taken */
  private readonly sets: Uint8Array[] = [];
  private states: Uint8Array;
  private next: Uint8Array;

  constructor(pattern: string) {
    this.tokens = Uint16Array.from(this.tokenize(pattern));
    this.states = new Uint8Array(this.tokens.length + 1);
    this.next = new Uint8Array(this.tokens.length + 1);
  }

  /** @param afterSlashes the match may begin after any slash too, not only at the start */
  matches(text: string, afterSlashes = false): boolean {
    const { tokens } = this;
    const { length } = tokens;
    this.states.fill(0);
    this.enter(this.states, 0);
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      const { states, next } = this;
      next.fill(0);
      let alive = false;
      for (let i = 0; i < length; i++) {
        if (states[i] === 0) continue;
        const token = tokens[i];
        if (token === STAR_STAR || (token === STAR && code !== SLASH)) {
          this.enter(next, i);
          alive = true;
        } else if (token === code || (token >= ANY && this.takes(token, code))) {
          this.enter(next, i + 1);
          alive = true;
        }
      }
      if (afterSlashes) {
        if (code === SLASH) this.enter(next, 0);
      } else if (!alive) {
        return false;
      }
      this.states = next;
      this.next = states;
    }
    return this.states[length] === 1;
  }

  /** Reaches a place, and those behind it that need no byte. */
  private enter(states: Uint8Array, place: number): void {
    const { tokens } = this;
    let i = place;
    while (states[i] === 0) {
      states[i] = 1;
      if (tokens[i] !== STAR && tokens[i] !== STAR_STAR) return;
      i++;
    }
  }

  private takes(token: number, code: number): boolean {
    if (token === ANY) return code !== SLASH;
    return token >= FIRST_SET && this.sets[token - FIRST_SET][code] === 1;
  }

  private tokenize(pattern: string): number[] {
    const tokens: number[] = [];
    for (let at = 0; at < pattern.length; at++) {
      const char = pattern[at];
      if (char === '*') {
        const start = at;
        while (pattern[at + 1] === '*') at++;
        tokens.push(at > start ? STAR_STAR : STAR);
      } else if (char === '?') {
        tokens.push(ANY);
      } else if (char === '\\') {
        at++;
        tokens.push(at < pattern.length ? pattern.charCodeAt(at) : NOTHING);
      } else if (char === '[') {
        const set = new Uint8Array(256);
        const end = readSet(pattern, at, set);
        if (end < 0) return [...tokens, NOTHING];
        set[SLASH] = 0;
        tokens.push(FIRST_SET + this.sets.push(set) - 1);
        at = end;
      } else {
        tokens.push(pattern.charCodeAt(at));
      }
    }
    return tokens;
  }
}

/** Character classes of the C locale. */
const CLASSES: Record<string, RegExp> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  cntrl: /[\x00-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[\x21-\x7e]/,
  lower: /[a-z]/,
  print: /[\x20-\x7e]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[ \t\n\v\f\r]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
};

/**
 * Reads a set from its bracket on into `set`; the place of its end, -1 when it has none or names an unknown class.
 * The first character may be a closing bracket; a range needs an end on both sides, else its dash is a dash.
 */
function readSet(pattern: string, start: number, set: Uint8Array): number {
  let at = start + 1;
  const negated = pattern[at] === '!' || pattern[at] === '^';
  if (negated) at++;
  /** a character that a range could begin with; '' after a range or a class */
  let previous = '';
  for (let isFirst = true; isFirst || pattern[at] !== ']'; isFirst = false, at++) {
    if (at >= pattern.length) return -1;
    const named = namedClass(pattern, at);
    if (named !== undefined) {
      if (!addClass(set, named)) return -1;
      at += named.length + 3;
      previous = '';
    } else if (pattern[at] === '-' && previous !== '' && at + 1 < pattern.length && pattern[at + 1] !== ']') {
      at++;
      if (pattern[at] === '\\' && ++at >= pattern.length) return -1;
      addRange(set, previous, pattern[at]);
      previous = '';
    } else {
      if (pattern[at] === '\\' && ++at >= pattern.length) return -1;
      previous = pattern[at];
      addRange(set, previous, previous);
    }
  }
  if (negated) for (let code = 0; code < 256; code++) set[code] ^= 1;
  return at;
}

/** The name in '[:name:]'; undefined where something else stands. */
function namedClass(pattern: string, at: number): string | undefined {
  if (pattern[at] !== '[' || pattern[at + 1] !== ':') return undefined;
  const end = pattern.indexOf(']', at + 2);
  if (end < at + 3 || pattern[end - 1] !== ':') return undefined;
  return pattern.slice(at + 2, end - 1);
}

function addClass(set: Uint8Array, name: string): boolean {
  const matches = CLASSES[name];
  if (matches === undefined) return false;
  for (let code = 0; code < 256; code++) if (matches.test(String.fromCharCode(code))) set[code] = 1;
  return true;
}

function addRange(set: Uint8Array, from: string, to: string): void {
  for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code++) set[code] = 1;
}

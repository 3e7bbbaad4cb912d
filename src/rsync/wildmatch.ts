/**
 * rsync's patterns (docs/protocol.md, "Filters"): `*` and `?` stop at a slash, `**` does not, `[…]` is a set, `\` takes
 * the next character as it is. Matching follows all possibilities at once, so its time is bounded by pattern × name.
 */

type Token =
  | { kind: 'char'; char: string }
  | { kind: 'any' }
  | { kind: 'star' }
  | { kind: 'starstar' }
  | { kind: 'set'; matches: (char: string) => boolean };

export type Matcher = (name: string) => boolean;

export function compileWildmatch(pattern: string): Matcher {
  if (!/[*?[]/.test(pattern)) return (name) => name === pattern;
  const tokens = tokenize(pattern);
  return (name) => run(tokens, name);
}

function tokenize(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === '*') {
      let end = at;
      while (pattern[end + 1] === '*') end++;
      tokens.push({ kind: end > at ? 'starstar' : 'star' });
      at = end;
    } else if (char === '?') {
      tokens.push({ kind: 'any' });
    } else if (char === '\\' && at + 1 < pattern.length) {
      tokens.push({ kind: 'char', char: pattern[++at] });
    } else if (char === '[') {
      const set = parseSet(pattern, at);
      if (set === undefined) return [{ kind: 'set', matches: () => false }];
      tokens.push({ kind: 'set', matches: set.matches });
      at = set.end;
    } else {
      tokens.push({ kind: 'char', char });
    }
  }
  return tokens;
}

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

/** A set from its bracket on; undefined when it has no end, which matches nothing. */
function parseSet(pattern: string, start: number): { matches: (char: string) => boolean; end: number } | undefined {
  let at = start + 1;
  const negated = pattern[at] === '!' || pattern[at] === '^';
  if (negated) at++;
  const ranges: [string, string][] = [];
  const classes: RegExp[] = [];
  for (let first = true; ; first = false) {
    if (at >= pattern.length) return undefined;
    if (pattern[at] === ']' && !first) break;
    const named = /^\[:([a-z]+):\]/.exec(pattern.slice(at, at + 12));
    if (named !== null) {
      if (CLASSES[named[1]] === undefined) return undefined;
      classes.push(CLASSES[named[1]]);
      at += named[0].length;
      continue;
    }
    if (pattern[at] === '\\') at++;
    const low = pattern[at++];
    if (low === undefined) return undefined;
    let high = low;
    if (pattern[at] === '-' && at + 1 < pattern.length && pattern[at + 1] !== ']') {
      at++;
      if (pattern[at] === '\\') at++;
      high = pattern[at++];
      if (high === undefined) return undefined;
    }
    ranges.push([low, high]);
  }
  const matches = (char: string): boolean => {
    if (char === '/') return false;
    const inside = ranges.some(([low, high]) => low <= char && char <= high) || classes.some((c) => c.test(char));
    return inside !== negated;
  };
  return { matches, end: at };
}

function run(tokens: Token[], name: string): boolean {
  let states = new Uint8Array(tokens.length + 1);
  let next = new Uint8Array(tokens.length + 1);
  enter(tokens, states, 0);
  for (const char of name) {
    next.fill(0);
    let alive = false;
    for (let i = 0; i < tokens.length; i++) {
      if (states[i] === 0) continue;
      const token = tokens[i];
      if (token.kind === 'starstar' || (token.kind === 'star' && char !== '/')) {
        enter(tokens, next, i);
        alive = true;
      } else if (accepts(token, char)) {
        enter(tokens, next, i + 1);
        alive = true;
      }
    }
    if (!alive) return false;
    [states, next] = [next, states];
  }
  return states[tokens.length] === 1;
}

/** Reaches state `at`, and those behind it that need no character. */
function enter(tokens: Token[], states: Uint8Array, at: number): void {
  let i = at;
  states[i] = 1;
  while (i < tokens.length && (tokens[i].kind === 'star' || tokens[i].kind === 'starstar')) states[++i] = 1;
}

function accepts(token: Token, char: string): boolean {
  if (token.kind === 'char') return token.char === char;
  if (token.kind === 'any') return char !== '/';
  return token.kind === 'set' && token.matches(char);
}

/** What one inserted, left out or replaced byte counts; below it the difference of the bytes' values decides. */
const UNIT = 1 << 16;
/** The suffix counts so many times. */
const SUFFIX_WEIGHT = 10;
/** Names farther apart than so many bytes are not similar. */
const MOST_UNITS = 25;

/** Distance that no similar name reaches. */
export const TOO_FAR: number = MOST_UNITS * UNIT + 1;

/** Ends of names that say "an older one" and not of what kind: of backups, by programs and by hand. */
const OLDER = /^\.(?:bak|old|orig|~\d.*)$/s;

/**
 * What kind of file a name speaks of: its last suffix with the dot, but numbers (of a rotated log, say) only where there is
 * no better, and nothing that says "an older one". '' when there is none.
 */
export function significantSuffix(name: string): string {
  let rest = name.replace(/^\.+/, '');
  if (rest.length > 1 && rest.endsWith('~')) rest = rest.slice(0, -1);
  let number = '';
  for (let dot = rest.lastIndexOf('.'); dot > 0; dot = rest.lastIndexOf('.')) {
    const suffix = rest.slice(dot);
    rest = rest.slice(0, dot);
    if (OLDER.test(suffix)) continue;
    if (!/^\.\d+$/.test(suffix)) return suffix;
    number = suffix;
  }
  return number;
}

/** A name, and its suffix, which is wanted for every comparison. */
export interface SplitName {
  name: string;
  suffix: string;
}

export function splitName(name: string): SplitName {
  return { name, suffix: significantSuffix(name) };
}

/** How different two names are: `TOO_FAR` or more when they are not similar, or farther apart than `limit`. */
export function nameDistance(a: SplitName, b: SplitName, limit: number): number {
  const whole = editDistance(a.name, b.name, limit);
  return whole > limit ? TOO_FAR : whole + SUFFIX_WEIGHT * editDistance(a.suffix, b.suffix, limit);
}

/** What `nameDistance` costs at most. */
export function stepsOf(a: SplitName, b: SplitName, limit: number): number {
  if (Math.abs(a.name.length - b.name.length) * UNIT > limit) return 1;
  return a.name.length * b.name.length + a.suffix.length * b.suffix.length;
}

/** Rows of the table below, made once: names have at most 255 bytes. */
let above = new Uint32Array(257);
let row = new Uint32Array(257);

/** Levenshtein's distance with bytes that are nearer to each other counting a little less. Ends early above `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) * UNIT > limit) return TOO_FAR;
  if (b.length >= row.length) {
    above = new Uint32Array(b.length + 1);
    row = new Uint32Array(b.length + 1);
  }
  above[0] = 0;
  for (let j = 0; j < b.length; j++) above[j + 1] = above[j] + UNIT + b.charCodeAt(j);
  for (let i = 0; i < a.length; i++) {
    const byte = a.charCodeAt(i);
    row[0] = above[0] + UNIT + byte;
    let least = row[0];
    for (let j = 0; j < b.length; j++) {
      const other = b.charCodeAt(j);
      const replaced = above[j] + (byte === other ? 0 : UNIT + Math.abs(byte - other));
      row[j + 1] = Math.min(replaced, above[j + 1] + UNIT + byte, row[j] + UNIT + other);
      if (row[j + 1] < least) least = row[j + 1];
    }
    if (least > limit) return TOO_FAR;
    [above, row] = [row, above];
  }
  return above[b.length];
}

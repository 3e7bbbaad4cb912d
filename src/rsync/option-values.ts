/**
 * Values of options, as text from the client to what they say. Every function is a parser: it returns the value, or
 * undefined when the text is not one. Numbers are decimal and bounded; rsync's own clients send no other.
 */

export type ValueParser<T> = (text: string) => T | undefined;

/** A decimal integer within bounds, both included. */
export function integer(least: number, most: number): ValueParser<number> {
  return (text) => {
    if (!/^-?\d{1,15}$/.test(text)) return undefined;
    const value = Number(text);
    return value >= least && value <= most ? value : undefined;
  };
}

const UNITS = ['b', 'k', 'm', 'g', 't', 'p'];

/** rsync's sizes (rsync(1), --max-size): 100, 1.5m, 2GB (thousands), 3KiB, 1g-1. In bytes, exact below 2^53. */
export function size(text: string): number | undefined {
  const found = /^(\d{1,15}(?:\.\d{0,9})?)([bkmgtp]?)(b|ib)?([+-]1)?$/i.exec(text);
  if (found === null) return undefined;
  const [, number, unit, base, step] = found;
  const factor = base?.toLowerCase() === 'b' ? 1000 : 1024;
  const bytes = Math.floor(Number(number) * factor ** Math.max(0, UNITS.indexOf(unit.toLowerCase())));
  const value = bytes + Number(step ?? 0);
  return value >= 0 && Number.isSafeInteger(value) ? value : undefined;
}

/** Names of algorithms, one or two, lower case. */
export function names(text: string): string | undefined {
  return /^[A-Za-z0-9_-]{1,32}(,[A-Za-z0-9_-]{1,32})?$/.test(text) ? text.toLowerCase() : undefined;
}

/** Anything of a length that a person could have typed. */
export function text(value: string): string | undefined {
  return value.length <= 4096 && !value.includes('\0') ? value : undefined;
}

/** What --info=WORDS sets of the levels that concern a receiver; undefined where it says nothing of them. */
export interface InfoLevels {
  name: number | undefined;
  delete: number | undefined;
  skip: number | undefined;
  nonRegular: number | undefined;
  backup: number | undefined;
}

const MOST_LEVEL = 4;

/** `name2,del0`, `all`, `none`; words that are not ours to know are passed over, as stock servers do. */
export function infoLevels(value: string): InfoLevels | undefined {
  if (text(value) === undefined) return undefined;
  const levels: InfoLevels = {
    name: undefined,
    delete: undefined,
    skip: undefined,
    nonRegular: undefined,
    backup: undefined,
  };
  for (const word of value.split(',')) {
    const found = /^([A-Za-z]*)(\d*)$/.exec(word);
    if (found === null) continue;
    const name = found[1].toLowerCase();
    const level = name === 'none' ? 0 : found[2] === '' ? 1 : Math.min(MOST_LEVEL, Number(found[2]));
    const isAll = name === 'all' || name === 'none';
    if (name === 'name' || isAll) levels.name = level;
    if (name === 'del' || isAll) levels.delete = level;
    if (name === 'skip' || isAll) levels.skip = level;
    if (name === 'nonreg' || isAll) levels.nonRegular = level;
    if (name === 'backup' || isAll) levels.backup = level;
  }
  return levels;
}

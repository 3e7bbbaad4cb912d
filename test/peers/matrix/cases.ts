import { Random } from '../../support/random.ts';
import { type Extra, extras } from './extras.ts';
import { bases, type OptionSet, outputs } from './option-sets.ts';

/** One line of the matrix: a value of each axis. */
export interface MatrixCase {
  base: OptionSet;
  extra: Extra;
  output: OptionSet;
  protocol: number;
  /** version of the client */
  client: string;
  /** the client offers incremental recursion */
  recursion: Recursion;
  transport: Transport;
  versions: Versions;
}

export type Recursion = 'incremental' | 'whole';
export type Transport = 'tcp' | 'stdio';
/** The versions of the tree that are pushed one after the other. */
export type Versions = '1-2' | '1-2-2' | '1-2-1';

export const protocols = [32, 31, 30, 29, 28, 27] as const;
export const recursions: Recursion[] = ['incremental', 'whole'];
export const transports: Transport[] = ['tcp', 'stdio'];
export const versionings: Versions[] = ['1-2', '1-2-2', '1-2-1'];

interface Axis {
  values: readonly unknown[];
  /** how a value is named in a case's name */
  show: (value: never) => string;
}

type Axes = Record<keyof MatrixCase, Axis>;

function axesOf(clients: string[]): Axes {
  const named = (values: OptionSet[]): Axis => ({ values, show: (value: OptionSet) => value.name });
  const plain = (values: readonly unknown[], prefix = ''): Axis => ({ values, show: (value) => `${prefix}${value}` });
  return {
    base: named(bases),
    extra: named(extras),
    output: named(outputs),
    protocol: plain(protocols, 'protocol '),
    client: plain(clients, 'rsync '),
    recursion: plain(recursions),
    transport: plain(transports),
    versions: plain(versionings, 'versions '),
  };
}

export function nameOf(of: MatrixCase): string {
  const axes = axesOf([]);
  return keysOf(axes)
    .map((key) => axes[key].show(of[key] as never))
    .join(' | ');
}

/**
 * Cases in which each value of an axis meets each value of each other one: those that bring the most first, so that a
 * part of them is worth the most too. Values that have not been in any case count most.
 *
 * @param most ends after so many
 */
export function coveringCases(seed: number, clients: string[], most = Number.POSITIVE_INFINITY): MatrixCase[] {
  const random = new Random(seed);
  const axes = axesOf(clients);
  const keys = keysOf(axes);
  const order = shuffled(allMeetings(axes, keys), random);
  const open = new Set(order);
  const cases: MatrixCase[] = [];
  for (let at = 0; cases.length < most; ) {
    while (at < order.length && !open.has(order[at])) at++;
    if (at === order.length) break;
    // with a meeting that has not been, so each case brings something
    const candidates = Array.from({ length: CANDIDATES }, () => filledUp(axes, keys, order[at], random));
    const [best] = candidates.map((choice) => ({ choice, gain: gainOf(choice, open) })).sort((x, y) => y.gain - x.gain);
    for (const found of meetingsOf(best.choice)) open.delete(found);
    cases.push(asCase(axes, keys, best.choice));
  }
  return cases;
}

const CANDIDATES = 16;

/** Cases of one name, with the parts of it that are told; of an axis that is not spoken of the first value, of extras all. */
export function namedCases(name: string, clients: string[]): MatrixCase[] {
  const axes = axesOf(clients);
  const keys = keysOf(axes);
  const told = name.split('|').map((part) => part.trim());
  const known = new Set<string>();
  let choices: number[][] = [[]];
  for (const key of keys) {
    const { values, show } = axes[key];
    const chosen = values.flatMap((value, i) => (told.includes(show(value as never)) ? [i] : []));
    for (const i of chosen) known.add(show(values[i] as never));
    const taken = chosen.length > 0 ? chosen : key === 'extra' ? values.map((_, i) => i) : [0];
    choices = choices.flatMap((choice) => taken.map((i) => [...choice, i]));
  }
  const unknown = told.filter((part) => part !== '' && !known.has(part));
  if (unknown.length > 0) throw new Error(`NIGHTDROP_MATRIX_ONLY names what no axis has: ${unknown.join(' | ')}`);
  return choices.map((choice) => asCase(axes, keys, choice));
}

type Key = keyof MatrixCase;

function keysOf(axes: Axes): Key[] {
  return Object.keys(axes) as Key[];
}

function asCase(axes: Axes, keys: Key[], choice: number[]): MatrixCase {
  return Object.fromEntries(keys.map((key, i) => [key, axes[key].values[choice[i]]])) as unknown as MatrixCase;
}

/** Meetings of two values of different axes, each as one number; and of each value with itself. */
function allMeetings(axes: Axes, keys: Key[]): number[] {
  const all: number[] = [];
  const sizes = keys.map((key) => axes[key].values.length);
  for (let a = 0; a < keys.length; a++) {
    for (let i = 0; i < sizes[a]; i++) {
      all.push(meeting(a, i, a, i));
      for (let b = a + 1; b < keys.length; b++) for (let j = 0; j < sizes[b]; j++) all.push(meeting(a, i, b, j));
    }
  }
  return all;
}

function meetingsOf(choice: number[]): number[] {
  return choice.flatMap((i, a) => choice.slice(a).map((j, k) => meeting(a, i, a + k, j)));
}

function gainOf(choice: number[], open: Set<number>): number {
  let gain = 0;
  for (const found of meetingsOf(choice)) {
    if (!open.has(found)) continue;
    const { a, b } = partsOf(found);
    gain += a === b ? 10 : 1;
  }
  return gain;
}

const meeting = (a: number, i: number, b: number, j: number): number => ((a * 1000 + i) * 10 + b) * 1000 + j;

function partsOf(of: number): { a: number; i: number; b: number; j: number } {
  const digits = [10_000_000, 10_000, 1000].map((unit) => Math.floor(of / unit));
  return { a: digits[0], i: digits[1] % 1000, b: digits[2] % 10, j: of % 1000 };
}

function filledUp(axes: Axes, keys: Key[], of: number, random: Random): number[] {
  const { a, i, b, j } = partsOf(of);
  return keys.map((key, k) => (k === a ? i : k === b ? j : random.below(axes[key].values.length)));
}

function shuffled(list: number[], random: Random): number[] {
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}

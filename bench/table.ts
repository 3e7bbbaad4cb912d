import type { Cost } from './peers.ts';

export interface Row {
  case: string;
  title: string;
  peer: string;
  /** medians over the runs */
  cost: Cost;
  runs: number;
  /** wall time against rsyncd's in the same case */
  ratio: number | undefined;
}

/** Medians of each figure by itself. */
export function medianCost(costs: Cost[]): Cost {
  const of = (pick: (cost: Cost) => number) => median(costs.map(pick));
  const maybe = (pick: (cost: Cost) => number | undefined) =>
    pick(costs[0]) === undefined ? undefined : of((cost) => pick(cost) ?? 0);
  return {
    wall: of((c) => c.wall),
    cpu: of((c) => c.cpu),
    memory: { peakPss: of((c) => c.memory.peakPss), peakResident: of((c) => c.memory.peakResident) },
    up: maybe((c) => c.up),
    down: maybe((c) => c.down),
    literal: maybe((c) => c.literal),
    read: of((c) => c.read),
    written: of((c) => c.written),
    deviceRead: of((c) => c.deviceRead),
    deviceWritten: of((c) => c.deviceWritten),
    store: of((c) => c.store),
  };
}

function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const columns: [string, (row: Row) => string][] = [
  ['case', (row) => row.title],
  ['program', (row) => row.peer],
  ['wall s', (row) => row.cost.wall.toFixed(2)],
  ['× rsyncd', (row) => row.ratio?.toFixed(2) ?? ''],
  ['server CPU s', (row) => row.cost.cpu.toFixed(2)],
  ['peak PSS MB', (row) => megabytes(row.cost.memory.peakPss)],
  ['peak RSS MB', (row) => megabytes(row.cost.memory.peakResident)],
  ['up MB', (row) => megabytes(row.cost.up)],
  ['down MB', (row) => megabytes(row.cost.down)],
  ['literal MB', (row) => megabytes(row.cost.literal)],
  ['read MB', (row) => megabytes(row.cost.read)],
  ['written MB', (row) => megabytes(row.cost.written)],
  ['to device MB', (row) => megabytes(row.cost.deviceWritten)],
  ['store MB', (row) => megabytes(row.cost.store)],
];

/** One Markdown table of all rows. */
export function markdown(rows: Row[]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const head = line(columns.map(([name]) => name));
  const rule = line(columns.map((_, i) => (i < 2 ? '---' : '---:')));
  return [head, rule, ...rows.map((row) => line(columns.map(([, show]) => show(row))))].join('\n');
}

/** Millions of bytes, with digits enough for small ones. */
function megabytes(bytes: number | undefined): string {
  if (bytes === undefined) return '–';
  const value = bytes / 1e6;
  return value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(3);
}

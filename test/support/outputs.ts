import assert from 'node:assert/strict';
import type { PairResult } from './pair.ts';

/** Lines that differ between any two runs, and why. */
const VARYING: [RegExp, string][] = [
  [/^sent [\d,.KMG]+ bytes/, 'bytes on the wire: another server writes other requests'],
  [/bytes\/sec$/, 'likewise'],
  [/^Total bytes (sent|received): /, 'likewise'],
  [/^total size is /, 'the line ends in the speedup, which is from these'],
  [/^File list (generation|transfer) time: /, 'times'],
  [/^File list size: /, 'counts what was read at once'],
  [/^(Literal|Matched) data: /, 'the server chooses block lengths, and may offer more than the file of that name'],
  [/^(total: matches=|false_alarms=)/, 'likewise'],
  [/^\s*[\d,.KMG]+ +\d+% /, 'progress: rates, times, and how far the list had come'],
  [/^rsync error: /, 'where in which program it ended; the exit code is compared'],
  [
    /^rsync: connection unexpectedly closed /,
    'a server that ends early before protocol 31: closed by one, reset by the other',
  ],
  [/^rsync: \[sender\] (read|write) error: (Connection reset by peer|Broken pipe)/, 'likewise'],
  [
    /^(deleting in |\[(generator|[Rr]eceiver)\] )/,
    'details of itself, which nightdrop does not tell (docs/options.md, --debug)',
  ],
  [/^rsync\[\d+\] \(server \w+\) /, 'likewise'],
  [/^opening connection using: /, 'another host'],
  [/^ +[a-z]+: +\d+ +\(/, 'memory of the client'],
];

/** Parts of lines that differ between two servers or two processes. */
const LOCAL: [RegExp, string][] = [
  [/^(opening tcp connection to \S+) port \d+$/, '$1 port N'],
  [/^(opening connection using:? \S+) \S+/, '$1 HOST'],
  [/^rsync\[\d+\] /, 'rsync[N] '],
];

/** What is left of a client's output when all that may differ between two servers is gone. */
export function steadyLines(stdout: string): string[] {
  return stdout
    .split(/[\r\n]/)
    .filter((line) => line !== '' && !VARYING.some(([pattern]) => pattern.test(line)))
    .map((line) => LOCAL.reduce((text, [pattern, by]) => text.replace(pattern, by), line));
}

/** Lines that come when the server says so, not when the client gets there: among the others their place is chance. */
const LOOSE = [
  /^sender removed /,
  / is uptodate$/,
  /^(\*?deleting|del\.) /,
  // hard links are told when what they are linked to is in place
  / => /,
  /^h[fLDS]/,
  /^backed up /,
  /^sender removed /,
  /^skipping /,
  /^(IO error|Deletions stopped|cannot delete) /,
];

/** Lines in their order, but those of loose place behind all others, sorted. */
function settledOrder(lines: string[]): string[] {
  const isLoose = (line: string) => LOOSE.some((pattern) => pattern.test(line));
  return [...lines.filter((line) => !isLoose(line)), ...lines.filter(isLoose).sort()];
}

/** The client said the same of both pushes, line by line. */
export function assertSameOutput({ ours, stock }: PairResult): void {
  assert.equal(ours.code, stock.code, `exit codes differ: ${ours.stderr} / ${stock.stderr}`);
  assert.deepEqual(settledOrder(steadyLines(ours.stdout)), settledOrder(steadyLines(stock.stdout)));
  assert.deepEqual(settledOrder(steadyLines(ours.stderr)), settledOrder(steadyLines(stock.stderr)));
}

/** A connection that was reset and one that was closed: which of them is chance. */
const RESET = 10;
const CLOSED = 12;

/** Before protocol 29 the server writes most lines itself: their place is chance, and stock leaves names out where it deletes. */
function oldLines(lines: string[]): string[] {
  return lines.map((line) => line.replace(/^(\*?deleting|del\.).*/, 'deleting')).sort();
}

const sorted = (lines: string[]): string[] => [...lines].sort();

/**
 * What the clients said differently, one line each; empty when they said the same.
 *
 * @param protocol before 29 less can be compared
 * @param unordered lines of the server are among them, and come when they come
 * @param folder where stock keeps what is pushed: over a remote shell its messages have whole paths
 */
export function outputDifferences(
  { ours, stock }: PairResult,
  { protocol = 32, unordered = false, folder }: { protocol?: number; unordered?: boolean; folder?: string } = {},
): string[] {
  const differences: string[] = [];
  const [code, stockCode] = [ours.code, stock.code].map((code) => (code === RESET ? CLOSED : code));
  if (code !== stockCode) differences.push(`exit code ${ours.code}, stock ${stock.code}`);
  for (const stream of ['stdout', 'stderr'] as const) {
    const settle = protocol < 29 ? oldLines : unordered ? sorted : settledOrder;
    const forget = (text: string) => (folder === undefined ? text : text.replaceAll(`${folder}/`, ''));
    const [us, them] = [ours[stream], stock[stream]].map((text) => settle(steadyLines(forget(text))));
    differences.push(...lineDifferences(stream, us, them));
  }
  return differences;
}

/** Lines that only one of them has; when there are none, the first place where their order differs. */
function lineDifferences(stream: string, us: string[], them: string[]): string[] {
  const differences: string[] = [];
  const left = new Map<string, number>();
  for (const line of them) left.set(line, (left.get(line) ?? 0) + 1);
  for (const line of us) {
    const count = left.get(line) ?? 0;
    if (count === 0) differences.push(`${stream}, nightdrop only: ${line}`);
    else left.set(line, count - 1);
  }
  for (const [line, count] of left)
    for (let i = 0; i < count; i++) differences.push(`${stream}, stock only:     ${line}`);
  if (differences.length > 0) return differences;
  const at = us.findIndex((line, i) => line !== them[i]);
  return at < 0 ? [] : [`${stream}, another order from line ${at + 1} on: ${us[at]}, stock ${them[at]}`];
}

/** A number of `--stats`, e.g. 'Literal data'. */
export function statistic(stdout: string, name: string): number {
  const found = new RegExp(`^${name}: ([\\d,]+)`, 'm').exec(stdout);
  assert.ok(found, `no '${name}' in:\n${stdout}`);
  return Number(found[1].replaceAll(',', ''));
}

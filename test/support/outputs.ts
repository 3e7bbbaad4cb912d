import assert from 'node:assert/strict';
import type { PairResult } from './pair.ts';

/** Lines of rsync's output that tell of times, sizes on the wire or the delta's luck: they differ between any two runs. */
const VARYING = [
  /^sent [\d,.KMG]+ bytes/,
  /^total size is /,
  /^Total bytes (sent|received): /,
  /^File list (size|generation time|transfer time): /,
  /^Literal data: /,
  /^Matched data: /,
  /^total: matches=/,
  /bytes\/sec$/,
  // with -vv and more the client tells of its own memory and of the port
  /^ +[a-z]+: +\d+ +\(/,
  /^opening tcp connection to /,
];

/** What is left of a client's output when all that may differ between two servers is gone. */
export function steadyLines(stdout: string): string[] {
  return stdout.split('\n').filter((line) => line !== '' && !VARYING.some((pattern) => pattern.test(line)));
}

/** Lines that come when the server says so, not when the client gets there: among the others their place is chance. */
const LOOSE = [/^\*?deleting /, / => /, /^backed up /, /^skipping /, /^(IO error|Deletions stopped|cannot delete) /];

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

/** A number of `--stats`, e.g. 'Literal data'. */
export function statistic(stdout: string, name: string): number {
  const found = new RegExp(`^${name}: ([\\d,]+)`, 'm').exec(stdout);
  assert.ok(found, `no '${name}' in:\n${stdout}`);
  return Number(found[1].replaceAll(',', ''));
}

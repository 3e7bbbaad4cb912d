import assert from 'node:assert/strict';
import { linkSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { assertSameOutput, statistic } from '../support/outputs.ts';
import { type PairResult, startPair } from '../support/pair.ts';
import { Random } from '../support/random.ts';
import { temporaryFolder } from '../support/temporary.ts';

const SIZE = 400_000;

function literals({ ours, stock }: PairResult): [ours: number, stock: number] {
  return [statistic(ours.stdout, 'Literal data'), statistic(stock.stdout, 'Literal data')];
}

/** A file with content of its own, changed in its middle when `edition` is not 0. */
function write(file: string, seed: number, edition = 0): void {
  const content = new Random(seed).bytes(SIZE);
  if (edition > 0) content.write(`edition ${edition}`, SIZE / 2);
  writeFileSync(file, content);
  utimesSync(file, 1_600_000_000 + edition, 1_600_000_000 + edition);
}

for (const options of [[], ['--inplace', '--no-inc-recursive', '--protocol=30'], ['--protocol=29']]) {
  test(`--fuzzy ${options.join(' ')}: a file that was renamed and changed costs what changed`, async (t) => {
    const pair = await startPair(t);
    const source = temporaryFolder(t, 'source');
    const inside = (name: string) => path.join(source, 'dumps', name);
    mkdirSync(path.join(source, 'dumps'));
    write(inside('dump-monday.sql'), 1);
    write(inside('other.bin'), 2);
    for (const folder of ['dumps', '']) utimesSync(path.join(source, folder), 1_500_000_000, 1_500_000_000);
    await pair.pushOk(['-a'], [`${source}/`]);
    write(inside('dump-tuesday.sql'), 1, 1);
    write(inside('small.sql'), 1, 2);
    writeFileSync(inside('small.sql'), 'no more\n');
    utimesSync(path.join(source, 'dumps'), 1_500_000_001, 1_500_000_001);
    const result = await pair.pushOk(['-aiy', '--stats', ...options], [`${source}/`]);
    assertSameOutput(result);
    const [ours, stock] = literals(result);
    assert.ok(ours < 10_000 && stock < 10_000, `${ours} literal bytes, ${stock} to stock`);
    await pair.assertSame();
  });
}

test('--fuzzy --delete: what is deleted in the same push is still a basis', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  const inside = (name: string) => path.join(source, name);
  write(inside('dump-monday.sql'), 1);
  await pair.pushOk(['-a'], [`${source}/`]);
  rmSync(inside('dump-monday.sql'));
  for (const [day, mode] of ['during', 'before', 'delay', 'after'].entries()) {
    for (let i = 0; i < day; i++) rmSync(inside(`dump-${i}day.sql`), { force: true });
    write(inside(`dump-${day}day.sql`), 1, day + 1);
    utimesSync(source, 1_600_000_000 + day, 1_600_000_000 + day);
    const result = await pair.pushOk(['-aiy', '--stats', `--delete-${mode}`], [`${source}/`]);
    assertSameOutput(result);
    const [ours, stock] = literals(result);
    assert.ok(ours < 10_000, `--delete-${mode}: ${ours} literal bytes, ${stock} to stock`);
    await pair.assertSame();
  }
});

test('--fuzzy twice looks in the other places to compare with', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  const inside = (name: string) => path.join(source, 'sub', name);
  mkdirSync(path.join(source, 'sub'));
  write(inside('log.1'), 1);
  write(inside('kept'), 2);
  await pair.pushOk(['-a'], [`${source}/`], 'day1/');
  renameSync(inside('log.1'), inside('log.2'));
  write(inside('log.2'), 1, 1);
  const once = await pair.pushOk(['-aiy', '--stats', '--link-dest=../day1'], [`${source}/`], 'day2/');
  assertSameOutput(once);
  const twice = await pair.pushOk(['-aiyy', '--stats', '--link-dest=../day1'], [`${source}/`], 'day3/');
  assertSameOutput(twice);
  const [ours, stock] = literals(twice);
  assert.ok(ours < 10_000 && stock < 10_000, `${ours} literal bytes, ${stock} to stock`);
  await pair.assertSame();
});

test('--fuzzy -H: hard links of a file with a similar name end as with stock', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  const inside = (name: string) => path.join(source, name);
  write(inside('b-1'), 1);
  await pair.pushOk(['-aH'], [`${source}/`]);
  write(inside('a-1'), 1, 1);
  rmSync(inside('b-1'));
  linkSync(inside('a-1'), inside('b-1'));
  linkSync(inside('a-1'), inside('c-1'));
  assertSameOutput(await pair.push(['-aHiyn'], [`${source}/`]));
  assertSameOutput(await pair.push(['-aHiy', '--stats'], [`${source}/`]));
  await pair.assertSame();
});

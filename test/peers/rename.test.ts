import assert from 'node:assert/strict';
import { mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { statistic } from '../support/outputs.ts';
import { startPair } from '../support/pair.ts';
import { Random } from '../support/random.ts';
import { temporaryFolder } from '../support/temporary.ts';

test('a renamed directory costs sums, not data', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  const random = new Random(7);
  mkdirSync(path.join(source, 'before', 'inner'), { recursive: true });
  for (let i = 0; i < 40; i++) {
    writeFileSync(
      path.join(source, 'before', i % 2 ? 'inner' : '', `f${i}`),
      random.bytes(20_000 + random.below(80_000)),
    );
  }
  writeFileSync(path.join(source, 'before', 'large'), random.bytes(8 << 20));
  await pair.pushOk(['-a'], [`${source}/`]);
  renameSync(path.join(source, 'before'), path.join(source, 'after'));
  const { ours, stock } = await pair.pushOk(['-a', '--delete', '--stats'], [`${source}/`]);
  const [sent, sentToStock] = [ours, stock].map(({ stdout }) => statistic(stdout, 'Literal data'));
  assert.ok(sent <= sentToStock / 100, `${sent} literal bytes, ${sentToStock} to stock`);
  await pair.assertSame();
  await pair.assertSameByRestic();
});

test('files of one size and time are taken the first time they come', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  for (let i = 0; i < 60; i++) {
    const file = path.join(source, `f${i}`);
    writeFileSync(file, 'the same text in every file. '.repeat(200));
    utimesSync(file, 1_000_000_000, 1_000_000_000);
  }
  const { ours } = await pair.pushOk(['-a'], [`${source}/`]);
  assert.equal(ours.stderr + ours.stdout, '', 'a file was asked for twice');
  await pair.assertSame();
});

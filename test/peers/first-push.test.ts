import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { assertSameTrees } from '../support/compare-trees.ts';
import { makeTree } from '../support/make-tree.ts';
import { statistic } from '../support/outputs.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { resticCheck } from '../support/restic.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

const scope = fileScope();
let pair: Pair;
let source: string;

before(async () => {
  pair = await startPair(scope);
  source = temporaryFolder(scope, 'source');
  makeTree(source);
  await pair.pushOk(['-aHAX'], [`${source}/`]);
});

test('restic check reads every byte of a first push without complaint', async () => {
  await resticCheck(await pair.server.vaultInfo('web1'));
});

test('nightdrop restore gives what a stock daemon holds after the same push', async () => {
  await pair.assertSame();
});

test('restic restore gives what a stock daemon holds after the same push', async () => {
  await pair.assertSameByRestic();
});

test('what was restored equals what was pushed, attributes of the root included', async () => {
  assertSameTrees(await pair.restore(), source);
});

test('one complete snapshot is listed', async () => {
  const snapshots = await pair.server.snapshots('web1');
  assert.equal(snapshots.length, 1);
  assert.equal(snapshots[0].complete, true);
});

test('the same push again sends no content and leaves the same state', async () => {
  const { ours } = await pair.pushOk(['-aHAX', '--stats'], [`${source}/`]);
  assert.equal(statistic(ours.stdout, 'Literal data'), 0);
  assert.equal(statistic(ours.stdout, 'Number of regular files transferred'), 0);
  await pair.assertSame();
});

test('a part of a snapshot can be restored by its path', async () => {
  assertSameTrees(await pair.restore('latest', ['--path', 'modes']), `${source}/modes`);
});

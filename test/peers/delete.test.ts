import { test } from 'node:test';
import { changeTree } from '../support/change-tree.ts';
import { assertSameTrees } from '../support/compare-trees.ts';
import { makeTree } from '../support/make-tree.ts';
import { assertSameOutput } from '../support/outputs.ts';
import { startPair } from '../support/pair.ts';
import { resticCheck } from '../support/restic.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Options of the second push, after a day's changes; the matrix (test/peers/matrix) has many more. */
const secondPushes: string[][] = [
  ['--delete'],
  ['--delete-delay'],
  ['--delete-excluded', '--exclude=*.txt', '--exclude=/deep/'],
  ['--delete', '--filter=P level-*', '--filter=P --delete'],
];

test('second pushes with deletions leave what stock leaves', async (t) => {
  const pair = await startPair(t);
  const [first, second] = ['first', 'second'].map((name) => temporaryFolder(t, name));
  for (const tree of [first, second]) makeTree(tree, { shrink: 8 });
  changeTree(second, { shrink: 8 });
  for (const [i, options] of secondPushes.entries()) {
    await pair.pushOk(['-aHAX'], [`${first}/`], `case-${i}/`);
    assertSameOutput(await pair.push(['-aHAX', '-i', ...options], [`${second}/`], `case-${i}/`));
  }
  const ignore = ['rootAttributes' as const];
  await pair.assertSame({ ignore });
  await pair.assertSameByRestic({ ignore });
  await resticCheck(await pair.server.vaultInfo('web1'));
});

test('a file is not deleted that the client could not look at', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  makeTree(source, { files: 10 });
  await pair.pushOk(['-a'], [`${source}/`]);
  // the second source does not exist: the client tells of an I/O error, and stock then deletes nothing
  const result = await pair.push(['-a', '--delete'], [`${source}/plain/`, `${source}/nowhere/`]);
  assertSameOutput(result);
  await pair.assertSame();
});

test('an empty source with --delete empties the module, and the snapshot before stays', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  const empty = temporaryFolder(t, 'empty');
  makeTree(source, { files: 10 });
  await pair.pushOk(['-aHAX'], [`${source}/`]);
  const [first] = await pair.server.snapshots('web1');
  await pair.pushOk(['-aHAX', '--delete'], [`${empty}/`]);
  await pair.assertSame();
  assertSameTrees(await pair.restore(String(first.id)), source);
});

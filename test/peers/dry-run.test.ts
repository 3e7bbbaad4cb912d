import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { changeTree } from '../support/change-tree.ts';
import { makeTree } from '../support/make-tree.ts';
import { assertSameOutput } from '../support/outputs.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

const scope = fileScope();
let pair: Pair;
let source: string;

before(async () => {
  pair = await startPair(scope);
  source = temporaryFolder(scope, 'source');
  makeTree(source, { files: 20 });
});

test('a dry run against an empty module says what stock says and stores nothing', async () => {
  assertSameOutput(await pair.push(['-aHAXn', '-i'], [`${source}/`]));
  assert.deepEqual(await pair.server.snapshots('web1'), []);
});

test('a dry run of a second push says what stock says and changes nothing', async () => {
  await pair.pushOk(['-aHAX'], [`${source}/`]);
  const before = await pair.server.snapshots('web1');
  changeTree(source);
  assertSameOutput(await pair.push(['-aHAXn', '-i', '--delete'], [`${source}/`]));
  assert.deepEqual(await pair.server.snapshots('web1'), before);
  await pair.assertSame();
});

test('the push that was tried then does it', async () => {
  assertSameOutput(await pair.push(['-aHAX', '-i', '--delete'], [`${source}/`]));
  await pair.assertSame();
});

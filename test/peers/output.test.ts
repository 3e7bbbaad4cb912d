import { before, test } from 'node:test';
import { changeTree } from '../support/change-tree.ts';
import { makeTree } from '../support/make-tree.ts';
import { assertSameOutput } from '../support/outputs.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

const scope = fileScope();
let pair: Pair;
let source: string;
const arguments_ = ['-aHAX', '-v', '-i', '--stats', '--delete'];

before(async () => {
  pair = await startPair(scope);
  source = temporaryFolder(scope, 'source');
  makeTree(source, { files: 20 });
});

test('-v -i --stats of a first push read as with stock', async () => {
  assertSameOutput(await pair.push(arguments_, [`${source}/`]));
});

test('-v -i --stats when nothing changed read as with stock', async () => {
  assertSameOutput(await pair.push(arguments_, [`${source}/`]));
});

test('-ii and -vv list the unchanged as stock does', async () => {
  assertSameOutput(await pair.push(['-aHAX', '-ii'], [`${source}/`]));
});

test('-v -i --stats of a second push with deletions read as with stock', async () => {
  changeTree(source);
  assertSameOutput(await pair.push(arguments_, [`${source}/`]));
  await pair.assertSame();
});

test('--progress and --out-format read as with stock', async () => {
  const other = temporaryFolder(scope, 'other');
  makeTree(other, { files: 20, seed: 2 });
  await pair.pushOk(['-aHAX', '--delete'], [`${other}/`]);
  changeTree(other, { seed: 2, acls: false, xattrs: false });
  assertSameOutput(await pair.push(['-aHAX', '--out-format=%i %n%L %l', '--delete'], [`${other}/`]));
  await pair.pushOk(['-aHAX', '--progress', '--ignore-times'], [`${other}/`]);
  await pair.assertSame();
});

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
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

/** The new directory's own time is that of the push, where nothing sets it. */
const times = { ignore: ['dirMtime' as const] };

test('a push into a new directory of the module', async () => {
  assertSameOutput(await pair.push(['-aHAX', '-i'], [`${source}/`], 'sub'));
  await pair.assertSame(times);
});

test('a push of a directory by name into an existing one', async () => {
  assertSameOutput(await pair.push(['-aHAX', '-i'], [path.join(source, 'sizes')], 'sub/'));
  await pair.assertSame(times);
});

test('a push into a directory whose parent is missing fails as with stock', async () => {
  const { ours, stock } = await pair.push(['-a'], [`${source}/`], 'no/such/parent');
  if (ours.code !== stock.code) throw new Error(`exit code ${ours.code}, stock ${stock.code}: ${ours.stderr}`);
  await pair.assertSame(times);
});

test('two sources merge in one directory', async () => {
  const other = temporaryFolder(scope, 'other');
  mkdirSync(path.join(other, 'sizes'));
  writeFileSync(path.join(other, 'sizes', 'from-other'), 'other\n');
  writeFileSync(path.join(other, 'top'), 'top\n');
  assertSameOutput(await pair.push(['-aHAX', '-i'], [`${source}/`, `${other}/`], 'merged/'));
  await pair.assertSame(times);
});

test('one file under another name', async () => {
  assertSameOutput(await pair.push(['-a', '-i'], [path.join(source, 'sizes', 'text-3M')], 'renamed-file'));
  await pair.assertSame(times);
});

test('one file into a directory', async () => {
  assertSameOutput(await pair.push(['-a', '-i'], [path.join(source, 'sizes', 'text-3M')], 'sub/'));
  await pair.assertSame(times);
});

test('deletion inside a subdirectory leaves the rest of the module alone', async () => {
  changeTree(source);
  assertSameOutput(await pair.push(['-aHAX', '-i', '--delete'], [`${source}/`], 'sub/'));
  await pair.assertSame(times);
});

test('a push to the root beside what lies in subdirectories', async () => {
  assertSameOutput(await pair.push(['-aHAX', '-i'], [`${source}/`]));
  await pair.assertSame(times);
  await pair.assertSameByRestic({ ...times, ignore: ['dirMtime', 'rootAttributes'] });
});

import assert from 'node:assert/strict';
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { makeTree } from '../support/make-tree.ts';
import { assertSameOutput } from '../support/outputs.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

/** Options that decide which files are looked at again. */
const choices = [
  [],
  ['--checksum'],
  ['--size-only'],
  ['--ignore-times'],
  ['--checksum', '--whole-file', '--checksum-choice=md5'],
  ['--modify-window=5'],
  ['--update'],
];

const scope = fileScope();
let compared: Pair;
let pristine: string;
let disturbed: string;

before(async () => {
  // stock compares small files too
  compared = await startPair(scope, { configure: (toml) => toml.replace('#reveal_floor = 1024', 'reveal_floor = 0') });
  [pristine, disturbed] = ['before', 'after'].map((name) => temporaryFolder(scope, name));
  for (const tree of [pristine, disturbed]) makeTree(tree, { files: 20, shrink: 8 });
  disturb(path.join(disturbed, 'sizes'));
});

for (const [i, options] of choices.entries()) {
  test(`${options.join(' ') || 'quick check'}: what was hidden, touched or changed ends as with stock`, async () => {
    await compared.pushOk(['-aHAX'], [`${pristine}/`], `case-${i}/`);
    assertSameOutput(await compared.push(['-aHAX', '-i', ...options], [`${disturbed}/`], `case-${i}/`));
  });
}

test('after all of them the trees are the same', async () => {
  await compared.assertSame({ ignore: ['rootAttributes'] });
});

test('--checksum confirms no guess of a file whose checksums are not to be known', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  const file = path.join(source, 'small');
  writeFileSync(file, 'pin=4711\n');
  await pair.pushOk(['-a'], [`${source}/`]);
  const guesses: string[] = [];
  for (const guess of ['pin=4711\n', 'pin=4712\n']) {
    writeFileSync(file, guess);
    guesses.push((await pair.push(['-rcin'], [`${source}/`])).ours.stdout);
  }
  assert.match(guesses[0], /small/);
  assert.equal(guesses[0], guesses[1]);
});

/** Changes that some checks see and others do not. */
function disturb(folder: string): void {
  sameSizeSameTime(path.join(folder, 'random-4096'));
  sameSizeNewTime(path.join(folder, 'random-32768'), 100);
  sameSizeNewTime(path.join(folder, 'random-1025'), 3);
  sameSizeNewTime(path.join(folder, 'random-1024'), -500);
  utimesSync(path.join(folder, 'text-3M'), 1_650_000_000, 1_650_000_000); // touched only
  writeFileSync(path.join(folder, 'random-1'), 'longer\n');
  writeFileSync(path.join(folder, 'new'), 'new\n');
}

function sameSizeSameTime(file: string): void {
  const { mtimeMs } = statSync(file);
  scribble(file);
  utimesSync(file, mtimeMs / 1000, mtimeMs / 1000);
}

function sameSizeNewTime(file: string, seconds: number): void {
  const { mtimeMs } = statSync(file);
  scribble(file);
  utimesSync(file, mtimeMs / 1000 + seconds, mtimeMs / 1000 + seconds);
}

function scribble(file: string): void {
  const content = readFileSync(file);
  content.fill('changed ', 100, 500);
  writeFileSync(file, content);
}

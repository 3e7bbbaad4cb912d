import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { makeTree } from '../support/make-tree.ts';
import { assertSameOutput } from '../support/outputs.ts';
import { startPair } from '../support/pair.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Options that decide which files are looked at again. */
const choices = [
  [],
  ['--checksum'],
  ['--size-only'],
  ['--ignore-times'],
  ['--whole-file'],
  ['--checksum', '--whole-file'],
  ['--checksum', '--checksum-choice=md5'],
  ['--no-whole-file'],
  ['--block-size=2048'],
  ['--modify-window=5'],
  ['--update'],
  ['--existing'],
  ['--ignore-existing'],
];

for (const options of choices) {
  test(`${options.join(' ') || 'quick check'}: what was hidden, touched or changed ends as with stock`, async (t) => {
    const pair = await startPair(t);
    const source = temporaryFolder(t, 'source');
    makeTree(source, { files: 20 });
    await pair.pushOk(['-aHAX'], [`${source}/`]);
    disturb(path.join(source, 'sizes'));
    const result = await pair.push(['-aHAX', '-i', ...options], [`${source}/`]);
    assertSameOutput(result);
    await pair.assertSame();
  });
}

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

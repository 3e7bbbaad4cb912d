import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import type { CompareOptions } from '../support/compare-trees.ts';
import { assertSameOutput } from '../support/outputs.ts';
import { type Pair, resticLimits, startPair } from '../support/pair.ts';
import { run } from '../support/run.ts';
import { makeDay } from '../support/small-tree.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

const scope = fileScope();
let pair: Pair;
let source: string;

before(async () => {
  // stock compares small files too
  pair = await startPair(scope, { configure: (toml) => toml.replace('#reveal_floor = 1024', 'reveal_floor = 0') });
  source = temporaryFolder(scope, 'source');
});

/** Each meets one of the three kinds; what they all meet is in alt-dest.slow.ts, and by chance in the matrix. */
const sets = [
  ['-aHAX'],
  ['-aHAX', '--protocol=31', '--no-inc-recursive'],
  ['-aHAX', '--protocol=30'],
  ['-aH', '--protocol=29'],
  ['-aHA', '--checksum'],
  ['-aH', '--size-only'],
  ['-a', '--ignore-times'],
  ['-aHX', '--inplace'],
  ['-aX', '--update', '--whole-file'],
  ['-rlogD', '-O', '-J'],
  ['-rltE'],
  ['-aHX', '-z', '--delete', '--backup', '--suffix=.was'],
  ['-aH', '-yy', '--delete-after'],
  ['-aHAX', '--modify-window=-1', '--partial-dir=.parts', '--delay-updates'],
  ['-aH', '-m', '--max-size=100K'],
];

/** Without -t times are those of the pushes. */
const untimed: CompareOptions = { ignoreFor: (at) => (/^-r[^t]*-/.test(at) ? ['mtime'] : []) };

for (const [number, args] of sets.entries()) {
  const kind = ['link', 'copy', 'compare'][number % 3];
  // every other one with everything told, the others as most people have it
  const told = number % 2 === 1 ? '-ii' : '-i';
  test(`--${kind}-dest ${args.join(' ')} ${told}`, async () => {
    const folder = `${args.join('-')}-${kind}`;
    const push = async (day: number, sub: string, ...more: string[]) => {
      makeDay(source, day);
      assertSameOutput(await pair.push([...args, told, '--stats', ...more], [`${source}/`], `${folder}/${sub}/`));
    };
    await push(1, 'one', '--mkpath');
    await push(2, 'two', `--${kind}-dest=../one`);
    await push(3, 'three', ...['/one', '/two'].map((place) => `--${kind}-dest=/${folder}${place}`));
    await push(1, 'three', `--${kind}-dest=../one/`);
  });
}

test('protocol 28: what stock takes with 29 alone, nightdrop takes', async () => {
  // a stock server hangs with protocol 28 and any of the three options
  for (const kind of ['link', 'copy', 'compare']) {
    for (const [day, sub, ...more] of [[1, 'one', '--mkpath'] as const, [2, 'two', `--${kind}-dest=../one`] as const]) {
      makeDay(source, day);
      const to = `old-${kind}/${sub}/`;
      const stock = await run('rsync', ['-a', '--protocol=29', ...more, `${source}/`, `${pair.stock.url}/${to}`]);
      const old = ['-a', '--protocol=28', ...more, `${source}/`, `${pair.client.url}/${to}`];
      const ours = await run('rsync', old, { env: pair.client.env });
      assert.deepEqual([ours.code, stock.code], [0, 0], ours.stderr + stock.stderr);
    }
  }
  await pair.assertSame(untimed);
});

test('places that are not there, are files, lead out of the module or through symlinks', async () => {
  makeDay(source, 1);
  const base = temporaryFolder(scope, 'base');
  mkdirSync(path.join(base, 'deep', 'er'), { recursive: true });
  symlinkSync('../one', path.join(base, 'deep', 'latest'));
  symlinkSync('/places/one', path.join(base, 'deep', 'absolute'));
  symlinkSync('loop', path.join(base, 'deep', 'loop'));
  writeFileSync(path.join(base, 'deep', 'file'), 'no place\n');
  await pair.pushOk(['-aH', '--mkpath'], [`${source}/`], 'places/one/');
  await pair.pushOk(['-aH'], [`${base}/deep`], 'places/');
  const places = [
    '../one',
    '/places/one',
    '../deep/latest',
    '../deep/absolute',
    '../deep/er/../../one',
    '../../../../../../places/one',
    '../one/./',
    '../nowhere',
    '/nowhere/',
    '../deep/file',
    '../deep/loop',
    '../deep/latest/../one',
  ];
  for (const [number, place] of places.entries()) {
    for (const dry of number % 3 === 1 ? [['-n'], []] : [[]]) {
      const args = ['-aHi', ...dry, `--link-dest=${place}`];
      assertSameOutput(await pair.push(args, [`${source}/`], `places/to-${number}/`));
    }
  }
  await pair.assertSame(untimed);
});

test('a single file is looked for beside its destination, under its new name', async () => {
  writeFileSync(path.join(source, 'single'), 'a single file\n');
  await pair.pushOk(['-a', '--mkpath'], [path.join(source, 'single')], 'singles/one/renamed');
  for (const kind of ['link', 'copy', 'compare'])
    assertSameOutput(
      await pair.push(
        ['-aii', '--mkpath', `--${kind}-dest=../one`],
        [path.join(source, 'single')],
        `singles/${kind}/renamed`,
      ),
    );
  await pair.assertSame(untimed);
});

test('too many places, or of two kinds, are told by the client or refused', async () => {
  const result = await pair.push(['-a', '--link-dest=a', '-M--copy-dest=b'], [`${source}/`], 'refused/');
  assert.equal(result.ours.code, result.stock.code);
  assert.match(result.ours.stderr, /the --(copy|link)-dest option conflicts with the --(copy|link)-dest option/);
});

test('after all that nightdrop holds what stock holds, by nightdrop and by restic', async () => {
  await pair.assertSame(untimed);
  await pair.assertSameByRestic({
    ignoreFor: (at, mode) => [...resticLimits.ignoreFor!(at, mode), ...untimed.ignoreFor!(at, mode)],
  });
});

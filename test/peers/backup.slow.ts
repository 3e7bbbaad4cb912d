import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { assertSameOutput } from '../support/outputs.ts';
import { startPair } from '../support/pair.ts';
import { resticCheck } from '../support/restic.ts';
import { startRshPair } from '../support/rsh.ts';
import { makeDay } from '../support/small-tree.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Times of directories that backups come into are those of the moment, on either side. */
const MOMENT = { ignore: ['rootAttributes' as const] };

/** Options of one push a day. Each must end, say and leave what stock does. */
const days: string[][] = [
  ['-b'],
  ['-b', '--delete'],
  ['-b', '--delete-delay', '--force', '--no-inc-recursive', '--protocol=31'],
  ['-b', '--suffix=.old', '--delete-before'],
  ['-b', '--delete-after'],
  ['--backup-dir=/bak', '--delete'],
  ['--backup-dir=../kept/today/', '--delete', '--protocol=31'],
  ['--backup-dir=within', '--suffix=.was', '--delete-after', '--exclude=/within'],
  ['--backup-dir=/bak', '--delete', '--max-delete=2'],
];

test('pushes with backups, day after day, leave and say what stock leaves and says', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  makeDay(source, 0);
  await pair.pushOk(['-aHAX'], [`${source}/`], 'data/');
  for (const [i, options] of days.entries()) {
    t.diagnostic(options.join(' '));
    makeDay(source, i + 1);
    assertSameOutput(await pair.push(['-aHAX', '-i', '--stats', ...options], [`${source}/`], 'data/'));
    if (i % 3 === 2) await pair.assertSame(MOMENT);
  }
  await resticCheck(await pair.server.vaultInfo('web1'));
});

for (const directory of ['bak', '../bak', '/bak'])
  test(`what is kept from being deleted stays, with backups in ${directory}`, async (t) => {
    const pair = await startPair(t);
    for (const [i, rule] of ['P *.o', '- /bak', '- keep/'].entries()) {
      t.diagnostic(rule);
      const source = temporaryFolder(t, 'source');
      const at = (name: string) => path.join(source, name);
      fs.mkdirSync(at('sub/keep'), { recursive: true });
      for (const name of ['a', 'x.o', 'sub/x.o', 'sub/b', 'sub/keep/c', 'old']) fs.writeFileSync(at(name), name);
      for (const destination of [`dest-${i}`, 'other']) await pair.pushOk(['-a'], [`${source}/`], destination);
      for (const name of ['a', 'sub/b']) fs.writeFileSync(at(name), `${name} changed`);
      for (const name of ['x.o', 'sub/x.o', 'sub/keep/c', 'old']) fs.rmSync(at(name));
      for (let day = 0; day < 2; day++) {
        const options = ['-ai', '-b', `--backup-dir=${directory}`, '--delete', `--filter=${rule}`];
        assertSameOutput(await pair.push(options, [`${source}/`], `dest-${i}`));
        await pair.assertSame(MOMENT);
        fs.writeFileSync(at('a'), `day ${day}`);
      }
    }
  });

test('--inplace writes into a file after it has copied it', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  // a stock receiver writes through hard links of yesterday, and gives copies the first ACL of the transfer
  const makeOwn = (day: number) => {
    makeDay(source, day);
    fs.rmSync(path.join(source, 'links/three'));
  };
  makeOwn(0);
  await pair.pushOk(['-aHX'], [`${source}/`]);
  for (const [i, options] of [['-b'], ['--backup-dir=/bak'], ['-b', '-W'], ['-b', '--no-o']].entries()) {
    makeOwn(i + 1);
    assertSameOutput(
      await pair.push(['-aHX', '-i', '--inplace', '--delete', '--exclude=/bak', ...options], [`${source}/`]),
    );
    await pair.assertSame(MOMENT);
  }
});

test('hard links of what is replaced stay together among the backups', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  const names = ['a', 'b', 'c'].map((name) => path.join(source, name));
  const write = (text: string, time: number) => {
    for (const name of names) fs.rmSync(name, { force: true });
    fs.writeFileSync(names[0], text);
    for (const name of names.slice(1)) fs.linkSync(names[0], name);
    fs.utimesSync(names[0], time, time);
  };
  write('first', 1_700_000_000);
  await pair.pushOk(['-aH'], [`${source}/`]);
  write('second', 1_700_000_001);
  assertSameOutput(await pair.push(['-aH', '-i', '-b'], [`${source}/`]));
  await pair.assertSame(MOMENT);
  write('third', 1_700_000_002);
  fs.rmSync(names[2]);
  assertSameOutput(await pair.push(['-aH', '-i', '--delete', '--backup-dir=/old', '--exclude=/old'], [`${source}/`]));
  await pair.assertSame(MOMENT);
});

test('over ssh, where nothing limits what is told, backups are told as by stock', async (t) => {
  const pair = await startRshPair(t);
  const source = temporaryFolder(t, 'source');
  makeDay(source, 1);
  const args = ['-e', pair.rsh, '-aHAX', '-i', '--delete', '--info=backup'];
  await pair.push(args, [`${source}/`], 'data/');
  for (const [i, options] of [
    ['-b'],
    ['--backup-dir=../old', '--suffix=.x'],
    ['--backup-dir=../old', '-n'],
  ].entries()) {
    makeDay(source, i + 2);
    assertSameOutput(await pair.push([...args, '--no-i-r', ...options], [`${source}/`], 'data/'));
  }
});

test('a dry run tells of backups as stock does, and makes none', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  makeDay(source, 0);
  await pair.pushOk(['-aHAX'], [`${source}/`]);
  makeDay(source, 1);
  // with a list per directory stock tells twice of what a directory would replace
  for (const where of ['--suffix=~', '--backup-dir=/bak'])
    assertSameOutput(await pair.push(['-aHAX', '--no-i-r', '-n', '-i', '-b', '--delete', where], [`${source}/`]));
  await pair.assertSame();
  assert.equal((await pair.server.snapshots('web1')).length, 1);
});

test('what stands where a backup goes makes room for it as at stock', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  const at = (name: string) => path.join(source, name);
  fs.mkdirSync(at('d/x~/below'), { recursive: true });
  fs.writeFileSync(at('d/x~/below/file'), 'in the way\n');
  fs.writeFileSync(at('d/x'), 'first\n');
  fs.writeFileSync(at('d/y'), 'first\n');
  fs.writeFileSync(at('d/y~'), 'an older one\n');
  fs.mkdirSync(at('bak'));
  fs.writeFileSync(at('bak/d'), 'not a directory\n');
  await pair.pushOk(['-a'], [`${source}/`]);
  for (const name of ['d/x', 'd/y']) {
    fs.writeFileSync(at(name), 'second\n');
    fs.utimesSync(at(name), 1_700_000_001, 1_700_000_001);
  }
  for (const options of [['-b'], ['--backup-dir=bak']]) {
    fs.appendFileSync(at('d/x'), options[0]);
    assertSameOutput(await pair.push(['-a', '-i', ...options], [`${source}/d/x`, `${source}/d/y`], 'd/'));
    await pair.assertSame(MOMENT);
    fs.appendFileSync(at('d/y'), options[0]);
    assertSameOutput(await pair.push(['-a', '-i', ...options, '--exclude=*~'], [`${source}/d`]));
    await pair.assertSame(MOMENT);
  }
});

test('a backup directory that is none, and options that contradict each other, are told as by stock', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  fs.writeFileSync(path.join(source, 'file'), 'content\n');
  await pair.pushOk(['-a'], [`${source}/`]);
  const result = await pair.push(['-a', '--backup-dir=/file'], [`${source}/`]);
  assert.equal(result.ours.code, result.stock.code, result.stock.stderr);
  assert.match(result.ours.stderr, /The backup-dir is not a directory: \/file/);
  for (const options of [
    ['-b', '-M--suffix=a/b'],
    ['-M--backup-dir=.', '-M--suffix='],
    ['--inplace', '-M--partial-dir=x'],
    ['-W', '-M--append'],
  ]) {
    const { ours, stock } = await pair.push(['-a', ...options], [`${source}/`]);
    assert.equal(ours.code, stock.code, `${options}: ${ours.stderr} / ${stock.stderr}`);
    assert.equal(ours.code, 4);
  }
  await pair.assertSame();
});

test('no backup directory leads out of the vault', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  fs.writeFileSync(path.join(source, 'file'), 'first\n');
  await pair.pushOk(['-a'], [`${source}/`]);
  fs.writeFileSync(path.join(source, 'file'), 'second one\n');
  await pair.pushOk(['-a', '--backup-dir=../../../../out'], [`${source}/`]);
  assert.equal(fs.readFileSync(path.join(await pair.restore(), 'out/file'), 'latin1'), 'first\n');
  await pair.assertSame(MOMENT);
});

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { assertSameOutput } from '../support/outputs.ts';
import { startPair } from '../support/pair.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

/** Files by path, with their content. */
type Tree = Record<string, string>;

const names = [
  'one',
  'two.o',
  'x.txt',
  'dir/one',
  'dir/two.o',
  'dir/sub/one',
  'dir/sub/two.o',
  'old/one',
  'old/in/two.o',
];
const first: Tree = Object.fromEntries([...names, 'keep', 'dir/keep', 'dir/sub/keep'].map((name) => [name, name]));
/** What the client has when it pushes again. */
const second: Tree = { keep: 'keep', 'dir/keep': 'keep', 'dir/sub/keep': 'keep' };

interface Case {
  args: string[];
  /** in the first push only, in both, and in the second only, on top of the names above */
  stored?: Tree;
  both?: Tree;
  sent?: Tree;
}

const rules = { '.rsync-filter': '- *.o\n', 'dir/.rsync-filter': '- one\n', 'old/.rsync-filter': '- /in/two.o\n' };

const cases: Case[] = [
  { args: ['--delete', '-F'], both: rules },
  { args: ['--delete-before', '-F'], both: rules },
  { args: ['--delete-delay', '-F'], both: rules },
  { args: ['--delete-after', '-F'], both: rules },
  { args: ['--delete-after', '-F'], stored: rules, sent: { '.rsync-filter': '- x.txt\n', 'dir/.rsync-filter': '!\n' } },
  { args: ['--delete', '-FF'], stored: rules },
  { args: ['--delete', '-C'], both: { '.cvsignore': 'x.txt in', 'dir/.cvsignore': '!\none' } },
  { args: ['--delete', '--filter=: name'], stored: { name: '- x.txt\n- old/in\n', 'dir/name': '!\n+ one\n- *\n' } },
  { args: ['--delete', '--filter=dir-merge,- name'], both: { name: 'x.txt\n/dir/one\n', 'old/name': 'two.o' } },
  { args: ['--delete', '--filter=: name'], stored: { name: '. more\nP name', more: 'P two.o\nP more' } },
  { args: ['--delete', '--filter=R old/one', '--filter=P one', '--filter=protect *.txt'] },
  {
    args: ['--delete-excluded', '--exclude=*.o', '--filter=P x.txt', '--filter=: name'],
    both: { name: '- one\nP sub' },
  },
  { args: ['--delete', '--filter=: name'], stored: { name: 'P two.o' }, sent: { old: 'a file' } },
  { args: ['--delete', '-n', '--filter=: name'], stored: { name: 'P two.o' }, sent: { old: 'a file' } },
  { args: ['--delete', '--no-inc-recursive', '-F'], both: rules },
];

// every case has a directory of one vault: what takes time is a push
const scope = fileScope();
const pair = await startPair(scope, {
  configure: (toml) => toml.replace('#merge_files = false', 'merge_files = true'),
});
const source = temporaryFolder(scope, 'source');
const DAY = 86_400;
const START = 1_700_000_000;

fill(
  {
    ...Object.assign({}, ...cases.map((c, i) => within(`case-${i}`, { ...first, ...c.stored, ...c.both }))),
    ...within('above', { ...within('a', first), ...within('b', first), '.rsync-filter': '- *.o\n- /a/one\n' }),
    ...within('symlink', { ...first, 'dir/rules': 'P *.o\n' }),
    ...within('relative', { ...first, 'dir/name': 'P one' }),
    ...within('wrong', { ...first, name: '- one\nthis is no rule\n' }),
  },
  START,
);
symlinkSync('dir/rules', path.join(source, 'symlink/name'));
await pair.pushOk(['-a'], [`${source}/`]);

for (const [i, { args, stored, both, sent }] of cases.entries()) {
  test(`${args.join(' ')} ${JSON.stringify({ stored, both, sent })}`, async () => {
    fill({ ...second, ...both, ...sent }, START + DAY);
    assertSameOutput(await pair.push(['-ai', ...args], [`${source}/`], `case-${i}/`));
  });
}

for (const [below, mode] of Object.entries({ a: '--delete', b: '--delete-delay' })) {
  test(`-F ${mode} finds rules above the destination`, async () => {
    fill(second, START + DAY);
    assertSameOutput(await pair.push(['-ai', '-F', mode], [`${source}/`], `above/${below}/`));
  });
}

test('a merge file that is a symlink is followed', async () => {
  fill(second, START + DAY);
  assertSameOutput(await pair.push(['-ai', '--filter=: name', '--delete'], [`${source}/`], 'symlink/'));
});

test('a directory on the way counts where it was listed', async () => {
  fill(second, START + DAY);
  for (const more of [[], ['--no-implied-dirs']]) {
    const args = ['-aiR', ...more, '--filter=: name', '--delete'];
    assertSameOutput(await pair.push(args, ['dir/sub'], 'relative/', { cwd: source }));
  }
});

test('after all of these both hold the same', () => pair.assertSame());

test('a merge file that cannot be read as one ends the push, and its words are not told', async () => {
  fill(second, START + DAY);
  const { ours, stock } = await pair.push(['-a', '--filter=: name', '--delete'], [`${source}/`], 'wrong/');
  assert.equal(ours.code, stock.code);
  assert.match(ours.stderr, /a merge file in the destination has a rule that cannot be read/);
  assert.doesNotMatch(ours.stderr, /this is no rule/);
});

/** Makes the client's tree anew. */
function fill(tree: Tree, time: number): void {
  for (const name of readdirSync(source)) rmSync(path.join(source, name), { recursive: true });
  for (const [name, content] of Object.entries(tree)) {
    const file = path.join(source, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  for (const name of ['.', ...readdirSync(source, { recursive: true, encoding: 'utf8' })])
    utimesSync(path.join(source, name), time, time);
}

function within(folder: string, tree: Tree): Tree {
  return Object.fromEntries(Object.entries(tree).map(([name, content]) => [`${folder}/${name}`, content]));
}

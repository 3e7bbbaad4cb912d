import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { isDir } from '../../src/lib/stat.ts';
import { Filter } from '../../src/rsync/filter.ts';
import { openClientStream, readDryRun } from '../support/client-stream.ts';
import { Random } from '../support/random.ts';
import { startRecordProxy } from '../support/record-proxy.ts';
import { startStock } from '../support/rsyncd.ts';
import { run } from '../support/run.ts';
import { fileScope, makeFolder, removeFolder } from '../support/temporary.ts';

const scope = fileScope();
const folder = makeFolder('filter');
scope.after(() => removeFolder(folder));
const stock = await startStock(scope);
const proxy = await startRecordProxy(scope, stock.port);

/** Files by path, with their content; a path that ends in a slash is an empty directory. */
type Tree = Record<string, string>;

function write(root: string, tree: Tree): void {
  fs.rmSync(root, { recursive: true, force: true });
  fs.mkdirSync(root, { recursive: true });
  for (const [name, content] of Object.entries(tree)) {
    const file = path.join(root, name);
    fs.mkdirSync(name.endsWith('/') ? file : path.dirname(file), { recursive: true });
    if (!name.endsWith('/')) fs.writeFileSync(file, content);
  }
}

function list(root: string): string[] {
  return fs.readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
}

interface Case {
  /** of the client */
  source: Tree;
  /** what is in the module, `dest` included */
  module: Tree;
  args: string[];
  /** path in the module that is pushed to */
  dest?: string;
  /** what is pushed, below the source folder */
  what?: string[];
}

/** What is left in the module after the stock daemon has deleted, and what our filter would leave. */
async function compare(c: Case): Promise<{ stock: string[]; ours: string[] } | undefined> {
  const dest = c.dest ?? '';
  write(`${folder}/source`, c.source);
  write(stock.folder, c.module);
  const url = (port: number) => `rsync://127.0.0.1:${port}/m/${dest === '' ? '' : `${dest}/`}`;
  const options = { cwd: `${folder}/source` };
  const args = ['-r', '--delete-before', '--existing', '--ignore-existing', ...c.args, ...(c.what ?? ['./'])];
  const count = proxy.recordings.length;
  const dry = await run('rsync', ['-n', ...args, url(proxy.port)], options);
  if (dry.code === 1) return undefined; // the client itself does not take the rules
  assert.equal(dry.code, 0, dry.stderr);
  while (proxy.recordings.length === count) await new Promise((done) => setImmediate(done));
  const stream = openClientStream(proxy.recordings[count]);
  const { deleteExcluded } = stream.options;
  const filter = new Filter({ deleteExcluded, protocol: stream.protocol, mergeFiles: true });
  filter.base = dest;
  for (const rule of stream.rules) filter.add(rule);
  const [{ entries }] = readDryRun(stream).lists;
  const listed = new Set(entries.map((entry) => entry?.path));
  const survivors = new Set(list(stock.folder));
  for (const entry of entries) {
    if (entry !== undefined && isDir(entry.mode) && entry.hasContent)
      deleteIn(filter, dest, entry.path, listed, survivors);
  }
  const real = await run('rsync', [...args, url(stock.port)], options);
  assert.ok(real.code === 0 || real.code === 23, real.stderr);
  return { stock: list(stock.folder), ours: [...survivors].sort() };
}

function readMergeFile(name: string): string | undefined {
  const file = path.join(stock.folder, name);
  return fs.existsSync(file) && fs.statSync(file).isFile() ? fs.readFileSync(file, 'latin1') : undefined;
}

/** The deletion of a stock receiver, in a set of names. */
function deleteIn(filter: Filter, dest: string, directory: string, listed: Set<unknown>, survivors: Set<string>): void {
  const inside = directory === '.' ? '' : directory;
  if (!fs.existsSync(path.join(stock.folder, dest, inside))) return;
  filter.enterDirectory(inside, readMergeFile);
  for (const child of children(dest, inside)) {
    if (listed.has(child) || filter.protects(child, isFolder(dest, child))) continue;
    remove(filter, dest, child, survivors);
  }
}

function remove(filter: Filter, dest: string, name: string, survivors: Set<string>): boolean {
  let empty = true;
  if (isFolder(dest, name)) {
    filter.enterDirectory(name, readMergeFile);
    for (const child of children(dest, name)) {
      if (filter.protects(child, isFolder(dest, child), true) || !remove(filter, dest, child, survivors)) empty = false;
    }
  }
  if (empty) survivors.delete(path.join(dest, name));
  return empty;
}

function children(dest: string, directory: string): string[] {
  return fs.readdirSync(path.join(stock.folder, dest, directory)).map((name) => path.join(directory, name));
}

function isFolder(dest: string, name: string): boolean {
  return fs.lstatSync(path.join(stock.folder, dest, name)).isDirectory();
}

const names = [
  'one',
  'two.o',
  'three.txt',
  'dir/one',
  'dir/two.o',
  'dir/sub/one',
  'dir/sub/deep/two.o',
  'other/one',
  '.hidden',
];
const tree: Tree = Object.fromEntries(names.map((name) => [name, name]));
const source: Tree = { keep: '', 'dir/keep': '', 'dir/sub/keep': '' };

const fixed: [name: string, change: Partial<Case>][] = [
  ['no rule', { args: [] }],
  ['an exclude protects', { args: ['--exclude=*.o'] }],
  ['an include takes from an exclude', { args: ['--include=two.o', '--exclude=*.o', '--exclude=one'] }],
  ['anchored', { args: ['--exclude=/one'] }],
  ['two names', { args: ['--exclude=sub/one'] }],
  ['directories only', { args: ['--exclude=one/', '--exclude=other/'] }],
  ['a directory that is excluded keeps its content', { args: ['--exclude=deep'] }],
  ['a path across directories', { args: ['--exclude=/dir/**/two.o'] }],
  ['a directory and its content', { args: ['--exclude=other/***'] }],
  ['protect and risk', { args: ['--filter=R two.o', '--filter=P *.o', '--filter=P one'] }],
  ["hide and show are the sender's", { args: ['--filter=H *.o', '--filter=S one'] }],
  ['--delete-excluded', { args: ['--delete-excluded', '--exclude=*.o', '--filter=P one'] }],
  ['a rule that holds for the rest', { args: ['--filter=-! */', '--filter=-!/ /dir/***'] }],
  ['perishable in a directory that goes', { args: ['--filter=-p one', '--filter=-p two.o'] }],
  ['from the root of the module', { dest: 'dest', args: ['--filter=-/ /dest/one', '--filter=- /dir/two.o'] }],
  ['from the root of the module, by name', { dest: 'dest', args: ['--filter=-/ dest/o*'] }],
  ['the list is cleared', { args: ['--exclude=*.o', '--filter=!', '--exclude=one'] }],
  ['CVS', { args: ['-C'], module: { ...tree, '.cvsignore': 'one dir\nother', 'dir/.cvsignore': '! two.o' } }],
  ['CVS and what was said before', { args: ['-C', '--include=*.o'] }],
  [
    'a file in each directory',
    { args: ['--filter=: .rules'], module: { ...tree, '.rules': '- one\n', 'dir/.rules': '+ one\n- *.o' } },
  ],
  [
    'a file that is not inherited',
    { args: ['--filter=:n .rules'], module: { ...tree, '.rules': '- one\n', 'dir/sub/.rules': '- two.o' } },
  ],
  [
    'a file that keeps itself',
    { args: ['--filter=:e .rules'], module: { ...tree, '.rules': '# nothing\n; more\n\n- one' } },
  ],
  ['a file of names', { args: ['--filter=:- .rules'], module: { ...tree, '.rules': 'one\n*.txt\n' } }],
  ['a file of words', { args: ['--filter=:w- .rules'], module: { ...tree, '.rules': 'one *.txt\tsub' } }],
  [
    'a file of words with prefixes',
    { args: ['--filter=:w .rules'], module: { ...tree, '.rules': '+_one -_o* exclude,_sub' } },
  ],
  ['a file of includes', { args: ['--filter=:+ .rules', '--exclude=*'], module: { ...tree, '.rules': 'one\ndir' } }],
  [
    'anchored in a file',
    {
      args: ['--filter=: .rules'],
      module: { ...tree, '.rules': '- /one\n- /dir/one', 'dir/sub/.rules': '- /one\n- /deep/two.o' },
    },
  ],
  [
    'anchored in a file, below the module',
    { dest: 'dest', args: ['--filter=: .rules'], module: { ...tree, 'dir/.rules': '- /one' } },
  ],
  [
    'files above the transfer',
    { dest: 'dest', args: ['-F'], module: { '.rsync-filter': '- *.o\n', '../.rsync-filter': '- one' } },
  ],
  [
    'files above the transfer, anchored',
    {
      dest: 'a/dest',
      args: ['-F'],
      module: { '../.rsync-filter': '- /dest/one', '../../.rsync-filter': '- /a/dest/*.txt' },
    },
  ],
  [
    'files above the transfer, not inherited',
    { dest: 'dest', args: ['--filter=:n /.rules'], module: { ...tree, '../.rules': '- one' } },
  ],
  [
    'a list cleared in a file',
    {
      args: ['--filter=: .rules', '--exclude=three*'],
      module: { ...tree, '.rules': '- one', 'dir/.rules': '!\n- two.o' },
    },
  ],
  [
    'a file that names another kind',
    { args: ['--filter=: .rules'], module: { ...tree, '.rules': ': .more', '.more': '- one', 'dir/.more': '- two.o' } },
  ],
  [
    'a file that merges another',
    {
      args: ['--filter=: .rules'],
      module: { ...tree, 'dir/.rules': '. list\n- sub', list: '- one\n- /dir/two.o', 'dir/list': '- two.o' },
    },
  ],
  [
    'long names of rules',
    {
      args: ['--filter=: .rules'],
      module: { ...tree, '.rules': 'include one\nprotect *.o\nhide,p x\nexclude o*\nrisk_y' },
    },
  ],
  [
    'sides in a file',
    { args: ['--filter=: .rules'], module: { ...tree, '.rules': '-s one\n-r two.o\n-rs three.txt' } },
  ],
  ['sides of a file', { args: ['--filter=:r .rules'], module: { ...tree, '.rules': '- one' } }],
  [
    '--delete-excluded and files',
    { args: ['--delete-excluded', '--filter=: .rules'], module: { ...tree, '.rules': '- one\nP two.o' } },
  ],
  [
    'several sources',
    {
      args: ['--filter=: .rules'],
      what: ['dir', 'other'],
      source: { 'dir/keep': '', 'other/sub/keep': '' },
      module: { ...tree, '.rules': '- one', 'dir/.rules': '- two.o' },
    },
  ],
  [
    '-R',
    {
      args: ['-R', '--filter=: .rules', '--exclude=one'],
      what: ['dir/sub'],
      source: { 'dir/sub/keep': '' },
      module: { ...tree, 'dir/.rules': '- two.o' },
    },
  ],
];

for (const protocol of [32, 29]) {
  for (const [name, change] of fixed) {
    test(`--protocol=${protocol}: ${name}`, async () => {
      const module = change.module ?? tree;
      const dest = change.dest ?? '';
      const below = Object.fromEntries(
        Object.entries({ ...tree, ...module }).map(([file, text]) => [path.join(dest, file), text]),
      );
      const c: Case = { source, args: [], ...change, module: below };
      const result = await compare({ ...c, args: [`--protocol=${protocol}`, ...c.args] });
      assert.ok(result !== undefined, 'the client does not take the rules');
      assert.deepEqual(result.ours, result.stock);
    });
  }
}

const parts = ['a', 'b', 'c.o', 'd.o', 'e'];
const pieces = [...parts, '*', '?', '**', '*.o', '[ab]', '[!a]', '***', 'a*', '\\a', 'b?'];

function randomTree(random: Random, rules: () => string): Tree {
  const made: Tree = {};
  for (let i = 0; i < 14; i++) {
    const depth = 1 + random.below(4);
    const name = Array.from({ length: depth }, () => random.pick(parts)).join('/');
    const above = name.split('/').map((_, at, all) => all.slice(0, at).join('/'));
    if (above.some((folder) => folder in made) || Object.keys(made).some((file) => file.startsWith(`${name}/`)))
      continue;
    made[name] = '';
    if (random.below(3) === 0) made[path.join(path.dirname(name), '.f')] = rules();
  }
  return made;
}

function randomPattern(random: Random): string {
  const names = Array.from({ length: 1 + random.below(3) }, () => random.pick(pieces)).join('/');
  return `${random.below(3) === 0 ? '/' : ''}${names}${random.below(4) === 0 ? '/' : ''}`;
}

function randomRule(random: Random, inFile: boolean): string {
  const letter = random.pick(['-', '-', '+', 'P', 'R', 'H', 'S']);
  const modifiers = [
    ['', '', '', '/', '!', 'p', '/!'][random.below(7)],
    'PRHS'.includes(letter) || random.below(3) > 0 ? '' : random.pick(['s', 'r', 'sr']),
  ].join('');
  if (random.below(inFile ? 20 : 8) === 0)
    return `:${random.pick(['', 'n', 'e', 'r', 'p', '/'])} ${random.pick(['.f', '.f', '/.f', '.g'])}`;
  if (inFile && random.below(15) === 0) return '!';
  return `${letter}${modifiers} ${randomPattern(random)}`;
}

const seed = Number(process.env.NIGHTDROP_SEED ?? 1);
const rounds = Number(process.env.NIGHTDROP_ROUNDS ?? 60);

test(`${rounds} random sets of rules, seed ${seed}: the same is left`, async () => {
  const random = new Random(seed);
  let compared = 0;
  for (let round = 0; round < rounds; round++) {
    const lines = () => Array.from({ length: 1 + random.below(3) }, () => randomRule(random, true)).join('\n');
    const dest = random.pick(['', '', 'a', 'b/c.o']);
    const module = Object.fromEntries(
      Object.entries(randomTree(random, lines)).map(([name, text]) => [path.join(dest, name), text]),
    );
    if (dest !== '' && random.below(2)) module['.f'] = lines();
    const args = [
      ...(random.below(4) === 0 ? ['--delete-excluded'] : []),
      ...Array.from({ length: 1 + random.below(4) }, () => `--filter=${randomRule(random, false)}`),
    ];
    const c: Case = { source: randomTree(random, () => ''), module: { ...module, [`${dest}/z`]: '' }, args, dest };
    const result = await compare(c);
    if (result === undefined) continue;
    compared++;
    assert.deepEqual(result.ours, result.stock, `round ${round}: ${JSON.stringify(c, undefined, 1)}`);
  }
  assert.ok(compared > rounds / 2);
});

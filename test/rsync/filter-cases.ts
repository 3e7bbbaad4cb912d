/** Trees and rules on which our filter is compared with the stock receiver's. */
import path from 'node:path';
import type { Random } from '../support/random.ts';

/** Files by path, with their content; a path that ends in a slash is an empty directory. */
export type Tree = Record<string, string>;

export interface Case {
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
export const tree: Tree = Object.fromEntries(names.map((name) => [name, name]));
export const source: Tree = { keep: '', 'dir/keep': '', 'dir/sub/keep': '' };

/** What is in `module` comes on top of `tree`, both below `dest`. */
export const fixed: [name: string, change: Partial<Case>][] = [
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
    'files above the transfer, several sources',
    {
      dest: 'dest',
      args: ['-F'],
      what: ['dir', 'other'],
      source: { 'dir/keep': '', 'other/sub/keep': '' },
      module: { '../.rsync-filter': '- one' },
    },
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
      module: {
        // the list must be there still when it is read
        '.rules': '- /list',
        'dir/.rules': '. list\n- sub',
        list: '- one\n- /dir/two.o',
        'dir/list': '- two.o',
      },
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
  ['a NUL in a file', { args: ['--filter=: .rules'], module: { ...tree, '.rules': '- one\0no\n- two\0.o\n' } }],
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

export function randomCase(random: Random): Case {
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
  const source = randomTree(random, () => '');
  return { source, module: { ...module, [path.join(dest, 'z')]: '' }, args, dest: dest === '' ? undefined : dest };
}

import {
  appendFileSync,
  cpSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { PushReport } from '../../src/push/request.ts';
import type { Entry } from '../../src/vault/entry.ts';
import type { VaultPolicy } from '../../src/vault/policy.ts';
import { Random } from '../support/random.ts';

/** Words that are stored and in no recording: what the server says must not hold them. */
export const STORED_WORDS = 'only-stored-content-has-these-words';

/** A push that is recorded, to be bent. */
export interface OptionSet {
  /** all that the client is given but source and destination; {folder} is where files for options lie */
  options: string[];
  /** destinations below the module, of the first version and of the second one, which is recorded; '' is its root */
  into: [first: string, second: string];
  /** undefined: the first push is the one that is recorded, into an empty vault */
  change: ((source: string, random: Random) => void) | undefined;
  /** options of a push of the second version that is cut off before the recorded one */
  cut?: string[];
  policy?: Partial<VaultPolicy>;
  /** what the client exits with, 0 unless told */
  code?: number;
  /** what shows that the options have done what they are for */
  shows?: (found: Found) => boolean;
}

/** What the recorded push has met and left. */
export interface Found {
  report: PushReport;
  /** the vault before and after, by path */
  before: Map<string, Entry>;
  after: Map<string, Entry>;
}

const PLAIN = ['-aHAX', '--delete'];
const OLD = ['-aH', '--no-acls', '--no-xattrs', '--delete'];

const HERE: OptionSet['into'] = ['', ''];
const BESIDE: OptionSet['into'] = ['one/', 'two/'];

const BOTH: OptionSet[] = [
  PLAIN,
  [...PLAIN, '-z'],
  [...PLAIN, '-z', '--compress-choice=zlibx'],
  [...PLAIN, '--protocol=30'],
  [...OLD, '--protocol=28', '-z'],
  [...PLAIN, '--no-inc-recursive', '--checksum'],
].flatMap((options): OptionSet[] => [
  { options, into: HERE, change: undefined },
  // the old compression brings changed files whole, unless it is allowed to match
  { options, into: HERE, change: changeSource, shows: options.includes('--protocol=28') ? whole : matches },
]);

export const OPTION_SETS: readonly OptionSet[] = [
  ...BOTH,
  {
    options: [...PLAIN, '--link-dest=../one', '-i'],
    into: BESIDE,
    change: changeSource,
    shows: (found) => matches(found) && isOne(found.after, 'one/dir/deep/same', 'two/dir/deep/same'),
  },
  {
    options: [...PLAIN, '--copy-dest=../one', '-yy', '-ii'],
    into: BESIDE,
    change: (source, random) => {
      changeSource(source, random);
      renameSync(path.join(source, 'dir/changing'), path.join(source, 'dir/changing.1'));
    },
    shows: (found) => matches(found) && found.after.has('two/dir/deep/same'),
  },
  {
    options: [...PLAIN, '--compare-dest=../one', '--checksum'],
    into: BESIDE,
    change: changeSource,
    shows: (found) => matches(found) && !found.after.has('two/small'),
  },
  {
    options: [...PLAIN, '--partial-dir=.parts'],
    into: HERE,
    change: addBig,
    cut: ['--partial-dir=.parts'],
    shows: (found) => matches(found) && found.before.has('.parts/big') && !found.after.has('.parts/big'),
  },
  {
    options: [...PLAIN, '--delay-updates', '-b', '--backup-dir=.old'],
    into: HERE,
    change: (source, random) => {
      changeSource(source, random);
      addBig(source, random);
    },
    cut: ['--delay-updates', '--partial'],
    shows: (found) => matches(found) && found.before.has('.~tmp~/big') && found.after.has('.old/dir/changing'),
  },
  {
    options: [...PLAIN, '--fuzzy', '--delete-after', '-z'],
    into: HERE,
    change: (source, random) => {
      changeSource(source, random);
      renameSync(path.join(source, 'dir/changing'), path.join(source, 'dir/changing.1'));
    },
    shows: (found) => matches(found) && !found.after.has('dir/changing'),
  },
  {
    options: [...PLAIN, '-b', '--inplace', '--suffix=.bak'],
    into: HERE,
    change: changeSource,
    shows: (found) => matches(found) && found.after.has('dir/changing.bak') && found.after.has('dir/old.bak'),
  },
  {
    options: [...PLAIN, '-b', '--backup-dir=../old/nightly', '--delete-delay', '-vv'],
    into: ['one/', 'one/'],
    change: changeSource,
    shows: ({ after }) => after.has('old/nightly/dir/old') && after.has('old/nightly/dir/changing'),
  },
  {
    options: [...PLAIN, '--append-verify'],
    into: HERE,
    change: (source) => appendFileSync(path.join(source, 'dir/changing'), 'and more at the end'),
    shows: ({ report }) => report.literalBytes > 0 && report.literalBytes < 100,
  },
  {
    options: [...PLAIN, '--iconv=utf-8'],
    into: HERE,
    change: (source, random) => {
      changeSource(source, random);
      writeFileSync(path.join(source, 'dé'), random.bytes(2000));
      symlinkSync('dé', path.join(source, 'to dé'));
      writeFileSync(path.join(source, 'no €'), 'has no counterpart');
    },
    policy: { charset: 'iso-8859-1' },
    code: 23,
    shows: ({ after }) => after.get('to d\xe9')?.target === 'd\xe9' && !after.has('no \xe2\x82\xac'),
  },
  {
    options: [...PLAIN, '--remove-source-files', '--partial'],
    into: HERE,
    change: changeSource,
    shows: matches,
  },
  {
    options: ['-aRHX', '--files-from={folder}/names', '--delete-missing-args', '--force'],
    into: HERE,
    change: (source, random) => {
      changeSource(source, random);
      rmSync(path.join(source, 'dir/deep'), { recursive: true });
      writeFileSync(path.join(source, '../names'), 'dir/changing\ndir/old\ndir/deep\nsmall\n');
    },
    shows: (found) => matches(found) && !found.after.has('dir/deep') && !found.after.has('dir/old'),
  },
  {
    options: [...PLAIN, '--usermap=0-99:1234,*:daemon,:7', '--groupmap=*:4321'],
    into: HERE,
    change: changeSource,
    shows: (found) => found.after.get('small')?.uid === 1234 && found.after.get('dir/changing')?.gid === 4321,
  },
  {
    options: [...PLAIN, '--max-delete=2', '--delete-before', '-v'],
    into: HERE,
    change: (source, random) => {
      changeSource(source, random);
      for (const name of ['link-1', 'dir/link-2', 'small']) rmSync(path.join(source, name));
      linkSync(path.join(source, 'dir/new'), path.join(source, 'dir/deep/link-3'));
    },
    shows: (found) => found.report.deleted === 2 && isOne(found.after, 'dir/new', 'dir/deep/link-3'),
  },
  {
    options: [...PLAIN, '--inplace', '-K'],
    into: HERE,
    change: (source, random) => {
      changeSource(source, random);
      rmSync(path.join(source, 'to-dir'));
      cpSync(path.join(source, 'dir'), path.join(source, 'to-dir'), { recursive: true });
      writeFileSync(path.join(source, 'to-dir/by-link'), random.bytes(2000));
    },
    shows: ({ after }) => after.get('to-dir')?.target === 'dir' && after.has('dir/by-link'),
  },
  {
    // the link leads above the destination: what is deleted there would be the destination too, were the rule not there
    options: ['-rlK', '--delete-during', '--filter=P /up/dir', '-b', '--backup-dir=/old'],
    into: ['', 'dir/'],
    change: (source, random) => {
      changeSource(source, random);
      renameSync(path.join(source, 'dir/changing'), path.join(source, 'changing'));
      for (const name of ['dir', 'small', 'link-1', 'to-dir']) rmSync(path.join(source, name), { recursive: true });
      mkdirSync(path.join(source, 'up'));
      writeFileSync(path.join(source, 'up/above'), 'lies above the destination');
    },
    shows: (found) => matches(found) && found.after.has('above') && found.after.has('old/up/small'),
  },
  {
    options: [...OLD, '--protocol=29', '-z', '-b'],
    into: HERE,
    change: changeSource,
    policy: { zlibDeltas: true },
    shows: (found) => matches(found) && found.after.has('dir/changing~'),
  },
  {
    options: [...OLD, '--protocol=27', '--link-dest=../one', '-z', '-v'],
    into: BESIDE,
    change: changeSource,
    policy: { zlibDeltas: true },
    shows: (found) => matches(found) && isOne(found.after, 'one/dir/deep/same', 'two/dir/deep/same'),
  },
  {
    options: [...PLAIN, '-z', '--compress-choice=zlib'],
    into: HERE,
    change: changeSource,
    policy: { zlibDeltas: true },
    shows: matches,
  },
  {
    options: [...PLAIN, '-mR', '--delete-excluded', '--filter=P /dir/deep', '--filter=- *.bak', '-ii', '-U'],
    into: HERE,
    change: (source, random) => {
      changeSource(source, random);
      rmSync(path.join(source, 'dir/deep/same'));
    },
    shows: matches,
  },
  {
    options: [...PLAIN, '--dry-run', '-ii', '--link-dest=../one', '-b', '--fuzzy'],
    into: BESIDE,
    change: changeSource,
    shows: (found) => found.report.snapshot === undefined && found.report.transferred > 0,
  },
];

function matches({ report }: Found): boolean {
  return report.matchedBytes > 0;
}

function whole({ report }: Found): boolean {
  return report.matchedBytes === 0 && report.literalBytes > 30_000;
}

/** Whether the names are of one object. */
function isOne(vault: Map<string, Entry>, a: string, b: string): boolean {
  const inode = vault.get(a)?.inode;
  return inode !== undefined && inode !== 0 && inode === vault.get(b)?.inode;
}

/** The same every time, so that one push of it is the first one of many. What changes within a second passes for unchanged. */
export function makeSource(folder: string, words: string): void {
  const random = new Random(1);
  const text = random.text(30_000);
  // in the part that does not change
  text.write(words, 5000);
  const files: [string, string | Buffer][] = [
    // above the reveal floor: with --checksum smaller ones are sent whatever they hold
    ['small', `${words} `.repeat(40)],
    ['dir/changing', text],
    ['dir/deep/same', 'same as ever'],
    ['dir/old', random.bytes(3000)],
  ];
  mkdirSync(path.join(folder, 'dir/deep'), { recursive: true });
  for (const [name, content] of files) {
    writeFileSync(path.join(folder, name), content);
    utimesSync(path.join(folder, name), 1e9, 1e9);
  }
  for (const name of ['link-1', 'dir/link-2']) linkSync(path.join(folder, 'small'), path.join(folder, name));
  symlinkSync('dir', path.join(folder, 'to-dir'));
  symlinkSync('..', path.join(folder, 'dir/up'));
}

/** The words stay in a file that does not change, and in the blocks that do not of one that does. */
function changeSource(folder: string, random: Random): void {
  const text = random.text(30_000);
  const before = readFileSync(path.join(folder, 'dir/changing'));
  before.copy(text, 0, 0, 12_000);
  writeFileSync(path.join(folder, 'dir/changing'), text);
  rmSync(path.join(folder, 'dir/old'));
  writeFileSync(path.join(folder, 'dir/new'), random.bytes(3000));
}

/** Long enough for a cut push to leave a part of it. */
function addBig(folder: string, random: Random): void {
  writeFileSync(path.join(folder, 'big'), random.bytes(200_000));
}

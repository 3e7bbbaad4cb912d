/**
 * The options that pushes are made with, as people's backup scripts have them. One line is one set; the matrix takes a
 * base, an extra and an output together, so an extra is tried with many bases and all outputs in turn.
 */

export interface OptionSet {
  name: string;
  args: string[];
}

export interface Extra extends OptionSet {
  /** what the first push has in place of `args`: for options that make sense only once something is there */
  first?: string[];
  /** paths within the client's tree; all of it unless told */
  sources?: string[];
  /** path below the module, '' unless told */
  to?: string;
  /** what rsync reads (`--files-from=-`) */
  input?: string;
  /** what has to land before it can pass: it is listed as such, and not run */
  waits?: string;
}

const BLOCKED = 'directories that --ignore-existing leaves to something else';
const IMPLIED = '--no-implied-dirs as stock has it';
const MKPATH = 'what --mkpath tells';

/** What of an object is carried. */
export const bases: OptionSet[] = [
  set('-a'),
  set('-aHAX'),
  set('-aHAXS --numeric-ids'),
  set('-rlt'),
  set('-r'),
  set('-rl'),
  set('-rlpt'),
  set('-rlptgoD --no-owner'),
  set('-aH'),
  set('-aA'),
  set('-aX'),
  set('-aAX --no-perms'),
  set('-aHAX --open-noatime -U'),
  set('-a --no-times'),
  set('-a --no-D'),
  set('-a --no-links'),
  set('-aHE --no-p'),
];

/** What is compared, how it goes, what is deleted, where from and where to. */
export const extras: Extra[] = [
  { name: 'plain', args: [] },

  // what is compared
  set('-c'),
  set('-u'),
  set('-I'),
  set('--size-only'),
  set('-W'),
  set('--no-W'),
  set('-c -W'),
  set('-I -u'),
  set('-c --checksum-choice=md5'),
  set('--checksum-choice=xxh64,md5 -c'),
  set('--modify-window=1'),
  set('--modify-window=86400'),
  set('-@-1'),
  later('--existing'),
  waiting(later('--ignore-existing'), BLOCKED),
  later('--existing --ignore-existing --delete'),
  waiting(later('-u --ignore-existing'), BLOCKED),
  set('-O'),
  set('-J'),
  set('-OJ --delete'),
  set('-E'),
  set('--no-p -E'),
  set('--no-specials'),
  set('--no-devices'),
  set('--no-g'),
  set('--chmod=D2750,F640'),
  set('--chmod=Dg+s,ugo+r,Fo-w,+X'),
  set('--super'),
  set('--numeric-ids'),
  set('-x'),
  set('-L'),
  set('-k'),
  set('--copy-unsafe-links'),
  set('--copy-dirlinks --delete'),

  // how it goes
  set('-z'),
  set('-z --compress-choice=zstd --compress-level=1'),
  set('-z --compress-choice=lz4'),
  set('-z --compress-choice=zlibx'),
  set('-zz'),
  set('-z --compress-choice=zlib'),
  set('--old-compress'),
  set('-z --skip-compress=jpg/gz'),
  set('--compress-level=0 -z'),
  set('--checksum-choice=xxh128'),
  set('--checksum-choice=xxh3'),
  set('--checksum-choice=xxh64'),
  set('--checksum-choice=md5'),
  set('--checksum-choice=md4'),
  set('--checksum-choice=sha1'),
  set('--checksum-seed=4711'),
  set('--checksum-seed=1 --checksum-choice=md5'),
  set('--inplace'),
  set('--inplace --sparse'),
  set('--inplace -W'),
  set('-S'),
  set('--partial'),
  set('-B2048'),
  set('--block-size=700'),
  set('--timeout=60'),
  set('--bwlimit=200M'),
  set('--preallocate'),
  set('--fsync'),
  set('--max-alloc=512M'),
  set('-s'),
  set('--old-args'),
  set('--use-qsort'),
  set('--no-inc-recursive'),
  set('--stderr=client'),

  // deletion
  set('--delete'),
  set('--del'),
  set('--delete-before'),
  set('--delete-during'),
  set('--delete-delay'),
  set('--delete-after'),
  set('--delete --force'),
  set('--force'),
  set('--delete --max-delete=0'),
  set('--delete --max-delete=3'),
  set('--delete-after --max-delete=5'),
  set('--delete-before --max-delete=1'),
  set('--delete --ignore-errors'),
  set('--delete --exclude=*.txt --exclude=/deep/'),
  set('--delete-excluded --exclude=*.txt --exclude=/deep/'),
  set('--delete-excluded --delete-after --exclude=level-3'),
  set('--delete --include=*/ --include=*.txt --exclude=*'),
  set('--delete-before --filter=P~level-* --filter=R~names'),
  set('--delete --filter=-s~f1* --filter=-r~f2*'),
  set('--delete-delay --filter=-p~file'),
  set('--delete -C'),
  set('--delete -FF'),
  set('--delete --cvs-exclude --no-inc-recursive'),
  set('--exclude=sizes --exclude=xattrs'),

  // where from
  from('-R', './sizes', './deep/level-0/level-1'),
  from('-R', 'deep/./level-0/level-2', 'modes/./dir-755'),
  waiting(from('-R --no-implied-dirs', 'deep/level-0/level-1/level-2', 'names'), IMPLIED),
  from('-R --delete', 'modes', 'links/sub'),
  waiting(from('-R --delete --no-implied-dirs', 'deep/level-0', 'plain'), IMPLIED),
  from('', 'sizes', 'names/'),
  from('--delete', 'sizes', 'names', 'modes'),
  from('--delete', 'sizes/', 'links/'),
  from('--delete-after', 'modes/', 'acls', 'xattrs/'),
  from('', 'sizes/text-3M', 'names/-dash', 'sizes/sparse'),
  from('', 'links/relative', 'links/hard-1', 'specials/fifo'),
  from('', 'sizes', 'nowhere', 'acls'),
  from('--delete', 'nowhere/', 'modes/'),
  from('--delete --ignore-errors', 'nowhere/', 'modes/'),
  from('-d', './'),
  from('-d --delete', './'),
  from('-d --delete', 'sizes/', 'modes'),
  from('--no-r -d', 'modes/', 'sizes'),
  { ...set('--files-from=- --no-r'), input: 'sizes/text-3M\nmodes\nplain/d0\nlinks/relative\n' },
  { ...set('--files-from=- -r'), input: 'sizes\nmodes\ndeep/level-0\nnames/-dash\n' },
  { ...set('--files-from=- -r --delete'), input: 'sizes/\nlinks/\n/modes\n./acls\n' },
  { ...set('--files-from=- --no-R'), input: 'sizes/text-3M\nnames/-dash\nspecials/fifo\n' },
  waiting(
    {
      ...set('--files-from=- --from0 --no-implied-dirs'),
      input: 'deep/level-0\0deep/level-0/level-1/level-2\0names/\0',
    },
    IMPLIED,
  ),
  { ...set('--files-from=-'), input: 'nowhere\nsizes/text-3M\n# comment\n\nmodes/file-600\n' },
  { ...set('--files-from=- --ignore-missing-args'), input: 'nowhere\nsizes/text-3M\n' },

  // where to
  to('', 'new'),
  to('', 'new/'),
  to('--delete', 'new/'),
  waiting(to('--mkpath', 'a/b/c'), MKPATH),
  waiting(to('--mkpath', 'a/b/c/'), MKPATH),
  waiting(to('', 'no/such/parent'), MKPATH),
  { ...from('', 'sizes/text-3M'), to: 'renamed' },
  { ...from('', 'sizes/text-3M'), to: 'new/' },
  waiting({ ...from('--mkpath', 'sizes/text-3M'), to: 'a/b/renamed' }, MKPATH),
  waiting({ ...from('--mkpath', 'sizes/text-3M'), to: 'a/b/' }, MKPATH),
  { ...from('', 'links/relative'), to: 'renamed-link' },
  { ...from('', 'specials/fifo'), to: 'renamed-fifo' },
  { ...from('', 'sizes'), to: 'new' },
  { ...from('-R', 'sizes/text-3M'), to: 'new' },
  { ...from('', 'sizes/text-3M', 'sizes/sparse'), to: 'new' },
  { ...from('', 'sizes/absent'), to: 'new' },
  to('', "odd name's [x] *"),
];

/** What the client is to print. */
export const outputs: OptionSet[] = [
  set('-i'),
  set('-ii --stats'),
  set('-v'),
  set('-vv'),
  set('--stats'),
  { name: 'silent', args: [] },
  set('-vi --stats'),
  set('-q'),
  set('-n -i'),
  set('-nvv --stats'),
  { name: 'out-format', args: ['--out-format=%i %n%L %l %M %U:%G %B'] },
  set('--out-format=%o~%f'),
  set('--info=name2,del,stats2,skip'),
  set('--info=all0,name1'),
  set('--info=progress2,nonreg0'),
  set('-vvi --info=flist0'),
  set('--progress'),
  set('--info=misc2,copy2,mount,remove,symsafe,backup'),
];

function set(text: string): Extra {
  return { name: text, args: words(text) };
}

/** The options of one text; a blank within one is written as ~. */
function words(text: string): string[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => word.replaceAll('~', ' '));
}

/** Only once something is there. */
function later(text: string): Extra {
  return { ...set(text), first: [] };
}

function waiting(extra: Extra, waits: string): Extra {
  return { ...extra, waits };
}

function from(text: string, ...sources: string[]): Extra {
  return { name: `${text} ${sources.join(' ')}`.trim(), args: words(text), sources };
}

function to(text: string, destination: string): Extra {
  return { name: `${text} to ${destination}`.trim(), args: words(text), to: destination };
}

import { type OptionSet, set } from './option-sets.ts';

export interface Extra extends OptionSet {
  /** what the first push has in place of `args`: for options that make sense only once something is there */
  first?: string[];
  /** paths within the client's tree; all of it unless told */
  sources?: string[];
  /** path below the module, '' unless told */
  to?: string;
  /** the same of the first push, where that goes elsewhere */
  firstTo?: string;
  /** what rsync reads (`--files-from=-`) */
  input?: string;
  /** the client changes its tree: each push gets a copy of it, and what is left of that is compared too */
  changesSource?: boolean;
}

const compared = [
  { name: 'plain', args: [] },
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
  later('--ignore-existing'),
  later('--existing --ignore-existing --delete'),
  later('-u --ignore-existing'),
  set('--max-size=20k'),
  set('--min-size=1k'),
  set('--max-size=9000 --min-size=500 --delete'),
  set('-m'),
  set('-m --delete --exclude=*.txt --exclude=inside'),
  set('-x'),
];

const attributes = [
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
  set('--chown=33:1000'),
  set('--usermap=*:1234 --groupmap=33:44,1000-2000:55'),
  set('--usermap=www-data:65534 --numeric-ids'),
  set('-L'),
  set('-k'),
  set('--copy-unsafe-links'),
  set('--safe-links --delete'),
  set('--copy-dirlinks --delete'),
  set('--munge-links'),
];

const carried = [
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
  set('--partial-dir=.part'),
  set('--partial-dir=.part --delete-after'),
  set('--delay-updates'),
  set('--delay-updates --delete-delay'),
  set('--append'),
  set('--append-verify'),
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
];

const deletion = [
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
];

/** Of a name of 255 bytes there is no backup, which ends a push sooner or later: test/peers/backup.slow.ts. */
const backups = [
  backup('-b'),
  backup('-b --delete'),
  backup('-b --suffix=.old --delete-after'),
  backup('-b --backup-dir=.old'),
  backup('-b --backup-dir=old --delete'),
  backup('-b --backup-dir=old/deeper --suffix=.was --delete-before'),
  backup('-b --delete --max-delete=3'),
  backup('-b --delete --exclude=*~'),
  backup('-b --inplace'),
  backup('-b --delay-updates --delete-delay'),
  backup('-b --existing'),
];

/** Each from the first version, which was pushed elsewhere. */
const elsewhere = [
  other('--link-dest=../first'),
  other('--link-dest=/first --delete'),
  other('--link-dest=../first --link-dest=../none'),
  other('--copy-dest=../first'),
  other('--copy-dest=../first -c'),
  // with -H stock 3.5.0 may wait for itself for ever
  other('--compare-dest=../first --no-H'),
  other('--compare-dest=../first -W -I --no-H'),
  { ...set('--link-dest=.'), to: 'new/' },
  set('-y'),
  set('-y --delete-after'),
];

const sources = [
  from('-R', './sizes', './deep/level-0/level-1'),
  from('-R', 'deep/./level-0/level-2', 'modes/./dir-755'),
  from('-R --no-implied-dirs', 'deep/level-0/level-1/level-2', 'names'),
  from('-R --delete', 'modes', 'links/sub'),
  from('-R --delete --no-implied-dirs', 'deep/level-0', 'plain'),
  from('', 'sizes', 'names/'),
  from('--delete', 'sizes', 'names', 'modes'),
  from('--delete', 'sizes/', 'links/'),
  from('--delete-after', 'modes/', 'acls', 'xattrs/'),
  from('', 'sizes/text-3M', 'names/-dash', 'sizes/sparse'),
  from('', 'links/relative', 'links/hard-1', 'specials/fifo'),
  from('', 'sizes', 'nowhere', 'acls'),
  from('--delete', 'nowhere/', 'modes/'),
  from('--delete --ignore-errors', 'nowhere/', 'modes/'),
  from('--delete-missing-args', 'names/--delete', 'sizes'),
  from('--delete-missing-args -R --force', './names/--delete', './deep/level-0/level-1', './plain'),
  from('--ignore-missing-args', 'nowhere', 'sizes'),
  from('-d', './'),
  from('-d --delete', './'),
  from('-d --delete', 'sizes/', 'modes'),
  from('--no-r -d', 'modes/', 'sizes'),
  listed('--files-from=- --no-r', 'sizes/text-3M', 'modes', 'plain/d0', 'links/relative'),
  listed('--files-from=- -r', 'sizes', 'modes', 'deep/level-0', 'names/-dash'),
  listed('--files-from=- -r --delete', 'sizes/', 'links/', '/modes', './acls'),
  listed('--files-from=- --no-R', 'sizes/text-3M', 'names/-dash', 'specials/fifo'),
  listed('--files-from=- --no-implied-dirs', 'deep/level-0', 'deep/level-0/level-1/level-2', 'names/'),
  listed('--files-from=-', 'nowhere', 'sizes/text-3M', '# comment', '', 'modes/file-600'),
  listed('--files-from=- --ignore-missing-args', 'nowhere', 'sizes/text-3M'),
  { ...set('--remove-source-files'), changesSource: true },
  { ...set('--remove-source-files --delete -c'), changesSource: true },
];

const destinations = [
  into('new', set('')),
  into('new/', set('')),
  into('new/', set('--delete')),
  into('a/b/c', set('--mkpath')),
  into('a/b/c/', set('--mkpath')),
  into('no/such/parent', set('')),
  into('renamed', from('', 'sizes/text-3M')),
  into('renamed', from('--ignore-existing', 'sizes/text-3M')),
  into('renamed', from('--existing --max-size=1k', 'sizes/text-3M')),
  into('new/', from('', 'sizes/text-3M')),
  into('no/such/file', from('', 'sizes/text-3M')),
  into('a/b/renamed', from('--mkpath', 'sizes/text-3M')),
  into('a/b/', from('--mkpath', 'sizes/text-3M')),
  into('renamed-link', from('', 'links/relative')),
  into('renamed-fifo', from('', 'specials/fifo')),
  into('new', from('', 'sizes')),
  into('new', from('-R', 'sizes/text-3M')),
  into('new', from('', 'sizes/text-3M', 'sizes/sparse')),
  into('new', from('', 'sizes/absent')),
  into("odd name's [x] *", set('')),
];

/** What is compared, how it goes, what is deleted and kept, where from and where to. */
export const extras: Extra[] = [
  ...compared,
  ...attributes,
  ...carried,
  ...deletion,
  ...backups,
  ...elsewhere,
  ...sources,
  ...destinations,
];

/** Only once something is there. */
function later(text: string): Extra {
  return { ...set(text), first: [] };
}

function from(text: string, ...sources: string[]): Extra {
  const { args } = set(text);
  return { name: `${text} ${sources.join(' ')}`.trim(), args, sources };
}

function listed(text: string, ...names: string[]): Extra {
  return {
    name: `${text} < ${names.join(' ')}`,
    args: set(text).args,
    input: names.map((name) => `${name}\n`).join(''),
  };
}

function into(to: string, extra: Extra): Extra {
  return { ...extra, name: `${extra.name} to ${to}`.trim(), to };
}

function backup(text: string): Extra {
  return { name: text, args: [...set(text).args, `--exclude=${'?'.repeat(200)}*`] };
}

function other(text: string): Extra {
  return { ...set(text), first: [], firstTo: 'first/', to: 'second/' };
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NightdropError, RefusedError, RsyncExit } from '../../src/lib/errors.ts';
import { LONG_OPTIONS, SHORT_OPTIONS } from '../../src/rsync/option-table.ts';
import {
  DAEMON,
  defaultOptions,
  parseServerOptions,
  REMOTE_SHELL,
  type ServerOptions,
  type ServerSide,
} from '../../src/rsync/options.ts';

function parse(...args: string[]): ServerOptions {
  return parseFor(REMOTE_SHELL, ...args);
}

function parseFor(side: ServerSide, ...args: string[]): ServerOptions {
  const options = defaultOptions();
  parseServerOptions(['--server', ...args, '.', 'm/'], options, side);
  return options;
}

/** What differs from the defaults, without what every parse sets. */
function changed(...args: string[]): Partial<ServerOptions> {
  const defaults: Record<string, unknown> = { ...defaultOptions(), path: 'm/' };
  return Object.fromEntries(Object.entries(parse(...args)).filter(([key, value]) => defaults[key] !== value));
}

const refuses = (exit: number, message: RegExp, ...args: string[]) =>
  assert.throws(
    () => parse(...args),
    (error) => error instanceof NightdropError && error.rsyncExit === exit && message.test(error.message),
    args.join(' '),
  );

test('-a -H -A -X -z --delete as a stock client sends them', () => {
  assert.deepEqual(
    changed('-vlHogDtpAXrze.iLsfxCIvu', '--log-format=%i', '--delete-during', '--numeric-ids', '--stats'),
    {
      verbose: 1,
      capabilities: 'iLsfxCIvu',
      links: true,
      hardLinks: true,
      owner: true,
      group: true,
      devices: true,
      specials: true,
      times: true,
      perms: true,
      acls: true,
      xattrs: true,
      recursive: true,
      compress: 'negotiated',
      logFormat: '%i',
      deletes: true,
      deleteMode: 'during',
      numericIds: true,
      infoName: 1,
      itemizes: true,
      tellsDeleted: true,
    },
  );
});

test('every timing of --delete, and --delete alone', () => {
  for (const mode of ['before', 'during', 'delay', 'after'] as const) {
    assert.equal(parse('-re.', `--delete-${mode}`).deleteMode, mode);
    assert.equal(parse('-re.', `--delete-${mode}`, '--delete-excluded').deleteMode, mode);
  }
  assert.equal(parse('-re.', '--delete').deleteMode, 'during');
  assert.deepEqual(changed('-re.', '--delete-excluded'), {
    recursive: true,
    deletes: true,
    deleteMode: 'during',
    deleteExcluded: true,
  });
  assert.equal(parse('-de.', '--no-r', '--delete').deleteMode, 'during');
  refuses(RsyncExit.syntax, /--delete does not work/, '-e.', '--delete');
});

test('--max-delete=-1 and below mean none', () => {
  assert.equal(parse('-re.', '--max-delete=10').maxDelete, 10);
  assert.equal(parse('-re.', '--max-delete=-1').maxDelete, 0);
  assert.equal(parse('-re.').maxDelete, undefined);
});

test('values follow an equals sign, the next argument, or the letter', () => {
  assert.equal(parse('-e.', '--timeout=60').timeout, 60);
  assert.equal(parse('-e.', '--timeout', '60').timeout, 60);
  assert.equal(parse('-e.', '-@-1').modifyWindow, -1);
  assert.equal(parse('-e.', '--modify-window=2').modifyWindow, 2);
  assert.doesNotThrow(() => parse('-e.', '-B8192', '--bwlimit=100'));
});

test('what the client prints', () => {
  const told = (...args: string[]) => {
    const { itemizes, tellsUnchanged, tellsDeleted, infoName } = parse(...args);
    return [itemizes, tellsUnchanged, tellsDeleted, infoName];
  };
  assert.deepEqual(told('-e.'), [false, false, false, 0]);
  assert.deepEqual(told('-ve.'), [false, false, true, 1]);
  assert.deepEqual(told('-vve.'), [false, true, true, 2]);
  assert.deepEqual(told('-e.', '--log-format=X'), [false, false, true, 0]);
  assert.deepEqual(told('-e.', '--log-format=%o'), [false, false, true, 0]);
  assert.deepEqual(told('-e.', '--log-format=%i'), [true, false, true, 0]);
  assert.deepEqual(told('-e.', '--log-format=%i%I'), [true, true, true, 0]);
  assert.deepEqual(told('-e.', '--info=NAME2'), [false, true, true, 2]);
  assert.deepEqual(told('-vve.', '--info=name0,del0'), [false, false, false, 0]);
  assert.deepEqual(told('-ve.', '--info=none'), [false, false, false, 0]);
  assert.deepEqual(told('-e.', '--info=DEL'), [false, false, true, 0]);
  assert.deepEqual(told('-ve.', '--info=progress2,what'), [false, false, true, 1]);
});

test('a daemon tells no more than its verbosity allows', () => {
  const { verbose, infoName, tellsUnchanged, tellsDeleted } = parseFor(DAEMON, '-vvve.', '--info=name2');
  assert.deepEqual([verbose, infoName, tellsUnchanged, tellsDeleted], [1, 1, false, true]);
  assert.equal(parseFor(DAEMON, '-e.', '--log-format=%i%I').tellsUnchanged, true);
  assert.equal(parseFor({ ...DAEMON, maxVerbosity: 0 }, '-ve.').tellsDeleted, false);
});

test('--delete without a time means before for old clients', () => {
  assert.equal(parse('-re.', '--delete').deleteMode, 'during');
  assert.equal(parseFor({ ...DAEMON, protocol: 29 }, '-r', '--delete').deleteMode, 'before');
  assert.equal(parseFor({ ...DAEMON, protocol: 29 }, '-r', '--delete-after').deleteMode, 'after');
});

test('what -M adds for the receiver alone is carried, what both sides must know is refused', () => {
  assert.equal(parse('-pe.', '--no-perms').perms, false);
  assert.equal(parse('-De.', '--drop-D').dropDevices, true);
  refuses(RsyncExit.unsupported, /--acls is refused: give it to rsync itself/, '-e.', '--acls');
  refuses(RsyncExit.unsupported, /--exclude is refused: give it to rsync itself/, '-e.', '--exclude=x');
});

test('what is listed, taken and removed', () => {
  assert.deepEqual(changed('-rme.', '--max-size=10', '--min-size=1.5k', '--safe-links'), {
    recursive: true,
    pruneEmptyDirs: true,
    maxSize: 10,
    minSize: 1536,
    safeLinks: true,
  });
  assert.deepEqual(changed('-e.', '--remove-source-files'), { removesSource: 'all' });
  assert.deepEqual(changed('-e.', '--remove-sent-files'), { removesSource: 'sent' });
  assert.deepEqual(changed('-e.', '--usermap=*:0'), { userMap: '*:0' });
});

test('letters that mean more when repeated', () => {
  assert.equal(parse('-Xe.').rsyncXattrs, false);
  assert.equal(parse('-XXe.').rsyncXattrs, true);
  assert.equal(parse('-vvvve.').verbose, 4);
  assert.equal(parse('-HHxxUUe.').hardLinks, true);
});

test('choices of algorithms', () => {
  assert.equal(parse('-e.', '--checksum-choice=MD5').checksumChoice, 'md5');
  assert.equal(parse('-e.', '--checksum-choice=xxh64,auto').checksumChoice, 'xxh64,auto');
  assert.equal(parse('-e.', '--checksum-choice=auto').checksumChoice, undefined);
  assert.deepEqual(changed('-e.', '--compress-choice=zstd'), { compress: 'negotiated', compressChoice: 'zstd' });
  assert.deepEqual(changed('-e.', '--compress-choice=auto'), { compress: 'negotiated' });
  assert.deepEqual(changed('-e.', '--new-compress'), { compress: 'negotiated', compressChoice: 'zlibx' });
  assert.deepEqual(changed('-ze.', '--old-compress'), { compress: 'negotiated', compressChoice: 'zlib' });
  assert.deepEqual(changed('-ze.', '--compress-choice=none'), {});
  assert.deepEqual(changed('-e.', '--compress-level=3'), { compress: 'negotiated', compressLevel: 3 });
});

test('directories to compare with add up, are of one kind, and no more than 20', () => {
  assert.deepEqual(parse('-e.', '--link-dest', '../a', '--link-dest=/b').altDests, [
    { kind: 'link', path: '../a' },
    { kind: 'link', path: '/b' },
  ]);
  refuses(
    RsyncExit.unsupported,
    /--copy-dest option conflicts with the --link-dest/,
    '-e.',
    '--link-dest=a',
    '--copy-dest=b',
  );
  const many = (count: number) => Array.from({ length: count }, (_, i) => `--compare-dest=${i}`);
  assert.equal(parse('-e.', ...many(20)).altDests.length, 20);
  refuses(RsyncExit.unsupported, /at most 20 --compare-dest/, '-e.', ...many(21));
  refuses(RsyncExit.syntax, /--link-dest/, '-e.', '--link-dest=a\0b');
});

test('where content lands', () => {
  assert.deepEqual(changed('-be.'), { backup: true, suffix: '~', omitDirTimes: true });
  assert.deepEqual(changed('-be.', '--backup-dir', './a//b/'), { backup: true, backupDir: 'a/b', suffix: '' });
  assert.deepEqual(changed('-e.', '--backup-dir=/x/../../y', '--suffix=.o'), {
    backup: true,
    backupDir: '/y',
    suffix: '.o',
  });
  assert.deepEqual(changed('-e.', '--backup-dir=../y').backupDir, '../y');
  assert.deepEqual(changed('-e.', '--partial-dir', 'a/../b'), { partial: true, partialDir: 'b' });
  assert.deepEqual(changed('-e.', '--partial-dir=.'), {});
  assert.deepEqual(changed('-e.', '--delay-updates'), { delayUpdates: true, partial: true, partialDir: '.~tmp~' });
  assert.deepEqual(changed('-e.', '--append'), { append: 'trusting', inplace: true });
  assert.deepEqual(changed('-e.', '--append', '--append'), { append: 'verifying', inplace: true });
  refuses(RsyncExit.unsupported, /--suffix cannot contain slashes/, '-be.', '--suffix=a/b');
  refuses(RsyncExit.unsupported, /--suffix cannot be empty/, '-be.', '--suffix=');
  refuses(RsyncExit.unsupported, /same as the dest dir/, '-be.', '--backup-dir=./');
  refuses(RsyncExit.unsupported, /--inplace cannot be used with --partial-dir/, '-e.', '--inplace', '--partial-dir=x');
  refuses(RsyncExit.unsupported, /--append cannot be used with --delay-updates/, '-e.', '--append', '--delay-updates');
  refuses(RsyncExit.unsupported, /--append cannot be used with --whole-file/, '-We.', '--append');
  refuses(RsyncExit.unsupported, /too long/, '-e.', `--backup-dir=${'x'.repeat(256)}`);
});

test('-y once and twice', () => {
  assert.equal(parse('-rye.').fuzzy, 1);
  assert.equal(parse('-ryyye.').fuzzy, 2);
  assert.equal(parse('-rye.', '--no-fuzzy').fuzzy, 0);
});

test('what is not carried is refused by its name, with exit code 4', () => {
  const refused = [
    '--files-from=/etc/shadow',
    '--log-file=/x',
    '--write-devices',
    '--daemon',
    '--config=/etc/x',
    '--copy-as=root',
    '--rsync-path=sh',
    '--remote-option=--daemon',
    '--write-batch=f',
    '--server',
    '--password-file=/x',
    '--early-input=/x',
  ];
  for (const option of refused) refuses(RsyncExit.unsupported, new RegExp(option.split('=')[0]), '-re.', option);
  for (const letter of 'NkLT') refuses(RsyncExit.unsupported, new RegExp(`\\(?-${letter}\\)? `), `-r${letter}e.`);
  refuses(RsyncExit.unsupported, /-M|--remote-option/, '-M--fake-super');
  assert.equal(parse('-rCe.').cvsExclude, true);
});

test('what comes after a refused option is read all the same', () => {
  const options = defaultOptions();
  assert.throws(
    () =>
      parseServerOptions(
        [
          '--server',
          '-NlQogDtprze.iLsfxCIvu',
          '--partial-dir',
          '.',
          '--delete-after',
          '--timeout=x',
          '--safe-links',
          '.',
          'm/a',
        ],
        options,
      ),
    (error) => error instanceof RefusedError && /the option --crtimes \(-N\) /.test(error.message),
  );
  const { recursive, compress, deleteMode, capabilities, path } = options;
  assert.deepEqual(
    [recursive, compress, deleteMode, capabilities, path],
    [true, 'negotiated', 'after', 'iLsfxCIvu', 'm/a'],
  );
});

test('what is not known is refused by its name, whatever it is', () => {
  refuses(RsyncExit.unsupported, /--nonsense/, '-e.', '--nonsense=1');
  refuses(RsyncExit.unsupported, /-Q/, '-rQe.');
  refuses(RsyncExit.unsupported, /\\x1b/, `--\x1b[2J`);
  refuses(RsyncExit.unsupported, /--constructor/, '--constructor');
  refuses(RsyncExit.unsupported, /--__proto__/, '--__proto__=1');
  refuses(RsyncExit.unsupported, /…/, `--${'x'.repeat(100_000)}`);
});

test('a shell after -e is refused in every spelling', () => {
  refuses(RsyncExit.unsupported, /-e/, '-e', 'sh');
  refuses(RsyncExit.unsupported, /-e/, '-esh');
  refuses(RsyncExit.unsupported, /-e/, '-re', 'sh -c id');
  refuses(RsyncExit.unsupported, /--rsh/, '--rsh=sh');
});

test('arguments that no client sends are a syntax error, exit code 1', () => {
  const syntax = (pattern: RegExp, ...args: string[]) =>
    assert.throws(
      () => parseServerOptions(args, defaultOptions()),
      (error) => error instanceof NightdropError && error.rsyncExit === RsyncExit.syntax && pattern.test(error.message),
      args.join(' '),
    );
  syntax(/--server/);
  syntax(/--server/, '-re.', '--server', '.', 'm/');
  syntax(/one destination/, '--server', '-re.');
  syntax(/one destination/, '--server', '-re.', '.');
  syntax(/one destination/, '--server', '-re.', '.', 'm/', 'm/b');
  syntax(/unexpected/, '--server', 'word', '.', 'm/');
  syntax(/takes no value/, '--server', '--delete=1', '.', 'm/');
  syntax(/needs a value/, '--server', '--timeout');
  syntax(/NUL/, '--server', '.', 'm/\0');
});

test('numbers are decimal and within bounds', () => {
  const wrong = [
    '--timeout=-1',
    '--timeout=0x10',
    '--timeout=99999999999',
    '--timeout=',
    '--timeout=1e3',
    '--bwlimit=-1',
    '--block-size=-1',
    '--block-size=2147483648',
    '--max-delete=x',
    '--max-alloc=9e99T',
    '--max-alloc=-1',
    '--max-alloc=99999999P',
    '--compress-threads=256',
    '--checksum-seed=2147483648',
    '--checksum-seed=1.5',
    '--modify-window=-2',
    '--compress-level=',
    '--checksum-choice=md5;id',
    '--compress-choice=',
  ];
  for (const option of wrong) refuses(RsyncExit.syntax, /cannot be/, '-re.', option);
  for (const option of [
    '--max-alloc=0',
    '--max-alloc=1.5g',
    '--checksum-seed=-2147483648',
    '--block-size=131072',
    '--timeout=0',
  ])
    assert.doesNotThrow(() => parse('-re.', option), option);
});

test('--sender is seen wherever it stands, also when the arguments are wrong otherwise', () => {
  const cases = [
    ['--server', '--sender', '-re.', '.', 'm/'],
    ['--server', '-re.', '.', 'm/', '--sender'],
    ['--sender', '--server'],
    ['--server', '--nonsense', '--sender'],
    ['--server', '--sender', '-re.', '.', 'm/a', 'm/b'],
  ];
  for (const args of cases) {
    const options = defaultOptions();
    try {
      parseServerOptions(args, options);
    } catch (error) {
      assert.ok(error instanceof NightdropError);
    }
    assert.equal(options.sender, true, args.join(' '));
  }
});

test('capabilities are the letters after e and the dot', () => {
  assert.equal(parse('-logDtpre.iLsfxCIvu').capabilities, 'iLsfxCIvu');
  assert.equal(parse('-re31.14iLs').capabilities, 'iLs');
  assert.equal(parse('-re.').capabilities, '');
  assert.equal(parse('-re.iiii').capabilities, 'iiii');
  assert.equal(parse('-r').capabilities, '');
});

test('the table holds no option both ways, and a reason for each that is refused', () => {
  for (const [name, option] of [...SHORT_OPTIONS, ...LONG_OPTIONS]) {
    if (!option.carried) {
      assert.ok(option.reason.length > 5, name);
      assert.ok(new RefusedError(option.reason).rsyncExit === RsyncExit.unsupported);
    }
  }
});

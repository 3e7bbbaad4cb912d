import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/lib/errors.ts';
import { ByteReader, ByteWriter, NEED_MORE } from '../../src/rsync/bytes.ts';
import { FileListReceiver } from '../../src/rsync/flist.ts';
import { EntryFlag } from '../../src/rsync/flist-flags.ts';
import { Random } from '../support/random.ts';
import { recordedLists } from '../support/recorded-lists.ts';
import { decodeList, decodeLists, encodeList, settingsOf, type WireEntry, writeEntry } from './flist-bytes.ts';

const DIR = 0o040755;
const LINK = 0o120777;
const top = { path: '.', mode: DIR, flags: EntryFlag.topDir };
const first = EntryFlag.hardLinked | EntryFlag.hardLinkFirst;

function refused(name: string, message: RegExp, act: () => unknown): void {
  test(`refused: ${name}`, () => {
    assert.throws(act, (error) => {
      assert.ok(error instanceof ProtocolError, `not a ProtocolError: ${error}`);
      assert.match(error.message, message);
      assert.match(error.message, /^[\x20-\x7e]{1,500}$/, 'fit for a log');
      return true;
    });
  });
}

const list = (entries: WireEntry[]) => () => decodeList(settingsOf(), encodeList(entries));
const relative = (entries: WireEntry[]) => () => decodeList(settingsOf({ relative: true }), encodeList(entries));

const unsafeNames = [
  '..',
  '../x',
  'a/../b',
  'a/..',
  '/',
  '/etc/passwd',
  'a//b',
  './a',
  'a/.',
  'a/./b',
  'a/',
  '',
  'a\0b',
  '\0',
  '\n/..',
];
for (const path of unsafeNames) refused(`the name ${JSON.stringify(path)}`, /unsafe name/, list([{ path }]));
for (const path of ['//a', '/..', '/a/../b', '/a/', '/', '/./a']) {
  refused(`the name ${JSON.stringify(path)} with --relative`, /unsafe name/, relative([{ path }]));
}
refused('a component of 256 bytes', /part longer than 255/, list([{ path: 'a'.repeat(256) }]));
refused('a path of 4,096 bytes', /longer than 4095 bytes/, list([{ path: `${'a/'.repeat(2047)}ab` }]));
refused('a name of 2^31 - 1 bytes', /longer than 4095 bytes/, () =>
  decodeList(settingsOf(), Buffer.from([0x40, 0xf0, 0xff, 0xff, 0xff, 0x7f])),
);
refused('a name of -1 bytes', /longer than 4095 bytes/, () =>
  decodeList(settingsOf(), Buffer.from([0x40, 0xf0, 0xff, 0xff, 0xff, 0xff])),
);
refused('a first name that shares bytes with the one before', /more of the one before/, () =>
  decodeList(settingsOf(), Buffer.from([EntryFlag.sameName, 1, 1, 0x61])),
);
refused('a name that shares more than the last one has', /more of the one before/, () => {
  const writer = writeEntry(new ByteWriter(), { path: 'abc' });
  return decodeList(settingsOf(), writer.u8(EntryFlag.sameName).u8(4).u8(1).latin1('x').take());
});
refused('a shared part that makes ".." of the last name', /unsafe name/, () => {
  const writer = writeEntry(new ByteWriter(), { path: '.x' });
  return decodeList(settingsOf(), writer.u8(EntryFlag.sameName).u8(1).u8(3).latin1('./y').take());
});
refused('a root that is no directory', /root of the transfer/, list([{ path: '.' }]));
refused('a root that is no directory, with --relative', /root of the transfer/, relative([{ path: '/.' }]));

refused('a file below a file', /below a, which/, list([{ path: 'a' }, { path: 'a/b' }]));
refused('a file far below a file', /below a, which/, list([{ path: 'a/b/c/d' }, { path: 'a' }]));
refused('a file below a symlink', /below l, which/, list([{ path: 'l', mode: LINK, more: target }, { path: 'l/b' }]));
refused(
  'a directory below a fifo',
  /below p, which/,
  list([
    { path: 'p', mode: 0o010644 },
    { path: 'p/d', mode: DIR },
  ]),
);
refused(
  'a file below a file, from the root',
  /below a, which|below \/a, which/,
  relative([{ path: '/a' }, { path: '/a/b' }]),
);

refused('a size below zero', /impossible size -1/, list([{ path: 'a', size: -1 }]));
refused('a size over 2^53', /impossible size/, list([{ path: 'a', size: 2 ** 53 }]));
refused('a time over 2^53', /impossible time/, list([{ path: 'a', mtime: -(2 ** 60) }]));
refused('a second of a billion nanoseconds', /1000000000 nanoseconds/, list([{ path: 'a', nsec: 1_000_000_000 }]));
refused('nanoseconds below zero', /-1 nanoseconds/, list([{ path: 'a', nsec: -1 }]));
for (const mode of [0, 0o644, 0o200000, 0o110644, 0o170000, -1, 0o1100644]) {
  refused(`the mode 0${mode.toString(8)}`, /impossible mode/, list([{ path: 'a', mode }]));
}
refused('the user id 2^32 - 1', /impossible user id/, list([{ path: 'a', uid: -1 }]));
refused('the group id 2^32 - 1', /impossible group id/, list([{ path: 'a', gid: -1 }]));
for (const name of ['a\nb', 'a\0', '\n']) {
  refused(`the user name ${JSON.stringify(name)}`, /impossible name/, () => {
    const rest = (w: ByteWriter) =>
      w.varlong(1, 3).varlong(1, 4).i32(0o100600).varint(7).u8(name.length).latin1(name).varint(0);
    const settings = settingsOf({ incremental: true, numericIds: false });
    return decodeList(settings, encodeList([{ path: 'a', flags: EntryFlag.userNameFollows, rest }]));
  });
}
refused('flags that nobody knows', /unknown flags \(0x10000\)/, list([{ path: 'a', flags: 1 << 16 }]));
refused('flags below zero', /unknown flags/, list([{ path: 'a', flags: -2 }]));

for (const length of [0, -1, 4096, 1 << 20, 0x7fffffff]) {
  refused(
    `a symlink to ${length} bytes`,
    /target of/,
    list([{ path: 'l', mode: LINK, more: (w) => w.varint(length) }]),
  );
}
refused(
  'a symlink to a NUL',
  /holds a NUL/,
  list([{ path: 'l', mode: LINK, more: (w) => w.varint(3).latin1('a\0b') }]),
);

refused('a link forward', /entry 5, which is not the first/, list([{ path: 'a', linkTo: 5 }]));
refused('a link to itself', /entry 0, which is not the first/, list([{ path: 'a', linkTo: 0 }]));
refused('a link to index -1', /entry -1, which is not the first/, list([{ path: 'a', linkTo: -1 }]));
refused(
  'a link to a directory',
  /entry 0, which is not the first/,
  list([
    { path: 'd', mode: DIR },
    { path: 'a', linkTo: 0 },
  ]),
);
refused(
  'a link to a file that is the first of no group',
  /not the first/,
  list([{ path: 'b' }, { path: 'a', linkTo: 0 }]),
);
refused(
  'a link to a link',
  /entry 1, which is not the first/,
  list([
    { path: 'a', flags: first },
    { path: 'b', linkTo: 0, rest: (w) => w.varint(0) },
    { path: 'c', linkTo: 1, rest: (w) => w.varint(1) },
  ]),
);
refused(
  'a directory that is the first of a group',
  /directory d is sent as a hard link/,
  list([{ path: 'd', mode: DIR, flags: first }]),
);
refused(
  'the root as a link',
  /\. is sent as a hard link/,
  list([
    { path: 'a', flags: first },
    { path: '.', linkTo: 0 },
  ]),
);
refused('a link that was not asked for', /not asked for/, () =>
  decodeList(settingsOf({}, { hardLinks: false }), encodeList([{ path: 'a', flags: first }])),
);

const incremental = settingsOf({ incremental: true });
const sub = (directory: number, entries: WireEntry[]) => () =>
  decodeLists(incremental, [
    [-1, encodeList([top, { path: 'd', mode: DIR }, { path: 'd', mode: DIR }, { path: 'f' }])],
    [directory, encodeList(entries)],
  ]);
refused('a list for a directory that is not known', /number 9, of 3/, sub(9, []));
refused('a list for a directory that will only be known', /number 3, of 3/, sub(3, [{ path: 'd/e', mode: DIR }]));
refused('a list for the root, which had its', /number 0, which has none/, sub(0, []));
refused('a list for a duplicate', /number 2, which has none/, sub(2, []));
refused('a list for number 2^31 - 1', /number 2147483647, of 3/, sub(0x7fffffff, []));
refused('a second list for a directory', /number 1, which has none/, () => {
  decodeLists(incremental, [
    [-1, encodeList([top, { path: 'd', mode: DIR }])],
    [1, encodeList([])],
    [1, encodeList([])],
  ]);
});
refused('two first lists', /first file list is not the first/, () =>
  decodeLists(incremental, [
    [-1, encodeList([])],
    [-1, encodeList([])],
  ]),
);
refused('a list before the first', /first file list is not the first/, () =>
  decodeLists(incremental, [[0, encodeList([])]]),
);
for (const path of ['x', 'e/x', 'd', 'dx', 'd/e/x', 'D/x', '.']) {
  refused(`${path} in the list of d`, /list of d holds/, sub(1, [{ path, mode: path === '.' ? DIR : undefined }]));
}
refused('a path of two parts in the first list', /list of the root holds a\/b/, () =>
  decodeLists(incremental, [[-1, encodeList([{ path: 'a/b' }])]]),
);
refused('an I/O error at the end where that was not agreed on', /not agreed on/, () =>
  decodeList(settingsOf({ protocol: 30, varintFlags: false, safeEnd: false }), Buffer.from([0x04, 0x10, 1])),
);

test('only I/O errors that are defined count', () => {
  const [{ ioError }] = decodeLists(settingsOf(), [[-1, encodeList([top], -1)]]);
  assert.equal(ioError, 7);
});

test('owners are named only up to a bound', () => {
  const settings = settingsOf({ numericIds: false });
  const receiver = new FileListReceiver(settings);
  receiver.begin(-1);
  receiver.readAvailable(new ByteReader(encodeList([])));
  const writer = new ByteWriter();
  assert.throws(() => {
    for (let id = 1; id < 2_000_000; ) {
      for (let i = 0; i < 1000; i++, id++) writer.varint(id).u8(200).latin1('n'.repeat(200));
      receiver.readAvailable(new ByteReader(writer.take()));
    }
  }, /more owners than there can be/);
});

test('a million directories in one list are told apart in time', () => {
  const writer = new ByteWriter(1 << 20);
  const same = EntryFlag.sameUid | EntryFlag.sameGid | EntryFlag.sameTime;
  for (let i = 0; i < 200_000; i++) {
    const rest = (w: ByteWriter) => w.varlong(0, 3).i32(i % 2 ? DIR : 0o100644);
    writeEntry(writer, { path: `${(i * 7919) % 100_000}`, flags: same, rest });
  }
  const bytes = writer.varint(0).varint(0).take();
  const started = performance.now();
  const entries = decodeList(settingsOf(), bytes);
  assert.equal(entries.filter((e) => e !== undefined).length, 100_000);
  assert.ok(performance.now() - started < 5000);
});

test('recordings with bytes changed or missing end in an error or a list, never in anything else', () => {
  const seed = Number(process.env.NIGHTDROP_SEED ?? 20_261_124);
  const random = new Random(seed);
  for (const { name, settings, data } of recordedLists()) {
    for (let round = 0; round < 400; round++) {
      const mutated = Buffer.from(data.subarray(0, random.below(data.length + 1)));
      for (let i = random.below(4); i > 0 && mutated.length > 0; i--)
        mutated[random.below(mutated.length)] = random.below(256);
      const receiver = new FileListReceiver(settings);
      receiver.begin(-1);
      try {
        receiver.readAvailable(new ByteReader(mutated));
      } catch (error) {
        assert.ok(
          error !== NEED_MORE && error instanceof ProtocolError,
          `${name}, seed ${seed}, round ${round}: ${error}`,
        );
      }
    }
  }
});

function target(writer: ByteWriter): void {
  writer.varint(1).latin1('t');
}

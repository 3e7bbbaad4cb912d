import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteReader, ByteWriter } from '../../src/rsync/bytes.ts';
import type { FileList } from '../../src/rsync/entry.ts';
import { FileListReceiver, type FileListSettings } from '../../src/rsync/flist.ts';
import { EntryFlag } from '../../src/rsync/flist-flags.ts';
import { NDX_FLIST_OFFSET, NdxDecoder } from '../../src/rsync/ndx.ts';
import { describeLists, recordedLists } from '../support/recorded-lists.ts';
import { decodeList, decodeLists, encodeList, pathsOf, settingsOf, writeEntry } from './flist-bytes.ts';
import { everySplit, feedPieces } from './splits.ts';

const DIR = 0o040755;
const LINK = 0o120777;
const top = { path: '.', mode: DIR, flags: EntryFlag.topDir };

test('an entry, byte by byte', () => {
  // flags: top dir; name '.'; size 4096; mtime 1,700,000,000; mode; uid 0; gid 1000
  const root = '01 01 2e 00 00 10 65 00 f1 53 ed 41 00 00 00 83 e8';
  // same uid, same gid, name shared 0: 'a'; size 5; same time; mode 0100644; 123,456,789 ns
  const file = 'a0 98 01 61 00 05 00 e7 15 cd 5b a4 81 00 00';
  // same mode, uid, gid, time; 1 byte of 'a' shared: 'ab'
  const next = '80 ba 01 01 62 00 06 00';
  const bytes = Buffer.from(`${root} ${file} ${next} 00 00`.replaceAll(' ', ''), 'hex');
  for (const pieces of everySplit(bytes)) {
    const receiver = new FileListReceiver(settingsOf());
    receiver.begin(-1);
    const [list] = feedPieces(pieces, (reader) => (reader.available > 0 ? receiver.readAvailable(reader) : undefined));
    assert.deepEqual(pathsOf(list.entries), ['.', 'a', 'ab']);
    const [, a, ab] = list.entries.map((entry) => entry!);
    assert.deepEqual(
      [a.size, a.mtime, a.mtimeNsec, a.mode, a.uid, a.gid],
      [5, 1_700_000_000, 123_456_789, 0o100644, 0, 1000],
    );
    assert.deepEqual([ab.size, ab.mtime, ab.mtimeNsec, ab.mode], [6, 1_700_000_000, 0, 0o100644]);
    assert.equal(list.entries[0]!.topDir, true);
    assert.equal(list.ioError, 0);
  }
});

/** Decodes a recording as it comes, piece by piece. */
function decodePieces(settings: FileListSettings, pieces: Buffer[]): FileList[] {
  const receiver = new FileListReceiver(settings);
  const ndx = new NdxDecoder(settings.protocol);
  const lists: FileList[] = [];
  let inList = true;
  receiver.begin(-1);
  feedPieces(pieces, (reader) => {
    if (inList) {
      const list = receiver.readAvailable(reader);
      if (list !== undefined) lists.push(list);
      inList = list === undefined;
      return undefined;
    }
    if (!settings.incremental) {
      reader.position = reader.end;
      return undefined;
    }
    // indices of replies and their item flags alternate with lists; no reply of a first push has more
    const index = ndx.read(reader);
    if (index <= NDX_FLIST_OFFSET) {
      receiver.begin(NDX_FLIST_OFFSET - index);
      inList = true;
    }
    return undefined;
  });
  return lists;
}

for (const recording of recordedLists()) {
  const { settings, data, expected, args } = recording;
  test(`${recording.name}: what the stock client sent (${args.join(' ')})`, () => {
    const receiver = new FileListReceiver(settings);
    receiver.begin(-1);
    const reader = new ByteReader(data);
    const first = describeLists([receiver.readAvailable(reader)!]);
    assert.deepEqual(first, expected.slice(0, first.length));
  });

  test(`${recording.name}: the same in every split`, () => {
    const end = settings.incremental ? endOfLists(settings, data) : data.length;
    const lists = data.subarray(0, end);
    const whole = describeLists(decodePieces(settings, [lists]));
    assert.deepEqual(whole, expected);
    for (const pieces of everySplit(lists)) assert.deepEqual(describeLists(decodePieces(settings, pieces)), whole);
  });
}

/** Recordings go on with replies after the last list: the byte where that ends. */
function endOfLists(settings: FileListSettings, data: Buffer): number {
  const reader = new ByteReader(data);
  const receiver = new FileListReceiver(settings);
  const ndx = new NdxDecoder(settings.protocol);
  receiver.begin(-1);
  receiver.readAvailable(reader);
  let end = reader.position;
  while (reader.available > 0) {
    const index = ndx.read(reader);
    if (index > NDX_FLIST_OFFSET) break;
    receiver.begin(NDX_FLIST_OFFSET - index);
    receiver.readAvailable(reader);
    end = reader.position;
  }
  return end;
}

test('lists of an incremental transfer leave one index between them, for the directory itself', () => {
  const settings = settingsOf({ incremental: true });
  const lists = decodeLists(settings, [
    [-1, encodeList([top, { path: 'b', mode: DIR }, { path: 'a', mode: DIR }, { path: 'z' }])],
    [1, encodeList([{ path: 'a/x', mode: DIR }, { path: 'a/y' }])],
    [3, encodeList([])],
    [2, encodeList([{ path: 'b/one' }], 1)],
  ]);
  assert.deepEqual(
    lists.map((l) => [l.first, l.entries.length, l.parent, l.parentPath, l.ioError]),
    [
      [1, 4, 0, '', 0],
      [6, 2, 1, 'a', 0],
      [9, 0, 3, 'a/x', 0],
      [10, 1, 2, 'b', 1],
    ],
  );
  assert.deepEqual(pathsOf(lists[0].entries), ['.', 'z', 'a', 'b']);
});

test('without a root the first list belongs to no directory', () => {
  const settings = settingsOf({ incremental: true });
  const [list] = decodeLists(settings, [[-1, encodeList([{ path: 'a', mode: DIR, flags: EntryFlag.topDir }])]]);
  assert.deepEqual([list.parent, list.parentPath], [-1, '']);
});

test('the directory of a list is told with it', () => {
  const receiver = new FileListReceiver(settingsOf({ incremental: true }));
  receiver.begin(-1);
  const first = receiver.readAvailable(new ByteReader(encodeList([top, { path: 'd', mode: DIR }])))!;
  assert.equal(receiver.directory(first)?.path, '.');
  assert.equal(receiver.pendingDirectories, 1);
  receiver.begin(1);
  const second = receiver.readAvailable(new ByteReader(encodeList([])))!;
  assert.equal(receiver.directory(second)?.path, 'd');
  assert.equal(receiver.pendingDirectories, 0);
});

test('a name that stands twice: the first stays, its slot counts', () => {
  const entries = decodeList(
    settingsOf(),
    encodeList([top, { path: 'b', size: 1 }, { path: 'a' }, { path: 'b', size: 2 }]),
  );
  assert.deepEqual(pathsOf(entries), ['.', 'a', 'b', undefined]);
  assert.equal(entries[2]!.size, 1);
});

test('a directory wins over anything else of its name, before and after it', () => {
  const bytes = encodeList([
    { path: 'a', size: 1 },
    { path: 'a', mode: DIR },
    { path: 'a/b' },
    { path: 'a', mode: LINK, more: target },
  ]);
  assert.deepEqual(pathsOf(decodeList(settingsOf(), bytes)), [undefined, undefined, 'a', 'a/b']);
});

test('of a directory that stands twice the content counts if either has it', () => {
  const implied = { path: 'd', mode: DIR, flags: EntryFlag.topDir | EntryFlag.noContentDir };
  const full = { path: 'd', mode: DIR };
  for (const pair of [
    [implied, full],
    [full, implied],
  ]) {
    const [first, second] = decodeList(settingsOf(), encodeList(pair));
    assert.deepEqual([first!.hasContent, first!.topDir, second], [true, false, undefined]);
  }
  const [both] = decodeList(settingsOf(), encodeList([implied, implied]));
  assert.deepEqual([both!.hasContent, both!.topDir], [false, true]);
});

test('links within a list have what the first has; in a later list they say it themselves', () => {
  const first = { path: 'a', size: 77, uid: 5, flags: EntryFlag.hardLinked | EntryFlag.hardLinkFirst };
  const lists = decodeLists(settingsOf({ incremental: true }), [
    [-1, encodeList([top, first, { path: 'b', linkTo: 2, rest: (w) => w.varint(2) }, { path: 'd', mode: DIR }])],
    [1, encodeList([{ path: 'd/c', size: 77, linkTo: 2 }])],
  ]);
  const [, a, b] = lists[0].entries.map((e) => e!);
  assert.deepEqual([a.hardLink, b.hardLink, b.size, b.uid], [2, 2, 77, 5]);
  assert.deepEqual([lists[1].entries[0]!.hardLink, lists[1].entries[0]!.size], [2, 77]);
});

test('an entry after a link goes on from the attributes of what it links to', () => {
  const writer = new ByteWriter();
  writeEntry(writer, { path: 'a', uid: 5, mtime: 1000, flags: EntryFlag.hardLinked | EntryFlag.hardLinkFirst });
  writeEntry(writer, { path: 'b', uid: 6, mtime: 2000 });
  writeEntry(writer, { path: 'c', linkTo: 0, rest: (w) => w.varint(0) });
  const same = EntryFlag.sameUid | EntryFlag.sameGid | EntryFlag.sameTime | EntryFlag.sameMode;
  writeEntry(writer, { path: 'd', flags: same, rest: (w) => w.varlong(9, 3) });
  const entries = decodeList(settingsOf(), writer.varint(0).varint(0).take());
  assert.deepEqual([entries[3]!.uid, entries[3]!.mtime, entries[3]!.size], [5, 1000, 9]);
});

test('the only link of its group in a whole list is none', () => {
  const flags = EntryFlag.hardLinked | EntryFlag.hardLinkFirst;
  const entries = decodeList(settingsOf(), encodeList([{ path: 'a', flags }, { path: 'b' }]));
  assert.equal(entries[0]!.hardLink, -1);
});

test('a link to what is of another type now stands for itself', () => {
  const [, second] = decodeLists(settingsOf({ incremental: true }), [
    [
      -1,
      encodeList([top, { path: 'a', flags: EntryFlag.hardLinked | EntryFlag.hardLinkFirst }, { path: 'd', mode: DIR }]),
    ],
    [1, encodeList([{ path: 'd/l', mode: LINK, linkTo: 2, more: target }])],
  ]);
  assert.equal(second.entries[0]!.hardLink, -1);
});

test('the last entry may be a request for a deletion', () => {
  const bytes = encodeList([top, { path: 'gone', mode: 0 }]);
  assert.equal(decodeList(settingsOf({ missingArgs: true }), bytes)[1]!.mode, 0);
  assert.throws(() => decodeList(settingsOf(), bytes), /impossible mode 00/);
});

test('crtimes are read and dropped', () => {
  const settings = settingsOf({}, { crtimes: true });
  const writer = new ByteWriter();
  writeEntry(writer, {
    path: 'a',
    rest: (w) => w.varlong(3, 3).varlong(10, 4).varlong(20, 4).i32(0o100600).varint(0).varint(0),
  });
  writeEntry(writer, { path: 'b', flags: EntryFlag.crtimeIsMtime });
  assert.deepEqual(pathsOf(decodeList(settings, writer.varint(0).varint(0).take())), ['a', 'b']);
});

test('names of owners come with entries, or after the list', () => {
  const named = EntryFlag.userNameFollows | EntryFlag.groupNameFollows;
  const writer = new ByteWriter();
  const rest = (w: ByteWriter) =>
    w.varlong(1, 3).varlong(1, 4).i32(0o100600).varint(7).u8(3).latin1('eva').varint(8).u8(2).latin1('it');
  writeEntry(writer, { path: 'a', flags: named, rest });
  writeEntry(writer, { path: 'b', uid: 7, gid: 9 });
  const inline = decodeList(settingsOf({ incremental: true, numericIds: false }), writer.varint(0).varint(0).take());
  assert.deepEqual(
    inline.map((e) => [e!.user, e!.group]),
    [
      ['eva', 'it'],
      ['eva', ''],
    ],
  );

  const whole = Buffer.concat([
    encodeList([
      { path: 'a', uid: 7, gid: 0 },
      { path: 'b', uid: 0, gid: 8 },
    ]),
    new ByteWriter()
      .varint(7)
      .u8(3)
      .latin1('eva')
      .varint(0)
      .u8(5)
      .latin1('admin')
      .varint(8)
      .u8(2)
      .latin1('it')
      .varint(0)
      .u8(0)
      .take(),
  ]);
  const after = decodeList(settingsOf({ numericIds: false }), whole);
  assert.deepEqual(
    after.map((e) => [e!.user, e!.group]),
    [
      ['eva', ''],
      ['admin', 'it'],
    ],
  );
});

test('a client that does not say what 0 is called means root', () => {
  const bytes = Buffer.concat([encodeList([{ path: 'a' }]), Buffer.from([0, 0])]);
  const [entry] = decodeList(settingsOf({ numericIds: false, id0Names: false }), bytes);
  assert.deepEqual([entry!.user, entry!.group], ['root', 'root']);
});

function target(writer: ByteWriter): void {
  writer.varint(1).latin1('t');
}

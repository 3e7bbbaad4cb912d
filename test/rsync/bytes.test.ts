import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/lib/errors.ts';
import { ByteReader, ByteWriter, NEED_MORE } from '../../src/rsync/bytes.ts';
import { Random } from '../support/random.ts';
import { feedPieces, inEverySplit } from './splits.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('varints are the golden bytes of the protocol, both ways', () => {
  const golden: [number, string][] = [
    [0, '00'],
    [5, '05'],
    [127, '7f'],
    [128, '80 80'],
    [300, '81 2c'],
    [0x3fff, 'bf ff'],
    [0x4000, 'c0 00 40'],
    [0x1fffff, 'df ff ff'],
    [0x200000, 'e0 00 00 20'],
    [0x0fffffff, 'ef ff ff ff'],
    [0x10000000, 'f0 00 00 00 10'],
    [0x7fffffff, 'f0 ff ff ff 7f'],
    [-1, 'f0 ff ff ff ff'],
    [-0x80000000, 'f0 00 00 00 80'],
  ];
  for (const [value, bytes] of golden) {
    assert.deepEqual(new ByteWriter().varint(value).take(), hex(bytes), `${value} written`);
    assert.equal(new ByteReader(hex(bytes)).varint(), value, `${bytes} read`);
  }
});

test('varlongs are the golden bytes of the protocol, both ways', () => {
  const golden: [number, number, string][] = [
    [0, 3, '00 00 00'],
    [1, 3, '00 01 00'],
    [0xffff, 3, '00 ff ff'],
    [0x7fffff, 3, '7f ff ff'],
    [0x800000, 3, '80 00 00 80'],
    [0x3fffffff, 3, 'bf ff ff ff'],
    [0x40000000, 3, 'c0 00 00 00 40'],
    [2 ** 40, 3, 'e1 00 00 00 00 00'],
    [2 ** 48 - 1, 3, 'f0 ff ff ff ff ff ff'],
    [Number.MAX_SAFE_INTEGER, 3, 'f8 ff ff ff ff ff ff 1f'],
    [0, 4, '00 00 00 00'],
    [1_700_000_000, 4, '65 00 f1 53'],
    [2 ** 31, 4, '80 00 00 00 80'],
    [-1, 4, 'f8 ff ff ff ff ff ff ff ff'],
    [-(2 ** 33), 4, 'f8 00 00 00 00 fe ff ff ff'],
  ];
  for (const [value, least, bytes] of golden) {
    assert.deepEqual(new ByteWriter().varlong(value, least).take(), hex(bytes), `${value} written`);
    assert.equal(new ByteReader(hex(bytes)).varlong(least), value, `${bytes} read`);
  }
});

test('the other numbers are little-endian', () => {
  const writer = new ByteWriter(1).u8(0x1ff).u16(0x1234).i32(-2).i32(0x12345678);
  assert.deepEqual(writer.take(), hex('ff 3412 feffffff 78563412'));
  assert.deepEqual(
    writer
      .longint(0x7fffffff)
      .longint(-1)
      .longint(2 ** 33)
      .take(),
    hex('ffffff7f ffffffff ffffffffffffffff ffffffff 0000000002000000'),
  );
});

test('a vstring has a length of one byte up to 127, of two above', () => {
  assert.deepEqual(new ByteWriter().vstring(Buffer.from('md5')).take(), hex('03 6d6435'));
  const long = Buffer.alloc(300, 'a');
  assert.deepEqual(new ByteWriter().vstring(long).take(), Buffer.concat([hex('81 2c'), long]));
  assert.deepEqual(new ByteReader(Buffer.concat([hex('81 2c'), long])).vstring(), long);
  assert.throws(() => new ByteWriter().vstring(Buffer.alloc(0x8000)), RangeError);
});

test('random values survive writing and reading in every split', () => {
  const random = new Random(7);
  for (let round = 0; round < 40; round++) {
    const value = Math.floor((random.u32() * 2 ** 20 + random.below(2 ** 20)) / 2 ** random.below(52));
    const signed = random.below(2) === 0 ? value : -value;
    const text = random.bytes(random.below(200));
    const bytes = new ByteWriter(1)
      .varint(signed | 0)
      .varlong(signed, 3)
      .longint(value)
      .vstring(text)
      .take();
    inEverySplit(bytes, [[signed | 0, signed, value, text.toString('hex')]], (pieces) =>
      feedPieces(pieces, (reader) => [
        reader.varint(),
        reader.varlong(3),
        reader.longint(),
        reader.vstring().toString('hex'),
      ]),
    );
  }
});

test('integers longer than they can be are refused', () => {
  for (const first of ['f8', 'fc', 'fe', 'ff']) {
    assert.throws(() => new ByteReader(hex(`${first}0000000000000000`)).varint(), ProtocolError);
  }
  assert.throws(() => new ByteReader(hex('fe0000000000000000000000')).varlong(3), ProtocolError);
  assert.throws(() => new ByteReader(hex('ff0000000000000000000000')).varlong(4), ProtocolError);
});

test('what is not there is asked for', () => {
  const cut: ((reader: ByteReader) => unknown)[] = [
    (r) => r.u8(),
    (r) => r.u16(),
    (r) => r.i32(),
    (r) => r.varint(),
    (r) => r.varlong(3),
    (r) => r.vstring(),
    (r) => r.latin1(1),
  ];
  for (const read of cut) {
    assert.throws(
      () => read(new ByteReader(Buffer.alloc(0))),
      (error) => error === NEED_MORE,
    );
  }
});

test('bytes taken from a writer stay as they are when it goes on', () => {
  const writer = new ByteWriter(64);
  const taken: Buffer[] = [];
  for (let i = 0; i < 20_000; i++) taken.push(writer.i32(i).take());
  for (const [i, bytes] of taken.entries()) assert.equal(bytes.readInt32LE(0), i);
});

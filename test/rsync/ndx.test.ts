import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/lib/errors.ts';
import { ByteReader, ByteWriter } from '../../src/rsync/bytes.ts';
import { NDX_DELETE_STATS, NDX_DONE, NDX_FLIST_EOF, NdxDecoder, NdxEncoder } from '../../src/rsync/ndx.ts';
import { Random } from '../support/random.ts';
import { feedPieces, inEverySplit } from './splits.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Written one after the other from protocol 30 on: the difference to the last of the same sign counts. */
const GOLDEN: [number, string][] = [
  [0, '01'],
  [1, '01'],
  [2, '01'],
  [2, 'fe 00 00'],
  [255, 'fd'],
  [509, 'fe 00 fe'],
  [NDX_DONE, '00'],
  [510, '01'],
  [33_277, 'fe 7f ff'],
  [66_045, 'fe 80 fd 01 01'],
  [5, 'fe 80 05 00 00'],
  [NDX_FLIST_EOF, 'ff 01'],
  [NDX_DELETE_STATS, 'ff 01'],
  [-101, 'ff 62'],
  [-102, 'ff 01'],
  [6, '01'],
  [0x7fffffff, 'fe ff ff ff ff'],
];

test('indices are the golden bytes of the protocol', () => {
  const encoder = new NdxEncoder(31);
  const writer = new ByteWriter();
  for (const [ndx, bytes] of GOLDEN) {
    encoder.write(writer, ndx);
    assert.deepEqual(writer.take(), hex(bytes), `${ndx}`);
  }
});

test('indices are read alike in every split', () => {
  const bytes = Buffer.concat(GOLDEN.map(([, text]) => hex(text)));
  inEverySplit(
    bytes,
    GOLDEN.map(([ndx]) => ndx),
    (pieces) => {
      const decoder = new NdxDecoder(31);
      return feedPieces(pieces, (reader) => decoder.read(reader));
    },
  );
});

test('random indices survive, in both forms', () => {
  const random = new Random(11);
  for (const protocol of [29, 30, 32]) {
    const numbers = Array.from({ length: 3000 }, () => {
      const value = random.below(2 ** (1 + random.below(31)));
      return random.below(5) === 0 ? -1 - value : value;
    }).filter((n) => n >= -0x7fffffff);
    const writer = new ByteWriter();
    const encoder = new NdxEncoder(protocol);
    for (const number of numbers) encoder.write(writer, number);
    const reader = new ByteReader(writer.take());
    const decoder = new NdxDecoder(protocol);
    for (const number of numbers) assert.equal(decoder.read(reader), number);
    assert.equal(reader.available, 0);
  }
});

test('indices out of range are refused', () => {
  const read = (text: string) => {
    const reader = new ByteReader(hex(text));
    const decoder = new NdxDecoder(31);
    while (reader.available > 0) decoder.read(reader);
  };
  assert.throws(() => read('fe ff ff ff ff 01'), ProtocolError);
  assert.throws(() => read('ff fe 80 00 00 00'), ProtocolError);
  assert.throws(() => read('ff fe ff ff ff ff ff 01'), ProtocolError);
});

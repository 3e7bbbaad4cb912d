import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/lib/errors.ts';
import { ByteReader, ByteWriter } from '../../src/rsync/bytes.ts';
import { readSumHead, type SumHead, writeSumHead } from '../../src/rsync/sum-head.ts';
import { feedPieces, inEverySplit } from './splits.ts';

const HEAD: SumHead = { count: 3, blockLength: 700, strongLength: 16, remainder: 10 };

function encode(head: SumHead): Buffer {
  const writer = new ByteWriter();
  writeSumHead(writer, head);
  return writer.take();
}

test('a head is four ints', () => {
  assert.equal(encode(HEAD).toString('hex'), '03000000bc020000100000000a000000');
});

test('the head that was sent is accepted in every split', () => {
  inEverySplit(encode(HEAD), ['read'], (pieces) =>
    feedPieces(pieces, (reader) => {
      readSumHead(reader, HEAD);
      return 'read';
    }),
  );
});

test('any other head is refused', () => {
  const others: Partial<SumHead>[] = [
    { count: 4 },
    { count: 0x7fffffff },
    { count: -1 },
    { blockLength: 0 },
    { blockLength: 131_073 },
    { strongLength: 2 },
    { strongLength: -1 },
    { remainder: 700 },
    { remainder: 0 },
  ];
  for (const other of others) {
    const bytes = encode({ ...HEAD, ...other });
    assert.throws(() => readSumHead(new ByteReader(bytes), HEAD), ProtocolError, JSON.stringify(other));
  }
});

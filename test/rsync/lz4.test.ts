import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/lib/errors.ts';
import { decompressLz4Block } from '../../src/rsync/lz4.ts';
import { Random } from '../support/random.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

function decompress(block: Buffer, room = 1000): string {
  const output = Buffer.alloc(room);
  return output.toString('latin1', 0, decompressLz4Block(block, output));
}

test('golden blocks of the format', () => {
  assert.equal(decompress(hex('00')), '');
  assert.equal(decompress(hex('50 68656c6c6f')), 'hello');
  assert.equal(decompress(hex(`f0 05 ${'61'.repeat(20)}`)), 'a'.repeat(20));
  assert.equal(decompress(hex('1f 61 0100 05 50 6262626262')), `${'a'.repeat(1 + 24)}bbbbb`);
  assert.equal(decompress(hex('38 616263 0300 50 78797a7879')), 'abcabcabcabcabcxyzxy');
  assert.equal(decompress(hex('1f 61 0100 ff00 50 6262626262')), `${'a'.repeat(1 + 19 + 255)}bbbbb`);
});

test('blocks that are damaged are refused', () => {
  const damaged = [
    '', // no sequence at all
    '50 6865', // literals beyond the end
    'f0', // a length without its end
    'f0 ff',
    '10 61 01', // half an offset
    '10 61 0000 00', // offset 0
    '10 61 0200 00', // before the start
    '1f 61 0100', // a match length without its end
    '10 61 0100', // ends with a match
  ];
  for (const text of damaged) assert.throws(() => decompress(hex(text)), ProtocolError, text);
});

test('what does not fit its room is refused, not cut', () => {
  assert.equal(decompress(hex('50 68656c6c6f'), 5), 'hello');
  assert.throws(() => decompress(hex('50 68656c6c6f'), 4), ProtocolError);
  assert.throws(() => decompress(hex('1f 61 0100 ff00 50 6262626262'), 270), ProtocolError);
});

test('random blocks do nothing but be refused or fit', () => {
  const random = new Random(21);
  const output = Buffer.alloc(500);
  for (let i = 0; i < 20_000; i++) {
    try {
      assert.ok(decompressLz4Block(random.bytes(random.below(60)), output) <= 500);
    } catch (error) {
      assert.ok(error instanceof ProtocolError);
    }
  }
});

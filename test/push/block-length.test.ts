import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseBlockLength } from '../../src/push/block-length.ts';

const MINIMUM = 1024;

test('files of few blocks are cut so that the last one is not too short to be offered', () => {
  for (let size = MINIMUM; size < 260_000; size += 37) {
    const length = chooseBlockLength(size, undefined, MINIMUM);
    const last = size % length;
    assert.ok(length >= MINIMUM && (last === 0 || last >= MINIMUM), `${size} bytes in blocks of ${length}`);
    assert.ok(length <= 2.1 * MINIMUM, `${size} bytes in blocks of ${length}`);
  }
});

test('blocks follow the square root of what is known of changes, within bounds', () => {
  assert.equal(chooseBlockLength(2 ** 31, 2600, MINIMUM), 4096);
  assert.equal(chooseBlockLength(2 ** 31, 100_000, MINIMUM), 4096, 'no more than 2^19 blocks');
  assert.equal(chooseBlockLength(2 ** 40, 5, MINIMUM), 128 * 1024, 'no longer than the protocol allows');
  assert.equal(chooseBlockLength(2 ** 26, 1_000_000, 512), 512);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockKernel, KERNEL_BYTES } from '../../src/kernels/block-kernel.ts';
import { rollingSum, rollingSumReference } from '../../src/kernels/rolling.ts';
import { Random } from '../support/random.ts';

const signed = (bytes: Buffer) => new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);

test('known rolling sums, over signed bytes', () => {
  assert.equal(rollingSumReference(Buffer.alloc(0), 0, 0), 0);
  assert.equal(rollingSumReference(Buffer.of(1, 2, 3), 0, 3), (10 << 16) | 6);
  // -1: s1 = 0xffff, s2 = 0xffff
  assert.equal(rollingSumReference(Buffer.of(255), 0, 1), 0xffffffff);
});

test('the fast rolling sum equals the reference for every short length', () => {
  const bytes = new Random(1).bytes(300);
  for (let from = 0; from < 5; from++)
    for (let to = from; to <= bytes.length; to++)
      assert.equal(rollingSum(signed(bytes), from, to), rollingSumReference(bytes, from, to), `${from}..${to}`);
});

test('the kernel’s rolling sum equals the reference for every short length and for long ones', async () => {
  const kernel = await BlockKernel.create(7);
  assert.ok(kernel);
  const bytes = new Random(2).bytes(KERNEL_BYTES);
  for (let length = 0; length <= 300; length++)
    assert.equal(kernel.rolling(bytes.subarray(0, length)), rollingSumReference(bytes, 0, length), `${length}`);
  for (const length of [1023, 4096, 70_001, 131_072, KERNEL_BYTES])
    assert.equal(kernel.rolling(bytes.subarray(0, length)), rollingSumReference(bytes, 0, length), `${length}`);
});

test('rolling sums do not overflow where every byte is the largest or the smallest', async () => {
  const kernel = await BlockKernel.create(0);
  for (const value of [0x7f, 0x80, 0xff]) {
    const bytes = Buffer.alloc(131_072, value);
    const expected = rollingSumReference(bytes, 0, bytes.length);
    assert.equal(rollingSum(signed(bytes), 0, bytes.length), expected);
    assert.equal(kernel!.rolling(bytes), expected);
  }
});

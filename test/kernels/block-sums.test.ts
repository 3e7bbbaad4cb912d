import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockKernel, KERNEL_BYTES } from '../../src/kernels/block-kernel.ts';
import { BlockSummer, BlockSums } from '../../src/kernels/block-sums.ts';
import { type BlockSumKind, createStrongSum, recordLength, strongLength } from '../../src/kernels/checksum.ts';
import { rollingSumReference } from '../../src/kernels/rolling.ts';
import { Random } from '../support/random.ts';

/** Block by block, with the plain reference of each part. */
async function recordsOf(kind: BlockSumKind, content: Buffer, blockLength: number): Promise<Buffer> {
  const strong = await createStrongSum(kind);
  const records: Buffer[] = [];
  for (let at = 0; at < content.length; at += blockLength) {
    const block = content.subarray(at, at + blockLength);
    const rolling = Buffer.alloc(4);
    rolling.writeUInt32LE(rollingSumReference(block, 0, block.length));
    records.push(rolling, Buffer.from(strong(block)).subarray(0, strongLength(kind)));
  }
  return Buffer.concat(records);
}

function collect(sums: BlockSums, blockLength: number): { summer: BlockSummer; records: () => Buffer } {
  const got: Buffer[] = [];
  const summer = new BlockSummer(sums, blockLength, (records) => {
    assert.equal(records.length % sums.recordLength, 0, 'only whole records are handed out');
    got.push(Buffer.from(records));
  });
  return { summer, records: () => Buffer.concat(got) };
}

const kinds: BlockSumKind[] = [
  { algorithm: 'xxh128', seed: 0x7fffffff, seedFirst: true },
  { algorithm: 'xxh3', seed: 99, seedFirst: true },
  { algorithm: 'xxh64', seed: -5, seedFirst: true },
  { algorithm: 'md5', seed: 99, seedFirst: true },
  { algorithm: 'md4', seed: 99, seedFirst: false },
  { algorithm: 'sha1', seed: 99, seedFirst: true },
];

for (const kind of kinds) {
  test(`block sums of ${kind.algorithm} equal the reference, in whatever pieces the content comes`, async () => {
    const random = new Random(11);
    const sums = await BlockSums.create(kind);
    assert.equal(sums.recordLength, recordLength(kind));
    for (const blockLength of [1, 200, 240, 241, 700, 1024, 4096]) {
      for (const length of [0, 1, blockLength - 1, blockLength, blockLength + 1, 5 * blockLength, 20_011]) {
        const content = random.bytes(length);
        const expected = await recordsOf(kind, content, blockLength);
        const { summer, records } = collect(sums, blockLength);
        for (let at = 0; at < length; ) {
          const to = Math.min(length, at + 1 + random.below(random.pick([10, 3000, 20_000])));
          summer.update(content.subarray(at, to));
          at = to;
        }
        summer.end();
        assert.ok(records().equals(expected), `${length} bytes in blocks of ${blockLength}`);
      }
    }
  });
}

test('every split of a content in two gives the same records', async () => {
  const kind = kinds[0];
  const sums = await BlockSums.create(kind);
  const content = new Random(12).bytes(1500);
  const expected = await recordsOf(kind, content, 500);
  for (let split = 0; split <= content.length; split++) {
    const { summer, records } = collect(sums, 500);
    summer.update(content.subarray(0, split));
    summer.update(content.subarray(split));
    summer.end();
    assert.ok(records().equals(expected), `split at ${split}`);
  }
});

test('the kernel’s XXH3 equals hash-wasm’s around every boundary of stripes and blocks', async () => {
  const random = new Random(13);
  for (const seed of [0, 1, 0x7fffffff, -1, -2_000_000_000]) {
    const kernel = await BlockKernel.create(seed);
    assert.ok(kernel);
    const lengths = [241, 255, 256, 257, 319, 320, 321, 1023, 1024, 1025, 1087, 1088, 1089, 2048, 2049, 4097, 131_072];
    for (const algorithm of ['xxh128', 'xxh3'] as const) {
      const kind: BlockSumKind = { algorithm, seed, seedFirst: true };
      for (const length of lengths) {
        const count = Math.min(3, Math.floor(KERNEL_BYTES / length));
        const content = random.bytes(count * length);
        const got = kernel.records(content, count, length, recordLength(kind));
        assert.ok(got.equals(await recordsOf(kind, content, length)), `${algorithm}, seed ${seed}, ${length} bytes`);
      }
    }
  }
});

test('blocks longer than the kernel takes are summed all the same', async () => {
  const kind = kinds[0];
  const blockLength = KERNEL_BYTES + 5;
  const content = new Random(14).bytes(2 * blockLength + 77);
  const { summer, records } = collect(await BlockSums.create(kind), blockLength);
  summer.update(content);
  summer.end();
  assert.ok(records().equals(await recordsOf(kind, content, blockLength)));
});

test('of a content that was cut off only whole blocks are summed', async () => {
  const kind = kinds[0];
  const content = new Random(15).bytes(2500);
  const { summer, records } = collect(await BlockSums.create(kind), 1000);
  summer.update(content);
  assert.equal(summer.atBlockStart, false);
  summer.end(true);
  assert.ok(records().equals(await recordsOf(kind, content.subarray(0, 2000), 1000)));
});

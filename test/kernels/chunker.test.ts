import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chunker, type ChunkSizes, COARSE, FINE, gearTable } from '../../src/kernels/chunker.ts';
import { Random } from '../support/random.ts';

const SMALL: ChunkSizes = { least: 64, average: 256, most: 1024 };
const gear = gearTable('a secret');

/** The plain reference: one byte at a time, the hash begun 32 bytes before the least length. */
function cutsReference(bytes: Buffer, sizes: ChunkSizes, table: Int32Array): number[] {
  const cuts: number[] = [];
  const bits = Math.log2(sizes.average);
  let hash = 0;
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (length >= sizes.least - 32) hash = ((hash << 1) + table[bytes[i]]) | 0;
    length++;
    if (length <= sizes.least) continue;
    const top = hash >>> (32 - (length <= sizes.average ? bits + 2 : bits - 2));
    if (top !== 0 && length < sizes.most) continue;
    cuts.push(i + 1);
    hash = 0;
    length = 0;
  }
  return cuts;
}

function cuts(bytes: Buffer, sizes: ChunkSizes, pieces: number[], table = gear): number[] {
  const chunker = new Chunker(table, sizes);
  const found: number[] = [];
  let start = 0;
  for (const end of [...pieces, bytes.length]) {
    for (let at = start; at < end; ) {
      const cut = chunker.next(bytes, at, end);
      if (cut < 0) break;
      found.push(cut);
      at = cut;
    }
    start = end;
  }
  return found;
}

test('cuts equal the reference', () => {
  const random = new Random(21);
  for (const bytes of [random.bytes(100_000), random.text(100_000), Buffer.alloc(10_000), Buffer.alloc(10_000, 255)])
    assert.deepEqual(cuts(bytes, SMALL, []), cutsReference(bytes, SMALL, gear));
  const large = random.bytes(12 << 20);
  for (const sizes of [COARSE, FINE]) assert.deepEqual(cuts(large, sizes, []), cutsReference(large, sizes, gear));
});

test('cuts are the same at every split of the content', () => {
  const bytes = new Random(22).bytes(3000);
  const expected = cuts(bytes, SMALL, []);
  assert.ok(expected.length > 4);
  for (let split = 0; split <= bytes.length; split++)
    assert.deepEqual(cuts(bytes, SMALL, [split]), expected, `${split}`);
  assert.deepEqual(
    cuts(
      bytes,
      SMALL,
      Array.from(bytes, (_, i) => i),
    ),
    expected,
  );
});

test('chunks are as long as asked, and their average is near what is wanted', () => {
  const bytes = new Random(23).bytes(32 << 20);
  const found = [0, ...cuts(bytes, FINE, [])];
  for (let i = 1; i < found.length; i++) {
    const length = found[i] - found[i - 1];
    assert.ok(length >= FINE.least && length <= FINE.most, `${length}`);
  }
  const average = bytes.length / found.length;
  assert.ok(average > FINE.average * 0.6 && average < FINE.average * 1.7, `${average}`);
});

test('after an insertion the cuts fall where they were', () => {
  const random = new Random(24);
  const bytes = random.bytes(4 << 20);
  const changed = Buffer.concat([bytes.subarray(0, 100_000), random.bytes(777), bytes.subarray(100_000)]);
  const before = new Set(cuts(bytes, FINE, []).map((cut) => bytes.length - cut));
  const after = cuts(changed, FINE, []).map((cut) => changed.length - cut);
  const kept = after.filter((fromEnd) => before.has(fromEnd)).length;
  assert.ok(kept >= after.length - 6, `${kept} of ${after.length}`);
});

test('where chunks end depends on the secret', () => {
  const bytes = new Random(25).bytes(1 << 20);
  const other = new Set(cuts(bytes, SMALL, [], gearTable('another secret')));
  const found = cuts(bytes, SMALL, []);
  assert.ok(found.filter((cut) => other.has(cut)).length < found.length / 10);
});

test('another size begins a new chunk', () => {
  const bytes = new Random(26).bytes(400_000);
  const chunker = new Chunker(gear, COARSE);
  assert.equal(chunker.next(bytes, 0, 100_000), -1);
  chunker.resize(FINE);
  const cut = chunker.next(bytes, 100_000, bytes.length);
  assert.ok(cut >= 100_000 + FINE.least && cut <= 100_000 + FINE.most);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentKey } from '../../src/vault/content.ts';
import { decodeDirectory, encodeDirectory } from '../../src/vault/state/entry-codec.ts';
import { Random } from '../support/random.ts';
import { directory, entry, plain, randomEntry, someBlobs } from './helpers.ts';

function roundTrip(entries: ReturnType<typeof entry>[]) {
  const { record, contents } = encodeDirectory(entries);
  const lists = new Map(contents.map(({ key, blobs }) => [key, blobs]));
  return decodeDirectory(record, (key) => lists.get(key)!);
}

test('entries of all kinds come back as they were', () => {
  const seed = Date.now();
  const random = new Random(seed);
  for (let round = 0; round < 200; round++) {
    const names = new Set<string>();
    for (let i = random.below(40); i > 0; i--)
      names.add(
        random
          .bytes(1 + random.below(12))
          .toString('latin1')
          .replace(/[/\0]/g, 'x'),
      );
    const entries = [...names].sort().map((name) => randomEntry(random, name));
    assert.deepEqual(roundTrip(entries).map(plain), entries.map(plain), `seed ${seed}`);
  }
});

test('totals count files and bytes, directories apart', () => {
  const { files, bytes } = encodeDirectory([
    directory('a', { size: 7 }),
    entry('b', { size: 10 }),
    entry('c', { size: 5 }),
  ]);
  assert.deepEqual([files, bytes], [2, 15]);
});

test('a list of more than 16 blobs is kept apart, under its key', () => {
  const random = new Random(1);
  const few = entry('a', { blobs: someBlobs(random, 16) });
  const many = entry('b', { blobs: someBlobs(random, 17) });
  const { contents, record } = encodeDirectory([few, many]);
  assert.deepEqual(
    contents.map(({ key }) => key),
    [contentKey(many.blobs)],
  );
  assert.ok(record.length < 700);
});

test('a directory with more classes of entries than usual comes back', () => {
  const entries = Array.from({ length: 1000 }, (_, i) =>
    entry(`n${String(i).padStart(4, '0')}`, { uid: i % 300, user: `u${i % 7}` }),
  );
  assert.deepEqual(roundTrip(entries).map(plain), entries.map(plain));
});

test('names out of order or twice are refused', () => {
  assert.throws(() => encodeDirectory([entry('b'), entry('a')]), RangeError);
  assert.throws(() => encodeDirectory([entry('a'), entry('a')]), RangeError);
});

test('a record that was cut or changed never decodes to something else in silence, or hangs', () => {
  const random = new Random(7);
  const entries = ['a', 'b', 'c', 'd'].map((name) => randomEntry(random, name));
  const { record } = encodeDirectory(entries);
  for (let at = 0; at < record.length; at++) {
    // the checksum stands before this; here only that it ends
    const changed = Buffer.from(record);
    changed[at] ^= 1 << random.below(8);
    for (const bytes of [changed, record.subarray(0, at)]) {
      try {
        decodeDirectory(bytes, () => Buffer.alloc(0));
      } catch (error) {
        assert.ok(error instanceof RangeError || error instanceof TypeError, `${error}`);
      }
    }
  }
});

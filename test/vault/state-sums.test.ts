import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { contentKey } from '../../src/vault/content.ts';
import { StateStore, type SumsFacts } from '../../src/vault/state/store.ts';
import { Random } from '../support/random.ts';
import { type Scope, temporaryFolder } from '../support/temporary.ts';
import { entry } from './helpers.ts';

const KIND = 'xxh128:77:1';

function open(t: Scope): StateStore {
  const store = StateStore.open(path.join(temporaryFolder(t), 'state.db'));
  t.after(() => store.close());
  return store;
}

function facts(blobs: Buffer, more: Partial<SumsFacts> = {}): SumsFacts {
  return {
    key: contentKey(blobs),
    blobs,
    size: 1000,
    mtime: 5,
    mtimeNsec: 6,
    blockLength: 1024,
    recordLength: 20,
    literalBytes: 3,
    literalRuns: 2,
    ...more,
  };
}

function put(store: StateStore, records: Buffer, f: SumsFacts, kind = KIND): void {
  const writer = store.newSums(kind);
  for (let at = 0; at < records.length; at += 2000) writer.append(records.subarray(at, at + 2000));
  writer.finish(f);
}

for (const [what, count] of [
  ['few', 3],
  ['many', 50_000],
] as const) {
  test(`${what} sums come back in pieces of whole records`, (t) => {
    const store = open(t);
    const random = new Random(count);
    const blobs = random.bytes(64);
    const records = random.bytes(20 * count);
    put(store, records, facts(blobs));
    store.checkpoint();
    const head = store.findSums(contentKey(blobs), KIND)!;
    assert.deepEqual(
      [head.count, head.size, head.blockLength, head.literalBytes, head.literalRuns],
      [count, 1000, 1024, 3, 2],
    );
    assert.ok(head.blobs.equals(blobs));
    const pieces = [...store.readSums(head)];
    for (const piece of pieces) assert.ok(piece.length % 20 === 0 && piece.length <= 256 * 1024);
    assert.ok(Buffer.concat(pieces).equals(records));
  });
}

test('sums are found by content and kind, and by size and time for every file that had the content', (t) => {
  const store = open(t);
  const blobs = new Random(1).bytes(32);
  put(store, Buffer.alloc(20), facts(blobs));
  put(store, Buffer.alloc(40), facts(blobs, { mtime: 9 }));
  assert.equal(store.findSums(contentKey(blobs), 'md5:1:0'), undefined);
  assert.equal(store.findSums(contentKey(blobs), KIND)!.count, 2, 'the newer replace the older');
  for (const mtime of [5, 9]) assert.equal(store.findMoved(1000, mtime, 6, KIND)?.count, 2);
  assert.equal(store.findMoved(1000, 7, 6, KIND), undefined);
  assert.equal(store.findMoved(1001, 5, 6, KIND), undefined);
  assert.equal(store.findMoved(1000, 5, 6, 'md5:1:0'), undefined);
  store.touchSums(contentKey(blobs), 7, 6);
  assert.equal(store.findMoved(1000, 7, 6, KIND)?.count, 2);
  store.dropSums(contentKey(blobs));
  assert.equal(store.findMoved(1000, 5, 6, KIND), undefined);
});

test('writers side by side do not mix, and one that is aborted leaves nothing', (t) => {
  const store = open(t);
  const random = new Random(2);
  const contents = [0, 1, 2].map(() => ({
    blobs: random.bytes(32),
    records: random.bytes(20 * 30_000),
    writer: store.newSums(KIND),
  }));
  for (let at = 0; at < 600_000; at += 40_000)
    for (const { writer, records } of contents) writer.append(records.subarray(at, at + 40_000));
  contents[1].writer.abort();
  for (const i of [2, 0]) contents[i].writer.finish(facts(contents[i].blobs));
  assert.equal(store.findSums(contentKey(contents[1].blobs), KIND), undefined);
  for (const i of [0, 2]) {
    const head = store.findSums(contentKey(contents[i].blobs), KIND)!;
    assert.ok(Buffer.concat([...store.readSums(head)]).equals(contents[i].records));
  }
  store.checkpoint();
});

test('a writer that a crash ended does not get into the way of later ones', (t) => {
  const file = path.join(temporaryFolder(t), 'state.db');
  const first = StateStore.open(file);
  first.newSums(KIND).append(Buffer.alloc(20 * 20_000, 1));
  first.checkpoint();
  first.close();
  const store = StateStore.open(file);
  const blobs = new Random(4).bytes(32);
  put(store, Buffer.alloc(20 * 20_000, 2), facts(blobs));
  assert.ok(Buffer.concat([...store.readSums(store.findSums(contentKey(blobs), KIND)!)]).every((b) => b === 2));
  store.close();
});

test('a sweep forgets what no directory holds, and nothing else', (t) => {
  const store = open(t);
  const random = new Random(5);
  const blobs = Array.from({ length: 2000 }, () => random.bytes(32));
  blobs.forEach((b, i) => {
    put(store, random.bytes(20), facts(b, { mtime: i }));
    store.putDigest(contentKey(b), 'md5', random.bytes(16));
  });
  const name = (i: number) => String(i).padStart(4, '0');
  const living = blobs.slice(0, 1000).map((b, i) => entry(name(i), { blobs: b, size: 1000, mtime: i, mtimeNsec: 6 }));
  store.writeDir('', living);
  assert.equal(store.sweep(), 0, 'too little is new to be worth it');
  assert.ok(store.sweep({ always: true }) >= 990, 'some may stay by chance');
  blobs.slice(0, 1000).forEach((b, i) => {
    assert.ok(
      store.findSums(contentKey(b), KIND) &&
        store.findMoved(1000, i, 6, KIND) &&
        store.findDigest(contentKey(b), 'md5'),
    );
  });
  const left = blobs
    .slice(1000)
    .filter(
      (b, i) =>
        store.findSums(contentKey(b), KIND) ||
        store.findMoved(1000, 1000 + i, 6, KIND) ||
        store.findDigest(contentKey(b), 'md5'),
    );
  assert.ok(left.length <= 10, `${left.length} are left`);
});

test('sums grow no further than some times what is in use, however often content changes', (t) => {
  const store = open(t);
  const random = new Random(6);
  const sizes: number[] = [];
  for (let night = 0; night < 40; night++) {
    const blobs = random.bytes(32);
    put(store, Buffer.alloc(20 * 100_000, night), facts(blobs, { mtime: night }));
    store.writeDir('', [entry('db', { blobs, size: 1000, mtime: night, mtimeNsec: 6 })]);
    store.sweep();
    store.checkpoint();
    sizes.push(store.sumsBytes);
  }
  assert.ok(Math.max(...sizes) < 2_000_000 * 6, `${Math.max(...sizes)} bytes`);
});

test('whole-file digests are kept by content and algorithm', (t) => {
  const store = open(t);
  store.putDigest('k'.repeat(16), 'md5', Buffer.from('abc'));
  assert.equal(store.findDigest('k'.repeat(16), 'md5')?.toString(), 'abc');
  assert.equal(store.findDigest('k'.repeat(16), 'sha1'), undefined);
});

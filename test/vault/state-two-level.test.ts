import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { contentKey } from '../../src/vault/content.ts';
import { StateStore } from '../../src/vault/state/store.ts';
import { Random } from '../support/random.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** More than gather before a table is merged, twice over. */
const PACKS = 20;
const BLOBS = 2000;

test('blobs and sums are found wherever their rows lie, by every connection, also after they were replaced', (t) => {
  const file = path.join(temporaryFolder(t), 'state.db');
  const random = new Random(31);
  const store = StateStore.open(file);
  const reader = StateStore.open(file, { readOnly: true });
  const ids: Buffer[] = [];
  const sums = (store: StateStore, id: Buffer, night: number) => {
    const writer = store.newSums('md5:1:0');
    writer.append(Buffer.alloc(20, night));
    writer.finish({
      key: contentKey(id),
      blobs: id,
      size: 7,
      mtime: night,
      mtimeNsec: id[0],
      blockLength: 1024,
      recordLength: 20,
      literalBytes: night,
      literalRuns: 0,
    });
  };
  for (let p = 0; p < PACKS; p++) {
    const blobs = Array.from({ length: BLOBS }, (_, k) => {
      const id = random.bytes(32);
      ids.push(id);
      return { id, type: 'data' as const, offset: k * 10, length: 10, plainLength: 20 + p, compressed: true };
    });
    store.addPack({ id: random.bytes(32), size: BLOBS * 10, blobs });
    for (const { id } of blobs.slice(0, 1000)) sums(store, id, 1);
    store.checkpoint();
  }
  const check = (from: StateStore) => {
    ids.forEach((id, i) => {
      if (i % 7 !== 0) return;
      assert.equal(from.findBlob(id)?.plainLength, 20 + Math.floor(i / BLOBS));
      assert.ok(from.hasBlob(id));
      const found = from.findSums(contentKey(id), 'md5:1:0');
      assert.equal(found?.literalBytes, i % BLOBS >= 1000 ? undefined : i % 3 === 0 && replaced ? 2 : 1);
    });
    assert.equal(from.hasBlob(Buffer.alloc(32)), false);
  };
  let replaced = false;
  check(store);
  check(reader);
  ids.forEach((id, i) => {
    if (i % 3 === 0 && i % BLOBS < 1000) sums(store, id, 2);
  });
  replaced = true;
  check(store);
  const swept = store.sweep({ always: true });
  assert.ok(swept > 19_000, 'no directory holds any of them');
  assert.equal(store.findSums(contentKey(ids[0]), 'md5:1:0'), undefined);
  assert.equal(
    [...store.unindexedPacks()].reduce((sum, pack) => sum + pack.blobs.length, 0),
    PACKS * BLOBS,
  );
  store.checkpoint();
  for (const s of [store, reader]) s.close();
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { PackBlob } from '../../src/repository/blob.ts';
import { BlobTable, loadBlobTable } from '../../src/repository/blob-table.ts';

const idOf = (text: string) => createHash('sha256').update(text).digest();
const blob = (text: string, more: Partial<PackBlob> = {}): PackBlob => ({
  id: idOf(text),
  type: 'data',
  offset: 0,
  length: 100,
  plainLength: 68,
  compressed: false,
  ...more,
});

test('every blob of many is found where it is, and no other', () => {
  const table = new BlobTable();
  const packs = 20;
  const each = 7000;
  for (let p = 0; p < packs; p++) {
    const blobs = Array.from({ length: each }, (_, i) =>
      blob(`${p} ${i}`, { offset: i * 100, type: i % 5 ? 'data' : 'tree', compressed: i % 3 === 0 }),
    );
    table.addPack({ id: idOf(`pack ${p}`), size: 0, blobs });
  }
  assert.equal(table.rows, packs * each);
  for (let p = 0; p < packs; p++) {
    for (let i = 0; i < each; i += 13) {
      const type = i % 5 ? 'data' : 'tree';
      const expected = blob(`${p} ${i}`, { offset: i * 100, type, compressed: i % 3 === 0 });
      assert.deepEqual(table.locate(expected.id, type), { ...expected, pack: idOf(`pack ${p}`) });
      assert.equal(table.locate(expected.id, type === 'data' ? 'tree' : 'data'), undefined);
    }
  }
  for (let i = 0; i < 1000; i++) assert.equal(table.find(idOf(`other ${i}`), 'data'), -1);
});

test('IDs that share their first bytes are told apart', () => {
  const table = new BlobTable();
  const ids = Array.from({ length: 300 }, (_, i) => Buffer.concat([Buffer.alloc(30), Buffer.of(i >> 8, i & 255)]));
  table.addPack({ id: idOf('p'), size: 0, blobs: ids.map((id, i) => blob('', { id, offset: i })) });
  for (const [i, id] of ids.entries()) assert.equal(table.locate(id, 'data')?.offset, i);
});

test('of several copies the first that is whole is found', () => {
  const table = new BlobTable();
  for (let p = 0; p < 3; p++) table.addPack({ id: idOf(`p${p}`), size: 0, blobs: [blob('x', { offset: p })] });
  const first = table.find(idOf('x'), 'data');
  assert.equal(table.location(first).offset, 0);
  table.markDamaged(first);
  assert.equal(table.locate(idOf('x'), 'data')?.offset, 1);
  table.markDamaged(table.find(idOf('x'), 'data'));
  table.markDamaged(table.find(idOf('x'), 'data'));
  assert(table.isDamaged(table.find(idOf('x'), 'data')));
});

test('a row is visited once', () => {
  const table = new BlobTable();
  table.addPack({ id: idOf('p'), size: 0, blobs: [blob('x')] });
  assert.equal(table.visit(0), true);
  assert.equal(table.visit(0), false);
});

test('numbers that do not fit are refused', () => {
  const table = new BlobTable();
  assert.throws(() => table.addPack({ id: idOf('p'), size: 0, blobs: [blob('x', { offset: 2 ** 32 })] }), RangeError);
});

test('a pack that two index files name is there once', async () => {
  const pack = { id: idOf('p'), size: 0, blobs: [blob('x')] };
  async function* indexes() {
    yield { packs: [pack] };
    yield { packs: [pack] };
  }
  assert.equal((await loadBlobTable(indexes())).rows, 1);
});

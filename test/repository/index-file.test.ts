import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Sealer } from '../../src/kernels/aead.ts';
import type { PackBlob, PackRecord } from '../../src/repository/blob.ts';
import { decodeIndex, encodeIndex } from '../../src/repository/index-file.ts';
import { openKey } from '../../src/repository/keys.ts';
import { encodePackHeader } from '../../src/repository/pack-header.ts';
import { Fixture, PASSWORD } from './fixture.ts';

const id = (byte: number) => Buffer.alloc(32, byte);
const blobs: PackBlob[] = [
  { id: id(1), type: 'data', offset: 0, length: 40, plainLength: 8, compressed: false },
  { id: id(2), type: 'tree', offset: 40, length: 300, plainLength: 70_000, compressed: true },
];

test('an index file is the JSON restic writes, and comes back', () => {
  const json = encodeIndex([{ id: id(9), size: 0, blobs }]);
  const first = `{"id":"${'01'.repeat(32)}","type":"data","offset":0,"length":40}`;
  const second = `{"id":"${'02'.repeat(32)}","type":"tree","offset":40,"length":300,"uncompressed_length":70000}`;
  assert.equal(json, `{"packs":[{"id":"${'09'.repeat(32)}","blobs":[${first},${second}]}]}`);
  assert.deepEqual(decodeIndex(json, 'x'), { packs: [{ id: id(9), size: 0, blobs }], supersedes: [] });
});

test('what is no index is refused by name', () => {
  const whole = { id: '01'.repeat(32), type: 'data', offset: 0, length: 40 };
  const pack = (more: object) => JSON.stringify({ packs: [{ id: '09'.repeat(32), blobs: [{ ...whole, ...more }] }] });
  const bad = [
    '',
    'null',
    '{"packs":7}',
    '{"packs":[{}]}',
    pack({ id: 'x' }),
    pack({ type: 'file' }),
    pack({ offset: -1 }),
    pack({ length: 1.5 }),
    pack({ length: '40' }),
    pack({ length: 5 }),
    pack({ uncompressed_length: -3 }),
  ];
  for (const json of bad)
    assert.throws(() => decodeIndex(json, 'abc'), { code: 'ERR_REPOSITORY_DAMAGED', message: /index\/abc/ }, json);
});

test('the entries of a pack header: type, lengths, ID', () => {
  const expected = `00${'28000000'}${'01'.repeat(32)}03${'2c010000'}${'70110100'}${'02'.repeat(32)}`;
  assert.equal(encodePackHeader(blobs).toString('hex'), expected);
});

test('an index file names 50,000 blobs at most', async (t) => {
  const repository = await new Fixture(t).init();
  const pack = (p: number, count: number): PackRecord => ({
    id: id(p),
    size: 0,
    blobs: Array.from({ length: count }, (_, i) => ({ ...blobs[0], offset: i * 40 })),
  });
  await repository.saveIndex([pack(1, 30_000), pack(2, 30_000), pack(3, 20_000), pack(4, 50_000)]);
  const counts: number[] = [];
  for await (const { packs } of repository.indexes()) counts.push(packs.reduce((sum, p) => sum + p.blobs.length, 0));
  assert.deepEqual(
    counts.sort((a, b) => a - b),
    [30_000, 50_000, 50_000],
  );
});

test('many packs become several index files, and none becomes none', async (t) => {
  const repository = await new Fixture(t).init();
  assert.deepEqual(await repository.saveIndex([]), []);
  const packs: PackRecord[] = [];
  for (let p = 0; p < 12; p++) {
    const many = Array.from({ length: 10_000 }, (_, i) => ({
      ...blobs[0],
      offset: i * 40,
      id: createHash('sha256').update(`${p} ${i}`).digest(),
    }));
    packs.push({ id: id(p), size: 0, blobs: many });
  }
  const names = await repository.saveIndex(packs);
  assert.equal(names.length, 3);
  const found: PackRecord[] = [];
  for await (const index of repository.indexes()) {
    assert(names.includes(index.id));
    found.push(...index.packs);
  }
  found.sort((a, b) => a.id.compare(b.id));
  assert.deepEqual(found, packs);
});

test('unpacked files: plain JSON is read too; unknown forms and broken frames are named', async (t) => {
  const fixture = new Fixture(t);
  const repository = await fixture.init();
  const sealer = new Sealer(await openKey(fixture.backend, PASSWORD));
  const store = async (plain: Buffer) => {
    const bytes = sealer.seal(plain);
    const name = createHash('sha256').update(bytes).digest('hex');
    await fixture.backend.write('index', name, bytes);
    return name;
  };
  assert.deepEqual((await repository.loadIndex(await store(Buffer.from('{"packs":[]}')))).packs, []);
  for (const plain of [Buffer.from([1, 2, 3]), Buffer.from([2, 1, 2, 3]), Buffer.alloc(0)]) {
    const name = await store(plain);
    await assert.rejects(repository.loadIndex(name), { code: 'ERR_REPOSITORY_DAMAGED', message: new RegExp(name) });
  }
});

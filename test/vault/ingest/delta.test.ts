import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FINE } from '../../../src/kernels/chunker.ts';
import { Random } from '../../support/random.ts';
import { assemble, basisOf, fileFixture, idsOf, type Piece, type Stored, send } from './fixture.ts';

const fixture = fileFixture();

/** A new version as a sender would describe it: runs of whole blocks of the basis, and literals. */
function randomVersion(random: Random, { content, blockLength }: Stored): Piece[] {
  const pieces: Piece[] = [];
  const blocks = Math.ceil(content.length / blockLength);
  let next = 0;
  for (let i = 1 + random.below(25); i > 0; i--) {
    const kind = random.below(10);
    if (kind < 3) pieces.push(random.bytes(1 + random.below(random.pick([20, 5000, 300_000]))));
    if (kind === 3) next = random.below(blocks);
    const count = Math.min(blocks - next, 1 + random.below(random.pick([3, 100, 3000])));
    if (count <= 0) continue;
    const offset = next * blockLength;
    pieces.push({ offset, length: Math.min(count * blockLength, content.length - offset) });
    next += count;
    if (random.below(3) === 0) next += 1 + random.below(5);
  }
  return pieces;
}

function literals(pieces: Piece[]): { bytes: number; runs: number } {
  let bytes = 0;
  let runs = 0;
  for (const [i, piece] of pieces.entries()) {
    if (!Buffer.isBuffer(piece)) continue;
    bytes += piece.length;
    if (i === 0 || !Buffer.isBuffer(pieces[i - 1])) runs++;
  }
  return { bytes, runs };
}

for (const verify of [true, false]) {
  for (const newBlockLength of [1024, 2048, 0]) {
    test(`random new versions are what they should be (verified: ${verify}, new sums: ${newBlockLength})`, async () => {
      const f = fixture();
      const seed = 40 + newBlockLength + (verify ? 1 : 0);
      const random = new Random(seed);
      const pool = f.pool(2);
      const stored: Stored[] = [];
      for (const size of [3_000, 100_000, 700_000, 5_000_000])
        stored.push(await f.put(pool, random.bytes(size + random.below(999)), 1024));
      for (let round = 0; round < 40; round++) {
        const what = `seed ${seed}, round ${round}`;
        const basis = random.pick(stored);
        const pieces = randomVersion(random, basis);
        const content = assemble(basis.content, pieces);
        const { result, sums } = await send(
          pool,
          { size: content.length, verify, blockLength: newBlockLength, basis: basisOf(basis) },
          pieces,
          f.digestOf(content),
        );
        assert.equal(result.reason, '', what);
        await pool.flush();
        assert.ok((await f.read(result.blobs)).equals(content), `content: ${what}`);
        if (newBlockLength > 0) assert.ok(sums.equals(f.sumsOf(content, newBlockLength)), `sums: ${what}`);
        const { bytes, runs } = literals(pieces);
        assert.equal(result.literalBytes, bytes, what);
        assert.equal(result.literalRuns, runs, what);
        assert.equal(result.matchedBytes, content.length - bytes, what);
      }
      await pool.close();
    });
  }
}

test('version after version of one file, each made of the last, stays exact', async () => {
  const f = fixture();
  const random = new Random(50);
  const pool = f.pool();
  let basis = await f.put(pool, random.bytes(6_000_000), 4096);
  for (let night = 0; night < 12; night++) {
    const pieces: Piece[] = [];
    for (let offset = 0; offset < basis.content.length; offset += 4096) {
      const length = Math.min(4096, basis.content.length - offset);
      if (random.below(60) === 0) pieces.push(random.bytes(length));
      else pieces.push({ offset, length });
    }
    const content = assemble(basis.content, pieces);
    const file = { size: content.length, verify: night % 2 === 0, blockLength: 4096, basis: basisOf(basis) };
    const { result, sums } = await send(pool, file, pieces, f.digestOf(content));
    assert.equal(result.reason, '');
    await pool.flush();
    assert.ok((await f.read(result.blobs)).equals(content), `night ${night}`);
    assert.ok(sums.equals(f.sumsOf(content, 4096)), `sums of night ${night}`);
    basis = { content, blobs: result.blobs, blockLength: 4096, sums };
  }
  await pool.close();
});

test('a file that is matched as a whole keeps its blobs, and nothing is written', async () => {
  const f = fixture();
  const pool = f.pool();
  for (const size of [700, 12_000, 3_000_000]) {
    const basis = await f.put(pool, new Random(size).bytes(size), 1024);
    const packs = f.packs.length;
    for (const verify of [true, false]) {
      const file = { size, verify, blockLength: 1024, basis: basisOf(basis) };
      const { result, sums } = await send(pool, file, [{ offset: 0, length: size }], f.digestOf(basis.content));
      assert.equal(result.reason, '');
      assert.ok(result.blobs.equals(basis.blobs));
      assert.ok(sums.equals(basis.sums));
    }
    await pool.flush();
    assert.equal(f.packs.length, packs);
  }
  await pool.close();
});

test('what changed is chunked finely, the rest of the file stays as it is', async () => {
  const f = fixture();
  const pool = f.pool();
  const random = new Random(51);
  const basis = await f.put(pool, random.bytes(12_000_000), 4096);
  const before = idsOf(basis.blobs);
  assert.ok(before.length >= 4);
  const at = 5_000_192 - (5_000_192 % 4096);
  const pieces: Piece[] = [
    { offset: 0, length: at },
    random.bytes(4096),
    { offset: at + 4096, length: basis.content.length - at - 4096 },
  ];
  const content = assemble(basis.content, pieces);
  const file = { size: content.length, verify: false, blockLength: 4096, basis: basisOf(basis) };
  const { result } = await send(pool, file, pieces, f.digestOf(content));
  await pool.flush();
  const known = new Set(before);
  const added = idsOf(result.blobs).filter((id) => !known.has(id));
  assert.equal(idsOf(result.blobs).length - added.length, before.length - 1, 'all blobs but one are kept');
  assert.ok(added.length > 1);
  for (const id of added) {
    const { plainLength } = f.store.findBlob(Buffer.from(id, 'hex'))!;
    assert.ok(plainLength >= FINE.least && plainLength < FINE.most + FINE.least, `${plainLength}`);
  }
  // the next change of the same place costs little
  const packs = f.packs.length;
  const second: Stored = { content, blobs: result.blobs, blockLength: 4096, sums: Buffer.alloc(0) };
  const more: Piece[] = [pieces[0], random.bytes(4096), pieces[2]];
  await send(pool, { ...file, basis: basisOf(second) }, more, f.digestOf(assemble(content, more)));
  await pool.flush();
  const written = f.packs.slice(packs).flatMap((pack) => pack.blobs);
  const bytes = written.reduce((sum, blob) => sum + blob.plainLength, 0);
  assert.ok(bytes <= 2 * (FINE.most + FINE.least), `${bytes} bytes`);
  await pool.close();
});

test('insertions leave no crumbs where they can join a neighbour', async () => {
  const f = fixture();
  const pool = f.pool();
  const random = new Random(52);
  let basis = await f.put(pool, random.bytes(2_000_000), 1024);
  for (let night = 0; night < 30; night++) {
    const blocks = Math.floor(basis.content.length / 1024);
    const at = random.below(blocks) * 1024;
    const pieces: Piece[] = [random.bytes(1 + random.below(50)), { offset: at, length: basis.content.length - at }];
    if (at > 0) pieces.unshift({ offset: 0, length: at });
    const content = assemble(basis.content, pieces);
    const file = { size: content.length, verify: true, blockLength: 1024, basis: basisOf(basis) };
    const { result, sums } = await send(pool, file, pieces, f.digestOf(content));
    assert.equal(result.reason, '');
    await pool.flush();
    basis = { content, blobs: result.blobs, blockLength: 1024, sums };
  }
  const lengths = idsOf(basis.blobs).map((id) => f.store.findBlob(Buffer.from(id, 'hex'))!.plainLength);
  assert.ok((await f.read(basis.blobs)).equals(basis.content));
  assert.ok(lengths.filter((length) => length < FINE.least).length <= 2, lengths.join());
  await pool.close();
});

test('a long stretch of new content in a known file is chunked coarsely', async () => {
  const f = fixture();
  const pool = f.pool();
  const random = new Random(53);
  const basis = await f.put(pool, random.bytes(1_000_000), 1024);
  const pieces: Piece[] = [{ offset: 0, length: 999_424 }, random.bytes(30_000_000)];
  const content = assemble(basis.content, pieces);
  const file = { size: content.length, verify: true, blockLength: 0, basis: basisOf(basis) };
  const { result } = await send(pool, file, pieces, f.digestOf(content));
  await pool.flush();
  assert.ok((await f.read(result.blobs)).equals(content));
  assert.ok(idsOf(result.blobs).length < 160, `${idsOf(result.blobs).length} blobs`);
  await pool.close();
});

test('a basis repeated many times over is referred to, not read', async () => {
  const f = fixture();
  const pool = f.pool();
  const basis = await f.put(pool, new Random(54).bytes(8_000_512), 1024);
  const times = 200;
  const pieces = Array.from({ length: times }, () => ({ offset: 0, length: 7_999_488 }));
  const size = times * 7_999_488;
  const started = process.cpuUsage();
  const { result } = await send(
    pool,
    { size, verify: false, blockLength: 0, basis: basisOf(basis) },
    pieces,
    Buffer.alloc(16, 9),
  );
  assert.equal(result.reason, '');
  assert.equal(result.size, size);
  assert.equal(result.matchedBytes, size);
  const { user, system } = process.cpuUsage(started);
  assert.ok(user + system < 30e6, 'reading 1.6 GB would take longer');
  await pool.close();
});

test('a file far longer than it was said to be is refused', async () => {
  const f = fixture();
  const pool = f.pool();
  const basis = await f.put(pool, new Random(57).bytes(8_000_512), 1024);
  const pieces = Array.from({ length: 200 }, () => ({ offset: 0, length: 7_999_488 }));
  const file = { size: 10, verify: false, blockLength: 0, basis: basisOf(basis) };
  const { result } = await send(pool, file, pieces, Buffer.alloc(16, 5));
  assert.equal(result.ok, false);
  assert.match(result.reason, /far longer/);
  assert.equal(result.retry, false);
  await pool.close();
});

test('matches beyond what was offered are refused', async () => {
  const f = fixture();
  const pool = f.pool();
  const basis = await f.put(pool, new Random(55).bytes(10_000), 1024);
  const wrong: Piece[] = [
    { offset: 9216, length: 1024 },
    { offset: -1024, length: 1024 },
    { offset: 20_480, length: 1 },
    { offset: 0, length: 0 },
    { offset: Number.NaN, length: 5 },
  ];
  for (const piece of wrong) {
    const file = { size: 10_000, verify: true, blockLength: 1024, basis: basisOf(basis) };
    const { result } = await send(pool, file, [piece], Buffer.alloc(16, 3));
    assert.equal(result.ok, false, JSON.stringify(piece));
    assert.match(result.reason, /not offered/);
  }
  const { result } = await send(
    pool,
    { size: 9, verify: true, blockLength: 0 },
    [{ offset: 0, length: 9 }],
    Buffer.alloc(16, 3),
  );
  assert.match(result.reason, /not offered/, 'no basis at all');
  await pool.close();
});

test('sums and digest of stored content are computed by reading it', async () => {
  const f = fixture();
  const pool = f.pool(2);
  const basis = await f.put(pool, new Random(56).bytes(3_333_333), 1024);
  const records: Buffer[] = [];
  const { count } = await pool.computeSums({
    blobs: basis.blobs,
    size: basis.content.length,
    blockLength: 700,
    onSums: (piece) => records.push(Buffer.from(piece)),
  });
  assert.equal(count, Math.ceil(3_333_333 / 700));
  assert.ok(Buffer.concat(records).equals(f.sumsOf(basis.content, 700)));
  const digest = await pool.computeDigest({ blobs: basis.blobs, algorithm: 'xxh128' });
  assert.deepEqual(digest, f.digestOf(basis.content));
  assert.equal(
    (await pool.computeDigest({ blobs: Buffer.alloc(0), algorithm: 'md5' })).toString('hex'),
    'd41d8cd98f00b204e9800998ecf8427e',
  );
  await pool.close();
});

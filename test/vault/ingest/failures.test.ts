import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { Random } from '../../support/random.ts';
import { basisOf, Fixture, idsOf, send } from './fixture.ts';

/** A vault of its own: what these tests break stays broken. */
async function newFixture(t: TestContext): Promise<Fixture> {
  const fixture = await Fixture.create();
  t.after(() => fixture.close());
  return fixture;
}

function packFile(f: Fixture, id: Buffer): string {
  const name = id.toString('hex');
  return path.join(f.layout.repository, 'data', name.slice(0, 2), name);
}

function temporaryFiles(f: Fixture): string[] {
  return readdirSync(f.layout.temporary);
}

test('a damaged basis spoils the file, and its content is stored anew when it comes whole', async (t) => {
  const f = await newFixture(t);
  const first = f.pool();
  const content = new Random(61).bytes(3_000_000);
  const basis = await f.put(first, content, 1024);
  await first.close();
  const [pack] = f.packs;
  const [blob] = pack.blobs;
  chmodSync(packFile(f, pack.id), 0o600);
  const bytes = readFileSync(packFile(f, pack.id));
  bytes[blob.offset + 100] ^= 1;
  writeFileSync(packFile(f, pack.id), bytes);

  const pool = f.pool(2);
  const digest = f.digestOf(content);
  const file = { size: content.length, verify: true, blockLength: 1024, basis: basisOf(basis) };
  const { result } = await send(pool, file, [{ offset: 0, length: content.length }], digest);
  assert.equal(result.ok, false);
  assert.match(result.reason, /cannot be read/);
  assert.equal(result.retry, true);
  assert.deepEqual(result.damaged, blob.id);

  const again = await send(pool, { ...file, basis: undefined }, [content], digest);
  assert.equal(again.result.ok, true);
  await pool.flush();
  const added = f.packs.slice(1).flatMap((p) => p.blobs.map((b) => b.id.toString('hex')));
  assert.deepEqual(added, [blob.id.toString('hex')], 'the damaged blob alone is stored again');
  await pool.close();
});

test('damage met while sums are computed is told, and the content is stored anew', async (t) => {
  const f = await newFixture(t);
  const first = f.pool();
  const content = new Random(68).bytes(100_000);
  const { blobs } = await f.put(first, content, 1024);
  await first.close();
  rmSync(packFile(f, f.packs[0].id));
  const damaged: Buffer[] = [];
  const pool = f.pool(1, (ids) => damaged.push(ids));
  const asked = { blobs, size: content.length, blockLength: 700, onSums: () => {} };
  await assert.rejects(pool.computeSums(asked), { code: 'ERR_BASIS_DAMAGED' });
  await assert.rejects(pool.computeDigest({ blobs, algorithm: 'md5' }), { code: 'ERR_BASIS_DAMAGED' });
  assert.deepEqual(damaged[0], blobs);
  const { result } = await send(
    pool,
    { size: content.length, verify: true, blockLength: 0 },
    [content],
    f.digestOf(content),
  );
  assert.equal(result.reason, '');
  await pool.flush();
  assert.equal(f.packs.length, 2);
  await pool.close();
});

test('a basis whose pack is gone, or whose blobs nobody knows, spoils one file only', async (t) => {
  const f = await newFixture(t);
  const first = f.pool();
  const content = new Random(62).bytes(100_000);
  const basis = await f.put(first, content, 1024);
  await first.close();
  rmSync(packFile(f, f.packs[0].id));
  const pool = f.pool();
  const match = { offset: 0, length: 51_200 };
  const file = { size: 51_200, verify: true, blockLength: 1024 };
  for (const lost of [basisOf(basis), { blobs: Buffer.alloc(64, 7), size: 100_000 }]) {
    const { result } = await send(pool, { ...file, basis: lost }, [match], f.digestOf(content.subarray(0, 51_200)));
    assert.equal(result.ok, false);
    assert.match(result.reason, /cannot be read/);
    assert.equal(result.damaged.length, 32);
  }
  const next = await send(
    pool,
    { size: 5, verify: true, blockLength: 0 },
    [Buffer.from('whole')],
    f.digestOf(Buffer.from('whole')),
  );
  assert.equal(next.result.ok, true);
  await pool.close();
});

test('damage met at the very end of a file is told as any other', async (t) => {
  const f = await newFixture(t);
  const first = f.pool();
  const content = new Random(63).bytes(100_000);
  const basis = await f.put(first, content, 1024);
  await first.close();
  rmSync(packFile(f, f.packs[0].id));
  const pool = f.pool();
  // unverified, a match of the front of a blob is read when nothing follows it
  const file = { size: 1024, verify: false, blockLength: 0, basis: basisOf(basis) };
  const { result } = await send(pool, file, [{ offset: 0, length: 1024 }], Buffer.alloc(16, 1));
  assert.equal(result.ok, false);
  assert.match(result.reason, /cannot be read/);
  await pool.close();
});

test('when packs cannot be written everything that waits fails, and nothing is left lying about', async (t) => {
  const f = await newFixture(t);
  const pool = f.pool(2);
  await f.put(pool, Buffer.from('before'), 1024);
  rmSync(f.layout.temporary, { recursive: true });
  const random = new Random(64);
  const content = random.bytes(2_000_000);
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, () =>
      send(
        pool,
        { size: content.length, verify: true, blockLength: 0 },
        [random.bytes(2_000_000)],
        Buffer.alloc(16, 1),
      ),
    ),
  );
  assert.ok(results.some((result) => result.status === 'rejected'));
  for (const result of results) if (result.status === 'rejected') assert.match(String(result.reason.code), /^E/);
  await assert.rejects(pool.flush());
  await assert.rejects(async () => pool.room());
  const late = pool.openFile({ size: 1, verify: true, blockLength: 0 });
  late.write(Buffer.from('x'));
  await assert.rejects(late.end(Buffer.alloc(16)));
  mkdirSync(f.layout.temporary);
  await pool.close();
  assert.deepEqual(temporaryFiles(f), []);
});

test('a full disk is named, and nothing is left lying about', {
  skip: process.geteuid?.() !== 0 && 'only root can mount',
}, async (t) => {
  const f = await newFixture(t);
  const pool = f.pool();
  await f.put(pool, Buffer.from('before'), 1024);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', f.layout.temporary]);
  if (mounted.status !== 0) return t.skip('tmpfs cannot be mounted here');
  try {
    const random = new Random(65);
    const content = random.bytes(12_000_000);
    await assert.rejects(
      async () => {
        await send(pool, { size: content.length, verify: true, blockLength: 0 }, [content], f.digestOf(content));
        await pool.flush();
      },
      (error: NodeJS.ErrnoException) => error.code === 'ENOSPC' && /disk of the server is full/.test(error.message),
    );
    await pool.close();
    assert.deepEqual(temporaryFiles(f), []);
  } finally {
    await pool.close();
    spawnSync('umount', [f.layout.temporary]);
  }
});

test('a pool that is closed in the middle leaves no temporary file, no lock, and nobody waiting', async (t) => {
  const f = await newFixture(t);
  const pool = f.pool(2);
  const content = new Random(66).bytes(5_000_000);
  const sink = pool.openFile({ size: 10_000_000, verify: true, blockLength: 1024, onSums: () => {} });
  sink.write(content);
  const waiting = sink.end(Buffer.alloc(16, 1));
  const flushing = pool.flush();
  await Promise.all([pool.close(), assert.rejects(waiting), assert.rejects(flushing).catch(() => {})]);
  assert.deepEqual(temporaryFiles(f), []);
  assert.deepEqual(readdirSync(path.join(f.layout.repository, 'locks')), []);
  await pool.close();
});

test('a wrong password, or no repository, fails what waits with a sentence that says so', async (t) => {
  const f = await newFixture(t);
  writeFileSync(f.layout.passwordFile, 'another\n');
  const pool = f.pool();
  const content = Buffer.from('content');
  await assert.rejects(
    send(pool, { size: 7, verify: true, blockLength: 0 }, [content], f.digestOf(content)),
    (error: NodeJS.ErrnoException) => error.code !== undefined && error.message.length > 10,
  );
  await pool.close();
});

test('the repository is locked against prune while files are stored', async (t) => {
  const f = await newFixture(t);
  const pool = f.pool();
  const locks = () => readdirSync(path.join(f.layout.repository, 'locks')).length;
  assert.equal(locks(), 0);
  const { blobs } = await f.put(pool, Buffer.from('content'), 1024);
  assert.equal(idsOf(blobs).length, 1);
  assert.equal(locks(), 1);
  await pool.close();
  assert.equal(locks(), 0);
});

test('content that comes faster than it is stored has to wait', async (t) => {
  const f = await newFixture(t);
  const pool = f.pool(2);
  const content = new Random(67).bytes(40_000_000);
  const sink = pool.openFile({ size: content.length, verify: true, blockLength: 0 });
  let at = 0;
  while (pool.room() === undefined) {
    sink.write(content.subarray(at, at + 32_768));
    at += 32_768;
  }
  assert.ok(at <= 4 << 20, `${at} bytes were taken before the pool was full`);
  let waits = 0;
  for (; at < content.length; at += 32_768) {
    const room = pool.room();
    if (room !== undefined) {
      waits++;
      await room;
    }
    sink.write(content.subarray(at, at + 32_768));
  }
  assert.ok(waits > 10, `${waits}`);
  const result = await sink.end(f.digestOf(content));
  assert.equal(result.reason, '');
  await pool.close();
});

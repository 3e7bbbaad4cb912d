import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../support/random.ts';
import { fileFixture, idsOf, send } from './fixture.ts';

const fixture = fileFixture();

test('contents of every size come back as they were, with their sums', async () => {
  const f = fixture();
  const pool = f.pool(2);
  const random = new Random(31);
  const sizes = [0, 1, 240, 1023, 1024, 1025, 12_288, 524_287, 524_288, 524_289, 700_000, 3_000_000, 20_000_000];
  const sent = await Promise.all(
    sizes.map(async (size) => {
      const content = random.bytes(size);
      return {
        content,
        ...(await send(pool, { size, verify: true, blockLength: 1024 }, [content], f.digestOf(content))),
      };
    }),
  );
  await pool.flush();
  for (const { content, result, sums } of sent) {
    assert.deepEqual({ ok: result.ok, reason: result.reason }, { ok: true, reason: '' });
    assert.equal(result.size, content.length);
    assert.equal(result.literalBytes, content.length);
    assert.equal(result.matchedBytes, 0);
    assert.equal(result.literalRuns, content.length === 0 ? 0 : 1);
    assert.ok((await f.read(result.blobs)).equals(content), `${content.length} bytes`);
    assert.ok(sums.equals(f.sumsOf(content, 1024)), `sums of ${content.length} bytes`);
  }
  assert.equal(idsOf(sent[0].result.blobs).length, 0, 'an empty file has no blobs');
  assert.equal(idsOf(sent[8].result.blobs).length, 1, 'up to 512 KiB a file is one blob');
  assert.ok(idsOf(sent.at(-1)!.result.blobs).length > 4);
  await pool.close();
});

test('ten thousand small files keep their order of sums and results, over two workers', async () => {
  const f = fixture();
  const pool = f.pool(2);
  const random = new Random(32);
  const seen: Promise<void>[] = [];
  for (let i = 0; i < 10_000; i++) {
    const content = random.bytes(random.below(3000));
    const digest = f.digestOf(content);
    const expected = f.sumsOf(content, 512);
    seen.push(
      send(pool, { size: content.length, verify: true, blockLength: 512 }, [content], digest).then(
        ({ result, sums }) => {
          assert.equal(result.reason, '');
          assert.equal(result.size, content.length);
          assert.ok(sums.equals(expected));
        },
      ),
    );
    const room = pool.room();
    if (room !== undefined) await room;
  }
  await Promise.all(seen);
  await pool.close();
});

test('a content that is stored is not stored again, in this push or a later one', async () => {
  const f = fixture();
  const content = new Random(33).bytes(5_000_000);
  const digest = f.digestOf(content);
  const file = { size: content.length, verify: true, blockLength: 0 };
  const first = f.pool();
  const { result } = await send(first, file, [content], digest);
  await send(first, file, [content], digest);
  await first.flush();
  const packs = f.packs.length;
  await first.close();
  const second = f.pool();
  const again = await send(second, file, [content], digest);
  await second.flush();
  assert.deepEqual(again.result, result);
  assert.equal(f.packs.length, packs);
  const stored = f.packs.flatMap((pack) => pack.blobs.map((blob) => blob.id.toString('hex')));
  for (const id of idsOf(result.blobs)) assert.equal(stored.filter((s) => s === id).length, 1);
  await second.close();
});

test('files that come interleaved do not mix', async () => {
  const f = fixture();
  const pool = f.pool(2);
  const random = new Random(34);
  const contents = Array.from({ length: 5 }, () => random.bytes(600_000 + random.below(900_000)));
  const sums: Buffer[][] = contents.map(() => []);
  const sinks = contents.map((content, i) =>
    pool.openFile({
      size: content.length,
      verify: true,
      blockLength: 4096,
      onSums: (r) => sums[i].push(Buffer.from(r)),
    }),
  );
  for (let at = 0; at < 1_500_000; at += 30_000) {
    for (const [i, sink] of sinks.entries()) sink.write(contents[i].subarray(at, at + 30_000));
    const room = pool.room();
    if (room !== undefined) await room;
  }
  const results = await Promise.all(sinks.map((sink, i) => sink.end(f.digestOf(contents[i]))));
  await pool.flush();
  for (const [i, result] of results.entries()) {
    assert.equal(result.reason, '');
    assert.ok((await f.read(result.blobs)).equals(contents[i]));
    assert.ok(Buffer.concat(sums[i]).equals(f.sumsOf(contents[i], 4096)));
  }
  await pool.close();
});

test('a file with another checksum than the client’s is not stored', async () => {
  const f = fixture();
  const pool = f.pool();
  const content = new Random(35).bytes(10_000);
  const digest = f.digestOf(content);
  digest[3] ^= 1;
  const { result } = await send(pool, { size: content.length, verify: true, blockLength: 0 }, [content], digest);
  assert.equal(result.ok, false);
  assert.match(result.reason, /checksum is not the one/);
  assert.equal(result.retry, true);
  assert.equal(result.blobs.length, 0);
  await pool.close();
});

test('a client that says it could not read its file is believed, verified or not', async () => {
  const f = fixture();
  const pool = f.pool();
  const content = new Random(36).bytes(10_000);
  const almost = Buffer.alloc(16);
  almost[15] = 1;
  for (const digest of [Buffer.alloc(16), almost]) {
    for (const verify of [true, false]) {
      const { result } = await send(pool, { size: content.length, verify, blockLength: 0 }, [content], digest);
      assert.equal(result.ok, false);
      assert.match(result.reason, /could not read/);
    }
  }
  await pool.close();
});

test('of a file that is cut off what came is kept, with the sums of its whole blocks', async () => {
  const f = fixture();
  const pool = f.pool();
  const part = new Random(37).bytes(1_300_000);
  const { result, sums } = await send(pool, { size: 9_000_000, verify: true, blockLength: 4096 }, [part], 'cut');
  await pool.flush();
  assert.equal(result.ok, true);
  assert.equal(result.size, part.length);
  assert.ok((await f.read(result.blobs)).equals(part));
  assert.ok(sums.equals(f.sumsOf(part.subarray(0, Math.floor(part.length / 4096) * 4096), 4096)));
  await pool.close();
});

test('a file that is given up leaves the next ones alone', async () => {
  const f = fixture();
  const pool = f.pool();
  const content = new Random(38).bytes(50_000);
  const sink = pool.openFile({ size: 1_000_000, verify: true, blockLength: 1024, onSums: () => {} });
  sink.write(content.subarray(0, 7000));
  sink.abort();
  const { result, sums } = await send(
    pool,
    { size: content.length, verify: true, blockLength: 1024 },
    [content],
    f.digestOf(content),
  );
  assert.equal(result.reason, '');
  assert.ok(sums.equals(f.sumsOf(content, 1024)));
  await pool.close();
});

import assert from 'node:assert/strict';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createDigest, createStrongSum } from '../../src/kernels/checksum.ts';
import { createVault } from '../../src/vault/vault.ts';
import { startPushServer } from '../support/push-server.ts';
import { Random } from '../support/random.ts';
import { run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';

const SIZE = 100_000;

/** xxh64's primes. */
const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;

const u64 = (n: bigint): bigint => BigInt.asUintN(64, n);
const left = (n: bigint, bits: bigint): bigint => u64((n << bits) | (n >> (64n - bits)));

/** Of an odd number, modulo 2^64. */
function inverse(n: bigint): bigint {
  let x = n;
  for (let i = 0; i < 6; i++) x = u64(x * (2n - n * x));
  return x;
}

const seeded = (seed: bigint): bigint[] => [u64(seed + P1 + P2), u64(seed + P2), u64(seed), u64(seed - P1)];

const mixed = (h: bigint): bigint => {
  const a = u64((h ^ (h >> 33n)) * P2);
  const b = u64((a ^ (a >> 29n)) * P3);
  return b ^ (b >> 32n);
};

const unmixed = (h: bigint): bigint => {
  const b = h ^ (h >> 32n);
  let a = u64(b * inverse(P3));
  a ^= (a >> 29n) ^ (a >> 58n);
  const c = u64(a * inverse(P2));
  return c ^ (c >> 33n);
};

/**
 * A file's first 32 bytes after which the unseeded hash is where the seeded one begins; so the digest of these and a block
 * is made of the block's sum, without the block.
 */
function bridgeTo(seed: bigint): Buffer {
  const bridge = Buffer.alloc(32);
  const from = seeded(0n);
  for (const [lane, wanted] of seeded(seed).entries()) {
    const before = left(u64(wanted * inverse(P1)), 33n);
    bridge.writeBigUInt64LE(u64((before - from[lane]) * inverse(P2)), lane * 8);
  }
  return bridge;
}

test('who has the xxh64 sum of a block can make the digest of a file that it is in', async () => {
  const unknown = new Random(1).bytes(4096);
  const seed = 1_234_567;
  const sum = Buffer.from((await createStrongSum({ algorithm: 'xxh64', seed, seedFirst: true }))(unknown));
  const bridge = bridgeTo(BigInt(seed));
  const forged = mixed(u64(unmixed(sum.readBigUInt64LE()) + 32n));
  const digest = await createDigest('xxh64');
  digest.update(bridge);
  digest.update(unknown);
  assert.equal(digest.digest().readBigUInt64LE(), forged);
});

test('so block sums are told only where they are a part of a digest', async (t) => {
  const folder = temporaryFolder(t, 'forged');
  const source = path.join(folder, 'source');
  mkdirSync(source);
  for (const [checksum, isTold] of [
    ['xxh64', false],
    ['xxh3', false],
    ['md5', true],
  ] as const) {
    const { folder: vaultDir } = await createVault(path.join(folder, checksum), 'demo');
    const server = await startPushServer(t, { vaultDir, vault: 'demo' });
    const content = new Random(1).bytes(SIZE);
    for (const time of [1e9, 2e9]) {
      content.writeUInt32LE(time, 1000);
      writeFileSync(path.join(source, 'file'), content);
      utimesSync(path.join(source, 'file'), time, time);
      const args = ['-a', `--checksum-choice=${checksum}`, `${source}/`, `rsync://127.0.0.1:${server.port}/demo/`];
      const { code, stderr } = await run('rsync', args);
      assert.equal(code, 0, stderr);
    }
    await server.waitForReports(2);
    assert.equal(server.reports[1].matchedBytes > 0, isTold, checksum);
  }
});

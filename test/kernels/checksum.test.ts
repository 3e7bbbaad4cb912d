import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { type ChecksumName, createDigest, createStrongSum, digestLength } from '../../src/kernels/checksum.ts';
import { Random } from '../support/random.ts';
import { run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';

const NAMES: ChecksumName[] = ['xxh128', 'xxh3', 'xxh64', 'md5', 'md4', 'sha1'];
const SEED = 0x01020304;

/** Of nothing, as their authors publish them; xxHash's canonical form is big-endian, the wire's little-endian. */
const OF_NOTHING: Record<ChecksumName, string> = {
  xxh128: reversed('99aa06d3014798d86001c324468d497f'),
  xxh3: reversed('2d06800538d394c2'),
  xxh64: reversed('ef46db3751d8e999'),
  md5: 'd41d8cd98f00b204e9800998ecf8427e',
  md4: '31d6cfe0d16ae931b73c59d7e0c089c0',
  sha1: 'da39a3ee5e6b4b0d3255bfef95601890afd80709',
};

function reversed(hex: string): string {
  return Buffer.from(hex, 'hex').reverse().toString('hex');
}

async function digestOf(name: ChecksumName, bytes: Buffer): Promise<Buffer> {
  const digest = await createDigest(name);
  digest.reset();
  digest.update(bytes);
  return digest.digest();
}

for (const name of NAMES) {
  test(`${name} of nothing is what its author says, and as long as the wire has it`, async () => {
    const digest = await digestOf(name, Buffer.alloc(0));
    assert.equal(digest.toString('hex'), OF_NOTHING[name]);
    assert.equal(digest.length, digestLength(name));
  });

  test(`${name} is the same in one piece, in many, and the second time`, async () => {
    const random = new Random(3);
    const bytes = random.bytes(100_000);
    const expected = await digestOf(name, bytes);
    const digest = await createDigest(name);
    for (let round = 0; round < 2; round++) {
      digest.reset();
      for (let at = 0; at < bytes.length; ) {
        const to = Math.min(bytes.length, at + 1 + random.below(5000));
        digest.update(bytes.subarray(at, to));
        at = to;
      }
      assert.deepEqual(digest.digest(), expected);
    }
  });

  test(`${name} of a file is what the real rsync computes`, async (t) => {
    const folder = temporaryFolder(t);
    const random = new Random(4);
    for (const length of [1, 16, 240, 241, 5000, 70_000]) {
      const bytes = random.bytes(length);
      writeFileSync(path.join(folder, 'file'), bytes);
      const args = [
        '-nc',
        `--checksum-choice=${name}`,
        '--out-format=%C',
        path.join(folder, 'file'),
        path.join(folder, 'to'),
      ];
      const { code, stdout } = await run('rsync', args);
      assert.equal(code, 0);
      // %C shows xxHash's numbers in their canonical form
      const shown = name.startsWith('xxh') ? reversed(stdout.trim()) : stdout.trim();
      assert.equal((await digestOf(name, bytes)).toString('hex'), shown, `${length} bytes`);
    }
  });
}

test('the md4 of old protocols that was not negotiated begins with the seed', async () => {
  const bytes = Buffer.from('content');
  const digest = await createDigest('md4', SEED);
  digest.update(bytes);
  assert.deepEqual(digest.digest(), await digestOf('md4', Buffer.concat([Buffer.of(4, 3, 2, 1), bytes])));
});

test('a block’s md5 has the seed before or after it, sha1 before, md4 after', async () => {
  const block = new Random(5).bytes(700);
  const seed = Buffer.of(4, 3, 2, 1);
  const sum = async (algorithm: ChecksumName, seedFirst: boolean, of = SEED) =>
    Buffer.from((await createStrongSum({ algorithm, seed: of, seedFirst }))(block));
  const hashed = (algorithm: string, ...parts: Buffer[]) => createHash(algorithm).update(Buffer.concat(parts)).digest();
  assert.deepEqual(await sum('md5', true), hashed('md5', seed, block));
  assert.deepEqual(await sum('md5', false), hashed('md5', block, seed));
  assert.deepEqual(await sum('md5', true, 0), hashed('md5', block));
  assert.deepEqual(await sum('sha1', false), hashed('sha1', seed, block));
  for (const seedFirst of [true, false])
    assert.deepEqual(await sum('md4', seedFirst), await digestOf('md4', Buffer.concat([block, seed])));
});

test('a block’s xxHash without a seed is that of a file with its content', async () => {
  const block = new Random(6).bytes(3000);
  for (const algorithm of ['xxh128', 'xxh3', 'xxh64'] as const) {
    const sum = await createStrongSum({ algorithm, seed: 0, seedFirst: true });
    assert.deepEqual(Buffer.from(sum(block)), await digestOf(algorithm, block));
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOGIN_DIGESTS } from '../../src/config/settings.ts';
import { expectedAnswer, newChallenge, sameText } from '../../src/server/challenge.ts';

/** Digests of 'abc' from RFC 1320, RFC 1321, FIPS 180; base64 without padding, of secret 'a' and challenge 'bc'. */
const abc: Record<(typeof LOGIN_DIGESTS)[number], string> = {
  md4: 'a448017aaf21d8525fc10ae87aa6729d',
  md5: '900150983cd24fb0d6963f7d28e17f72',
  sha1: 'a9993e364706816aba3e25717850c26c9cd0d89d',
  sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  sha512:
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
};

for (const digest of LOGIN_DIGESTS) {
  test(`the answer by ${digest} is that of its standard`, async () => {
    const answer = await expectedAnswer(digest, Buffer.from('a'), 'bc');
    assert.equal(answer, Buffer.from(abc[digest], 'hex').toString('base64').replace(/=+$/, ''));
  });
}

test('no challenge comes twice', () => {
  const seen = new Set(Array.from({ length: 10_000 }, newChallenge));
  assert.equal(seen.size, 10_000);
});

test('texts are the same only when they are', () => {
  assert.equal(sameText('', ''), true);
  assert.equal(sameText('a', 'a'), true);
  assert.equal(sameText('a', 'b'), false);
  assert.equal(sameText('a', 'a\0'), false);
});

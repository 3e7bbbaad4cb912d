import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { RefusedError } from '../../src/lib/errors.ts';
import {
  AUTH_DIGESTS,
  acceptedDigests,
  answerFor,
  chooseDigest,
  newChallenge,
  splitAnswer,
  verifyAnswer,
} from '../../src/rsync/auth.ts';
import { startStock } from '../support/rsyncd.ts';
import { run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startWireTap } from './wire-tap.ts';

const SECRET = Buffer.from('correct horse');

test('golden answers: base64 without padding of the digest of secret and challenge', async () => {
  const golden = {
    md4: 'EyMsJ7GeIRcG7ilAynIZpA',
    'md4-old': 'XCZgFNC5uyVmCLW5lpZAtg',
    md5: 'Ph9778VeV44rDDIsD/aohg',
    sha1: 'qVtUEV43swQbET9YCzL25X0SySM',
  } as const;
  for (const [digest, answer] of Object.entries(golden))
    assert.equal(await answerFor(digest as keyof typeof golden, SECRET, 'challenge'), answer, digest);
  assert.equal((await answerFor('sha256', SECRET, 'challenge')).length, 43);
  assert.equal((await answerFor('sha512', SECRET, 'challenge')).length, 86);
});

test('the best digest that both have is chosen', () => {
  const all = acceptedDigests('md4');
  assert.deepEqual(all, AUTH_DIGESTS);
  assert.equal(chooseDigest(all, ['md5', 'SHA256', 'blake3'], 32), 'sha256');
  assert.equal(chooseDigest(all, ['md4'], 32), 'md4');
  assert.equal(chooseDigest(all, undefined, 31), 'md5');
  assert.equal(chooseDigest(all, undefined, 29), 'md4-old');
});

test('a client that knows only weaker digests than accepted is refused', () => {
  const accepted = acceptedDigests('sha256');
  assert.deepEqual(accepted, ['sha512', 'sha256']);
  for (const listed of [['md4'], ['md5', 'sha1'], [], ['sha256x'], undefined])
    assert.throws(() => chooseDigest(accepted, listed, 31), RefusedError);
});

test('no challenge comes twice', () => {
  const seen = new Set(Array.from({ length: 1000 }, newChallenge));
  assert.equal(seen.size, 1000);
  for (const challenge of seen) assert.match(challenge, /^[A-Za-z0-9+/]{43}$/);
});

test('only the right answer to this challenge is right', async () => {
  for (const digest of AUTH_DIGESTS) {
    const challenge = newChallenge();
    const answer = await answerFor(digest, SECRET, challenge);
    assert.equal(await verifyAnswer(digest, SECRET, challenge, answer), true);
    assert.equal(await verifyAnswer(digest, SECRET, newChallenge(), answer), false);
    assert.equal(await verifyAnswer(digest, Buffer.from('other'), challenge, answer), false);
    for (const wrong of ['', `${answer}=`, ` ${answer}`, answer.slice(1), '\xff'.repeat(100), 'A'.repeat(1 << 20)])
      assert.equal(await verifyAnswer(digest, SECRET, challenge, wrong), false);
  }
});

test('without a module no answer is right', async () => {
  for (const secret of ['', '\0'.repeat(32)]) {
    const answer = await answerFor('sha512', Buffer.from(secret), 'c');
    assert.equal(await verifyAnswer('sha512', undefined, 'c', answer), false);
  }
});

test('user and answer are parted at the last blank', () => {
  assert.deepEqual(splitAnswer('web 1 abc'), { user: 'web 1', answer: 'abc' });
  assert.deepEqual(splitAnswer('web'), { user: 'web', answer: '' });
  assert.deepEqual(splitAnswer(''), { user: '', answer: '' });
});

test('a stock client answers a stock server as we would', async (t) => {
  const folder = temporaryFolder(t, 'auth');
  const secrets = path.join(folder, 'secrets');
  writeFileSync(secrets, 'user:correct horse\n', { mode: 0o600 });
  const daemon = await startStock(t, { lines: ['auth users = user', `secrets file = ${secrets}`] });
  const tap = await startWireTap(t, daemon.port);
  for (const protocol of [29, 30, 32]) {
    const env = { RSYNC_PASSWORD: 'correct horse' };
    const url = `rsync://user@127.0.0.1:${tap.port}/m/`;
    const { code } = await run('rsync', ['-r', `--protocol=${protocol}`, `${folder}/`, url], { env });
    assert.equal(code, 0);
    const { fromClient, fromServer } = await tap.recording();
    const challenge = /AUTHREQD (\S+)\n/.exec(fromServer.toString('latin1'))![1];
    const [greeting, , login] = fromClient.toString('latin1').split('\n');
    const digest = chooseDigest(AUTH_DIGESTS, greeting.split(' ').slice(2), protocol);
    assert.equal(await verifyAnswer(digest, SECRET, challenge, splitAnswer(login).answer), true);
  }
});

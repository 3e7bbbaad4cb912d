import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptedDigests, chooseDigest, parseGreeting, serverGreeting } from '../../src/server/greeting.ts';

test('the server greets with its newest protocol and the digests it accepts', () => {
  assert.equal(serverGreeting(acceptedDigests('md4')), '@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4\n');
  assert.equal(serverGreeting(acceptedDigests('sha256')), '@RSYNCD: 32.0 sha512 sha256\n');
});

for (const [line, protocol] of [
  ['@RSYNCD: 30.0', 30],
  ['@RSYNCD: 31.0', 31],
  ['@RSYNCD: 31.0 sha512 md5', 31],
  ['@RSYNCD: 32.0 md4', 32],
  ['@RSYNCD: 33.0 sha512', 32],
  ['@RSYNCD: 32.14 sha512', 31],
  ['@RSYNCD: 31.7', 30],
] as const) {
  test(`${line} means protocol ${protocol}`, () => {
    assert.equal(parseGreeting(line).protocol, protocol);
  });
}

for (const line of [
  '',
  '@RSYNCD:',
  '@RSYNCD: ',
  '@RSYNCD: -1',
  '@RSYNCD: 99.9',
  '@RSYNCD: 31',
  '@RSYNCD: 31.',
  '@RSYNCD: 31.junk',
  '@RSYNCD: 31.0\tmd5',
  '@RSYNCD: 0x1f.0',
  '@RSYNCD: 99999999999999999999.0',
  '@RSYNCD: 19.0',
  '@RSYNCD: 29',
  '@RSYNCD: 30.1',
  ' @RSYNCD: 31.0',
  'GET / HTTP/1.1\r',
  'SSH-2.0-OpenSSH_9.2\r',
  '@RSYNCD: 31.0 \x00',
]) {
  test(`${JSON.stringify(line)} is no greeting`, () => {
    assert.throws(() => parseGreeting(line), /protocol/);
  });
}

test('of the digests both have the best is chosen, whatever the order of the client', () => {
  const greeting = parseGreeting('@RSYNCD: 31.0 md4 md5 sha1 sha256 crc32');
  assert.equal(chooseDigest(acceptedDigests('md4'), greeting), 'sha256');
});

test('a client without a list speaks md5', () => {
  assert.equal(chooseDigest(acceptedDigests('md4'), parseGreeting('@RSYNCD: 31.0')), 'md5');
  assert.throws(() => chooseDigest(acceptedDigests('sha1'), parseGreeting('@RSYNCD: 31.0')), /sha512 sha256 sha1/);
});

test('a client that offers only what is too weak is refused', () => {
  assert.throws(() => chooseDigest(acceptedDigests('md5'), parseGreeting('@RSYNCD: 32.0 md4')), /no login digest/);
  assert.throws(() => chooseDigest(acceptedDigests('md4'), parseGreeting('@RSYNCD: 32.0 ')), /no login digest/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../support/random.ts';
import { openListener, SECRETS } from './peer.ts';

const openings: [string, string | Buffer][] = [
  ['a protocol of the future', '@RSYNCD: 99.9\n'],
  ['a negative protocol', '@RSYNCD: -1\n'],
  ['junk in the number', '@RSYNCD: 31.junk\n'],
  ['an old protocol', '@RSYNCD: 27\n'],
  ['4 KiB of digest names', `@RSYNCD: 31.0${' md5'.repeat(1024)}\n`],
  ['HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['TLS', Buffer.from('16030100f8010000f40303', 'hex')],
  ['SSH', 'SSH-2.0-OpenSSH_9.2p1\r\n'],
  ['a PROXY header', 'PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n@RSYNCD: 31.0\nweb1\n'],
  ['a line without an end', 'a'.repeat(1024)],
  ['a megabyte without an end', 'a'.repeat(1 << 20)],
  ['an unknown command', '@RSYNCD: 31.0\n#shutdown\n'],
  ['a module name of 64 KiB', `@RSYNCD: 31.0\n${'m'.repeat(65_536)}\n`],
  ['an answer of 1 MiB', `@RSYNCD: 31.0\nweb1\nweb1 ${'A'.repeat(1 << 20)}\n`],
];

for (const [what, bytes] of openings) {
  test(`${what} gets one error, and the next client is served`, { timeout: 10_000 }, async (t) => {
    const listener = await openListener(t, { handshakeTimeout: 5 });
    const peer = await listener.connect();
    peer.send(bytes);
    if (what === 'TLS') peer.send('\n');
    const told = (await peer.rest()).toString('latin1');
    const last = told.split('\n').at(-2);
    assert.match(String(last), /^@ERROR: [\x20-\x7e]+$/);
    assert.equal(told.match(/@ERROR/g)?.length, 1);
    assert.doesNotMatch(told, /node:|\.ts/);
    assert.equal(await (await listener.connect()).login('web1', SECRETS.web1), '@RSYNCD: OK');
  });
}

test('random bytes never harm the listener', async (t) => {
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}`);
  const random = new Random(seed);
  const listener = await openListener(t, { handshakeTimeout: 2 });
  await Promise.all(
    Array.from({ length: 30 }, async () => {
      const peer = await listener.connect();
      peer.send(Buffer.from('@RSYNCD: 31.0 md5\nweb1\nweb1 x\n').subarray(0, random.below(32)));
      peer.send(random.bytes(1 + random.below(5_000)));
      peer.socket.end();
      await peer.rest();
    }),
  );
  assert.equal(listener.guests.length, 0);
  assert.equal(await (await listener.connect('127.0.0.2')).login('web1', SECRETS.web1), '@RSYNCD: OK');
});

test('silence is dropped at the handshake deadline', async (t) => {
  const listener = await openListener(t, { handshakeTimeout: 0.1 });
  const from = performance.now();
  const peer = await listener.connect();
  const told = (await peer.rest()).toString();
  assert.match(told, /^@RSYNCD: 32\.0 .*\n@ERROR: timeout before login\n$/);
  assert.ok(performance.now() - from < 3000);
});

test('a greeting byte by byte does not move the deadline', async (t) => {
  const listener = await openListener(t, { handshakeTimeout: 0.2 });
  const peer = await listener.connect();
  const timer = setInterval(() => peer.send('a'), 10);
  t.after(() => clearInterval(timer));
  const from = performance.now();
  await peer.line();
  assert.match(String(await peer.line()), /timeout before login/);
  const took = performance.now() - from;
  assert.ok(took >= 150 && took < 1500, `${took} ms`);
});

test('the deadline also ends a login that has to wait', async (t) => {
  const listener = await openListener(t, { handshakeTimeout: 0.2 });
  for (let i = 0; i < 10; i++) await (await listener.connect()).login('web1', 'wrong');
  const peer = await listener.connect();
  assert.match(String(await peer.login('web1', SECRETS.web1)), /timeout before login/);
  assert.equal(listener.guests.length, 0);
});

test('what is left of the deadline goes to the session', async (t) => {
  const listener = await openListener(t, { handshakeTimeout: 10 });
  await (await listener.connect()).login('web1', SECRETS.web1);
  const { secondsLeft } = listener.guests[0];
  assert.ok(secondsLeft > 5 && secondsLeft < 10, `${secondsLeft}`);
});

test('an address that is not read to by its client cannot make the server gather memory', async (t) => {
  const listener = await openListener(t, { motd: 'm'.repeat(4000), handshakeTimeout: 1 });
  const peer = await listener.connect();
  peer.socket.pause();
  peer.send('@RSYNCD: 31.0\n#list\n');
  await new Promise((resolve) => peer.socket.once('close', resolve).resume());
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openListener, type Peer, SECRETS } from './peer.ts';
import { until } from './processes.ts';
import { header, LOCAL, proxied, TCP4, vector } from './proxy-headers.ts';

const behindProxy = { proxyProtocol: true, trustedProxies: ['127.0.0.1', '127.0.1.0/24'] };

async function logsIn(peer: Peer, head: Buffer): Promise<void> {
  peer.send(head);
  assert.equal(await peer.login('web1', SECRETS.web1), '@RSYNCD: OK');
}

test('the address in the header is the peer, of either family', async (t) => {
  const listener = await openListener(t, behindProxy);
  for (const address of ['192.0.2.7', '2001:db8::7']) await logsIn(await listener.connect(), proxied(address));
  await logsIn(await listener.connect(), proxied('::ffff:192.0.2.8'));
  assert.deepEqual(
    listener.guests.map(({ address }) => address),
    ['192.0.2.7', '2001:db8::7', '192.0.2.8'],
  );
});

test('a proxy that speaks for itself, or cannot tell, is the peer', async (t) => {
  const listener = await openListener(t, behindProxy);
  for (const head of [LOCAL, header(1, 0, Buffer.alloc(0)), header(1, 0x31, Buffer.alloc(216))])
    await logsIn(await listener.connect('127.0.1.9'), head);
  assert.deepEqual(
    listener.guests.map(({ address }) => address),
    Array(3).fill('127.0.1.9'),
  );
});

test('a header byte by byte, and one in the packet of the greeting, are read', async (t) => {
  const listener = await openListener(t, behindProxy);
  const head = proxied('192.0.2.7', vector(4, Buffer.alloc(9)));
  const slow = await listener.connect();
  for (const byte of head) {
    slow.send(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await slow.login('web1', SECRETS.web1), '@RSYNCD: OK');
  const fast = await listener.connect();
  fast.send(Buffer.concat([head, Buffer.from('@RSYNCD: 31.0\n#list\n')]));
  assert.match((await fast.rest()).toString(), /^@RSYNCD: 32\.0 .*\n@RSYNCD: EXIT\n$/);
});

test('who is no trusted proxy is closed unheard, with one line in the log', async (t) => {
  const listener = await openListener(t, behindProxy);
  const peer = await listener.connect('127.0.0.2');
  peer.send(proxied('192.0.2.7'));
  assert.equal((await peer.rest()).length, 0);
  assert.deepEqual(
    listener.log.map(({ address, msg }) => [address, msg]),
    [['127.0.0.2', 'closed: not one of trusted_proxies, which alone may connect here']],
  );
});

const noHeaders: [string, Buffer][] = [
  ['rsync', Buffer.from('@RSYNCD: 32.0 sha512\nweb1\n')],
  ['version 1', Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 4660 873\r\n')],
  ['UDP', header(1, 0x12, Buffer.alloc(12))],
  ['64 KiB', header(1, TCP4, Buffer.alloc(12), 0xffff)],
];
for (const [what, bytes] of noHeaders) {
  test(`a connection without a header is closed, with one line in the log: ${what}`, async (t) => {
    const listener = await openListener(t, behindProxy);
    const peer = await listener.connect();
    peer.send(bytes);
    assert.equal((await peer.rest()).length, 0);
    assert.equal(listener.log.length, 1);
    assert.deepEqual([listener.log[0].address, listener.log[0].msg], ['127.0.0.1', 'refused before login']);
    assert.match(String(listener.log[0].reason), /PROXY/);
  });
}

test('the header has to be there within the handshake timeout', async (t) => {
  const listener = await openListener(t, { ...behindProxy, handshakeTimeout: 0.2 });
  const peer = await listener.connect();
  peer.send(proxied('192.0.2.7').subarray(0, 20));
  assert.equal((await peer.rest()).length, 0);
  assert.ok(listener.log.some(({ msg }) => /handshake timeout/.test(String(msg))));
});

test('limits count whom the header names, and the proxy only in all', async (t) => {
  const listener = await openListener(t, { ...behindProxy, maxConnections: 5, maxConnectionsPerAddress: 2 });
  const open = async (address: string) => {
    const peer = await listener.connect();
    peer.send(proxied(address));
    return { peer, line: await peer.line() };
  };
  const first = await open('192.0.2.7');
  await open('192.0.2.7');
  assert.equal((await open('192.0.2.7')).line, undefined);
  assert.equal((await open('192.0.2.8')).line?.startsWith('@RSYNCD: 32.0'), true);
  await open('2001:db8::1');
  await open('2001:db8::2');
  assert.equal((await open('192.0.2.9')).line, undefined);
  const reasons = listener.log.filter(({ msg }) => msg === 'refused before login').map(({ reason }) => String(reason));
  assert.match(reasons[0], /from one address \(2\)/);
  assert.match(reasons[1], /max connections \(5\)/);
  // the one that was refused holds no place, and one that ends gives its own back
  first.peer.socket.destroy();
  await until(() => listener.log.some(({ msg }) => msg === 'closed by the client before login'));
  assert.notEqual((await open('192.0.2.7')).line, undefined);
});

test('wrong logins count for whom the header names', async (t) => {
  const listener = await openListener(t, behindProxy);
  for (let i = 0; i < 10; i++) {
    const peer = await listener.connect();
    peer.send(proxied('192.0.2.66'));
    await peer.login('web1', 'wrong');
  }
  const alerts = listener.log.filter(({ alert }) => alert === true);
  assert.deepEqual(
    alerts.map(({ address }) => address),
    ['192.0.2.66'],
  );
});

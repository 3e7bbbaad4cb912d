import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressGroup, listenPlaces, nearestToClients, parseListen, peerAddress } from '../../src/server/addresses.ts';
import { WrongLogins } from '../../src/server/wrong-logins.ts';
import { openListener, SECRETS } from './peer.ts';

test('connections beyond the limit of an address are told so; another address gets in', async (t) => {
  const listener = await openListener(t, { maxConnectionsPerAddress: 3 });
  const held = await Promise.all([1, 2, 3].map(() => listener.connect()));
  const refused = await listener.connect();
  assert.match(
    (await refused.rest()).toString(),
    /^@RSYNCD: 32\.0 .*\n@ERROR: max connections from one address \(3\) reached -- try again later\n$/,
  );
  assert.equal(await (await listener.connect('127.0.0.2')).login('web1', SECRETS.web1), '@RSYNCD: OK');
  assert.equal(await held[0].login('web1', SECRETS.web1), '@RSYNCD: OK');
});

test('connections beyond the limit of all are told so, and a place that is left is free again', async (t) => {
  const listener = await openListener(t, { maxConnections: 2 });
  const [first] = [await listener.connect(), await listener.connect('127.0.0.2')];
  assert.match((await (await listener.connect('127.0.0.3')).rest()).toString(), /max connections \(2\) reached/);
  first.socket.end();
  await first.rest();
  assert.equal(await (await listener.connect('127.0.0.3')).login('web1', SECRETS.web1), '@RSYNCD: OK');
});

test('a flood of connections harms nobody who is in', { timeout: 30_000 }, async (t) => {
  const listener = await openListener(t, { maxConnections: 20, maxConnectionsPerAddress: 10, handshakeTimeout: 1 });
  const inside = await listener.connect('127.0.0.9');
  assert.equal(await inside.login('web1', SECRETS.web1), '@RSYNCD: OK');
  const flood = await Promise.all(Array.from({ length: 400 }, () => listener.connect()));
  await Promise.all(flood.map((peer) => peer.rest()));
  assert.equal(listener.guests[0].socket.destroyed, false);
  assert.equal(await (await listener.connect()).login('web1', SECRETS.web1), '@RSYNCD: OK');
});

test('more pushes than allowed are told so after their login', async (t) => {
  const listener = await openListener(t, {}, { takePlace: async () => 1 });
  const told = await (await listener.connect()).login('web1', SECRETS.web1);
  assert.equal(told, '@ERROR: max connections (1) reached -- try again later');
});

test('wrong logins make an address wait twice as long each time, to a bound, until it has been quiet', () => {
  const wrong = new WrongLogins();
  const delays: number[] = [];
  for (let i = 1; i <= 20; i++) {
    assert.equal(wrong.add('a', 1000), i === 10);
    delays.push(wrong.delay('a', 1000));
  }
  assert.deepEqual(delays.slice(8, 16), [0, 250, 500, 1000, 2000, 4000, 8000, 8000]);
  assert.equal(wrong.delay('b', 1000), 0);
  assert.equal(wrong.delay('a', 1000 + 10 * 60_000), 0);
});

test('an attacker with many addresses cannot fill the memory', () => {
  const wrong = new WrongLogins();
  for (let i = 0; i < 10; i++) wrong.add('first', 0);
  for (let i = 0; i < 20_000; i++) wrong.add(`a${i}`, 0);
  assert.equal(wrong.delay('first', 0), 0);
});

test('addresses are one peer by their /64', () => {
  assert.equal(addressGroup('10.0.0.1'), '10.0.0.1');
  assert.equal(addressGroup('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  assert.equal(addressGroup('2001:0db8:1:2::9'), '2001:db8:1:2::/64');
  assert.equal(addressGroup('2001:db8::1'), '2001:db8:0:0::/64');
  assert.equal(addressGroup('::1'), '0:0:0:0::/64');
  assert.equal(addressGroup('fe80::1'), 'fe80:0:0:0:0:0:0:1');
  assert.equal(addressGroup('64:ff9b::10.0.0.1'), '64:ff9b:0:0::/64');
  assert.equal(peerAddress('::ffff:10.0.0.1'), '10.0.0.1');
  assert.equal(peerAddress('::ffff:a00:1'), '10.0.0.1');
  assert.equal(peerAddress('fe80::1%eth0'), 'fe80::1');
});

test('a place to listen is HOST:PORT', () => {
  assert.deepEqual(parseListen('127.0.0.1:0'), { host: '127.0.0.1', port: 0 });
  assert.deepEqual(parseListen('[::1]:8730'), { host: '::1', port: 8730 });
  assert.deepEqual(parseListen('backup.example.org:873'), { host: 'backup.example.org', port: 873 });
  for (const bad of ['', 'x', ':1', '::1:8730', '1.2.3.4:', '1.2.3.4:65536', 'a b:1', '[::1]']) {
    assert.equal(parseListen(bad), undefined, bad);
  }
});

test('[::] beside 0.0.0.0 takes IPv6 alone, by itself both', () => {
  const ipv6Only = (texts: string[]) => listenPlaces(texts).map((place) => place.ipv6Only);
  assert.deepEqual(ipv6Only(['[::]:873']), [false]);
  assert.deepEqual(ipv6Only(['0.0.0.0:873', '[::]:873', '[::]:874']), [false, true, false]);
  assert.throws(() => listenPlaces(['[::]:873', 'nonsense']), /nonsense is not HOST:PORT/);
});

test('people are told an address that is not this machine alone', () => {
  assert.equal(nearestToClients(['127.0.0.1:1', '[::1]:2', '192.0.2.1:3']), '192.0.2.1:3');
  assert.equal(nearestToClients(['127.0.0.1:1', '[::1]:2']), '127.0.0.1:1');
});

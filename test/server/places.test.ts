import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Places } from '../../src/server/places.ts';
import { startPair } from '../support/pair.ts';
import { startStock } from '../support/rsyncd.ts';
import { run } from '../support/run.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';
import { Peer } from './peer.ts';

const scope = fileScope();
const source = temporaryFolder(scope, 'source');
writeFileSync(path.join(source, 'file'), 'content\n');
const { server, client } = await startPair(scope, {
  configure: (toml) => `${toml}\n[vaults.web1]\nmax_connections = 1\n`,
});
const other = await server.addClient('web2');

const push = (url: string, env?: Record<string, string>) => run('rsync', ['-a', `${source}/`, `${url}/`], { env });

test('more connections to a vault than it takes are told what stock tells, once they have logged in', async (t) => {
  const stock = await startStock(t, { module: 'web1', lines: ['max connections = 1'] });
  const stockHolder = await Peer.connect(stock.port, t);
  await stockHolder.line();
  stockHolder.send('@RSYNCD: 31.0\nweb1\n');
  assert.equal(await stockHolder.line(), '@RSYNCD: OK');
  const theirs = await push(stock.url);
  stockHolder.socket.destroy();

  const holder = await Peer.connect(server.port, t);
  assert.equal(await holder.login('web1', client.secret), '@RSYNCD: OK');
  const ours = await push(client.url, client.env);
  assert.match(ours.stderr, /^@ERROR: max connections \(1\) reached -- try again later\n/);
  assert.deepEqual([ours.code, ours.stderr], [theirs.code, theirs.stderr]);
  // whoever has not logged in is told nothing of it
  assert.match((await push(client.url, { RSYNC_PASSWORD: 'wrong' })).stderr, /^@ERROR: auth failed on module web1\n/);
  assert.equal((await push(other.url, other.env)).code, 0, 'another vault is not full');
  holder.socket.destroy();
  assert.equal((await push(client.url, client.env)).code, 0, 'the place is free again');
});

test('one push after another finds the place free each time', async () => {
  for (let i = 0; i < 8; i++) assert.equal((await push(client.url, client.env)).code, 0);
});

test('places are counted in all and by vault, and each is given back once', async () => {
  const places = new Places();
  const limits = { maxSessions: 3, maxConnections: 2 };
  const [a, b] = [await places.take('x', limits), await places.take('x', limits)];
  assert.equal(await places.take('x', limits), 2);
  const c = await places.take('y', limits);
  assert.equal(await places.take('z', limits), 3);
  const waiting = places.take('z', limits);
  for (const leave of [a, a, a]) (leave as () => void)();
  assert.equal(typeof (await waiting), 'function', 'who waits gets what is freed');
  assert.equal(await places.take('y', { maxSessions: 3, maxConnections: 0 }), 3);
  for (const leave of [b, c]) (leave as () => void)();
  assert.equal(typeof (await places.take('y', { maxSessions: 2, maxConnections: 0 })), 'function');
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { LineReader, PeerGoneError } from '../../src/server/line-reader.ts';
import type { Scope } from '../support/temporary.ts';
import { Peer } from './peer.ts';

/** Both ends of a connection; ours reads only when asked. */
async function pair(scope: Scope): Promise<{ ours: Socket; peer: Peer }> {
  const server = createServer({ highWaterMark: 0 }).listen(0, '127.0.0.1');
  scope.after(() => server.close());
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const peer = await Peer.connect((server.address() as { port: number }).port, scope);
  const [ours] = (await accepted) as [Socket];
  scope.after(() => ours.destroy());
  ours.on('error', () => undefined);
  return { ours, peer };
}

const said = 'one\n\nthree\nrest';

for (let split = 0; split <= said.length; split++) {
  test(`lines are the same when the bytes come in two pieces, split at ${split}`, async (t) => {
    const { ours, peer } = await pair(t);
    const lines = new LineReader(ours);
    peer.send(said.slice(0, split));
    const first = lines.line();
    await new Promise((resolve) => setImmediate(resolve));
    peer.send(said.slice(split));
    assert.deepEqual([await first, await lines.line(), await lines.line()], ['one', '', 'three']);
    assert.ok('rest'.startsWith(lines.rest().toString()));
  });
}

test('bytes one by one', async (t) => {
  const { ours, peer } = await pair(t);
  const lines = new LineReader(ours);
  for (const byte of said) {
    peer.send(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual([await lines.line(), await lines.line(), await lines.line()], ['one', '', 'three']);
});

test('a line may have 1023 bytes and no more', async (t) => {
  const { ours, peer } = await pair(t);
  const lines = new LineReader(ours);
  peer.send(`${'a'.repeat(1023)}\n${'b'.repeat(1024)}\n`);
  assert.equal((await lines.line()).length, 1023);
  await assert.rejects(lines.line(), /longer than 1024 bytes/);
});

test('skipped bytes are gone, across pieces', async (t) => {
  const { ours, peer } = await pair(t);
  const lines = new LineReader(ours);
  peer.send('12345');
  const skipped = lines.skip(8);
  await new Promise((resolve) => setImmediate(resolve));
  peer.send('678line\n');
  await skipped;
  assert.equal(await lines.line(), 'line');
});

test('a peer that goes is told as such', async (t) => {
  const { ours, peer } = await pair(t);
  const lines = new LineReader(ours);
  peer.send('half a li');
  peer.socket.end();
  await assert.rejects(lines.line(), PeerGoneError);
});

test('nothing is read beyond what was asked for', async (t) => {
  const { ours, peer } = await pair(t);
  const lines = new LineReader(ours);
  const first = lines.line();
  peer.send('line\n');
  assert.equal(await first, 'line');
  assert.equal(lines.rest().length, 0);
  const before = ours.bytesRead;
  await new Promise<void>((resolve) => peer.socket.write(Buffer.alloc(100_000), () => resolve()));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(ours.bytesRead, before);
});

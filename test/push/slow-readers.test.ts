import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { Output } from '../../src/push/output.ts';
import { servePush } from '../../src/push/push.ts';
import type { PushReport } from '../../src/push/request.ts';
import { MessageTag } from '../../src/rsync/mux.ts';
import { createVault } from '../../src/vault/vault.ts';
import { defaultPolicy, startPushServer } from '../support/push-server.ts';
import { run, runOk } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';

test('a client that does not read is dropped when a writer has waited long enough for it', async (t) => {
  const server = createServer((socket) => socket.pause()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const socket: Socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  socket.on('error', () => {});
  const output = new Output(socket, 32, () => {});
  output.startMultiplex();
  output.setTimeout(0.5);
  for (let i = 0; i < 10_000; i++) output.message(MessageTag.info, Buffer.alloc(4000));
  await output.drained();
  assert.equal(socket.destroyed, true);
});

const NAMES = 3000;
/** The socket's high water, and a frame. */
const MOST_WAITING = 300 * 1024;

/** Greeting and module, as a server without logins hears them; then the connection. */
async function greet(socket: Socket): Promise<void> {
  socket.write('@RSYNCD: 32.0 md5\n');
  let heard = '';
  while (heard.split('\n').length < 3) {
    const [bytes] = await once(socket, 'data');
    heard += bytes.toString('latin1');
  }
  socket.pause();
  socket.write('@RSYNCD: OK\n');
}

test('what a push deletes does not gather in memory while the client does not read', async (t) => {
  const folder = temporaryFolder(t, 'slow');
  const { folder: vaultDir } = await createVault(path.join(folder, 'vault'), 'demo');
  const source = path.join(folder, 'source');
  mkdirSync(path.join(source, 'tree'), { recursive: true });
  for (let i = 0; i < NAMES; i++) writeFileSync(path.join(source, 'tree', `${i}-${'n'.repeat(200)}`), '');
  const { port } = await startPushServer(t, { vaultDir, vault: 'demo' });
  await runOk('rsync', ['-a', `${source}/`, `rsync://127.0.0.1:${port}/demo/`]);
  let mostWaiting = 0;
  let pushed: Promise<PushReport> | undefined;
  const server = createServer(async (socket) => {
    await greet(socket);
    const slow: Duplex = new Duplex({
      read: () => socket.resume(),
      // what waits is looked at meanwhile
      writev(chunks, done) {
        mostWaiting = Math.max(mostWaiting, slow.writableLength);
        setTimeout(() => socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done), 1);
      },
      final: (done) => socket.end(done),
    });
    socket.on('data', (bytes) => slow.push(bytes) || socket.pause());
    socket.on('end', () => slow.push(null));
    pushed = servePush({
      socket: slow,
      initial: Buffer.alloc(0),
      protocol: 32,
      vault: 'demo',
      vaultDir,
      address: '127.0.0.1',
      policy: defaultPolicy,
      limits: { ioTimeout: 0, handshakeTimeout: 10, workers: 1, leaseWait: 30 },
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  mkdirSync(path.join(folder, 'empty'));
  const { port: slowPort } = server.address() as { port: number };
  await runOk('rsync', ['-rn', '--delete', `${folder}/empty/`, `rsync://127.0.0.1:${slowPort}/demo/`]);
  const report = await pushed!;
  assert.equal(report.error, undefined);
  assert.equal(report.deleted, NAMES + 1);
  assert.ok(mostWaiting < MOST_WAITING, `${mostWaiting} bytes waited`);
});

test('deletions that take long end when the client is gone', async (t) => {
  const folder = temporaryFolder(t, 'slow-rules');
  const { folder: vaultDir } = await createVault(path.join(folder, 'vault'), 'demo');
  const source = path.join(folder, 'source');
  mkdirSync(source);
  for (let i = 0; i < 300; i++) writeFileSync(path.join(source, `${i}-${'n'.repeat(240)}`), '');
  const server = await startPushServer(t, { vaultDir, vault: 'demo', ioTimeout: 2 });
  await runOk('rsync', ['-a', `${source}/`, `rsync://127.0.0.1:${server.port}/demo/`]);
  mkdirSync(path.join(folder, 'empty'));
  // none of them matches, and each looks at a million pairs of a byte and a place for every name
  const rules = Array.from({ length: 300 }, (_, i) => `P ${'*?'.repeat(1000)}${i}`);
  writeFileSync(path.join(folder, 'rules'), `${rules.join('\n')}\n`);
  const filter = `--filter=. ${folder}/rules`;
  const killed = run(
    'rsync',
    ['-r', '--delete', filter, `${folder}/empty/`, `rsync://127.0.0.1:${server.port}/demo/`],
    {
      timeout: 2,
    },
  );
  await assert.rejects(killed, /did not end/);
  await server.waitForReports(2, 10);
  assert.match(server.reports[1].error ?? '', /closed the connection|broke/);
  assert.ok(server.reports[1].deleted < 300, `${server.reports[1].deleted}`);
});

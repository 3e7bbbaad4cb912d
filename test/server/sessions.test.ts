import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { type Client, type NightdropServer, startNightdrop } from '../support/nightdrop.ts';
import { Random } from '../support/random.ts';
import { resticCheck } from '../support/restic.ts';
import { run } from '../support/run.ts';
import { type Scope, temporaryFolder } from '../support/temporary.ts';
import { childrenOf, isAlive, logLines, until } from './processes.ts';

const FILES = 24;
const FILE_BYTES = 512 * 1024;

function makeSource(scope: Scope): string {
  const source = temporaryFolder(scope, 'source');
  const random = new Random(7);
  for (let i = 0; i < FILES; i++) writeFileSync(path.join(source, `file${i}`), random.bytes(FILE_BYTES));
  mkdirSync(path.join(source, 'empty'));
  return source;
}

/** A push that takes seconds, once its session is at work and has received something. */
async function slowPush(
  scope: Scope,
  server: NightdropServer,
  client: Client,
  source: string,
  rate = '2M',
): Promise<{ rsync: ChildProcess; session: number; code: Promise<number | null> }> {
  const args = ['-a', `--bwlimit=${rate}`, '--progress', `${source}/`, `${client.url}/`];
  const rsync = spawn('rsync', args, { env: { ...process.env, ...client.env }, stdio: ['ignore', 'pipe', 'ignore'] });
  scope.after(() => rsync.kill('SIGKILL'));
  const code = once(rsync, 'exit').then(([exit]) => exit as number | null);
  let printed = '';
  rsync.stdout.on('data', (piece: Buffer) => {
    printed += piece.toString('latin1');
  });
  await until(() => /file1\d?\n[\s\S]*100%/.test(printed));
  const title = `nightdrop: push ${client.name}`;
  const { pid } = await until(() => childrenOf(server.pid).find((child) => child.title === title));
  return { rsync, session: pid, code };
}

test('a process waits for the next push, and is replaced when it has been taken', async (t) => {
  const server = await startNightdrop(t);
  const client = await server.addClient('web1');
  const source = makeSource(t);
  const spare = await until(() => childrenOf(server.pid).find(({ title }) => title.includes('session-process')));
  const { session, code } = await slowPush(t, server, client, source, '8M');
  assert.equal(session, spare.pid);
  assert.equal(await code, 0);
  await until(() => !isAlive(session));
  await until(() => childrenOf(server.pid).some(({ title }) => title.includes('session-process')));
});

test('a killed session harms its own push only, and its vault is put right', async (t) => {
  const server = await startNightdrop(t);
  const client = await server.addClient('web1');
  const source = makeSource(t);
  const { session, code } = await slowPush(t, server, client, source);
  process.kill(session, 'SIGKILL');
  assert.notEqual(await code, 0);
  await until(() => logLines(server.printed).some(({ error }) => /ended with SIGKILL/.test(String(error))));
  const pushed = await run('rsync', ['-a', `${source}/`, `${client.url}/`], { env: client.env });
  assert.equal(pushed.code, 0, pushed.stderr);
  assert.equal((await server.snapshots('web1')).at(-1)?.complete, true);
  await resticCheck(await server.vaultInfo('web1'));
});

test('a session that hangs does not keep others from pushing', async (t) => {
  const server = await startNightdrop(t);
  const [client, other] = [await server.addClient('web1'), await server.addClient('web2')];
  const source = makeSource(t);
  const { session, rsync, code } = await slowPush(t, server, client, source);
  process.kill(session, 'SIGSTOP');
  const pushed = await run('rsync', ['-a', `${source}/`, `${other.url}/`], { env: other.env });
  assert.equal(pushed.code, 0, pushed.stderr);
  rsync.kill('SIGKILL');
  await code;
  process.kill(session, 'SIGKILL');
});

test('SIGTERM lets a push end within the grace period', async (t) => {
  const server = await startNightdrop(t);
  const client = await server.addClient('web1');
  const { code } = await slowPush(t, server, client, makeSource(t), '6M');
  assert.equal(await server.stop(), 0);
  assert.equal(await code, 0);
  assert.deepEqual(
    (await server.snapshots('web1')).map(({ complete }) => complete),
    [true],
  );
});

test('SIGTERM cuts a push after the grace period, and what arrived is kept', async (t) => {
  const server = await startNightdrop(t, {
    configure: (toml) => toml.replace('#shutdown_grace = 10', 'shutdown_grace = 0'),
  });
  const client = await server.addClient('web1');
  const { code, session } = await slowPush(t, server, client, makeSource(t), '1M');
  assert.equal(await server.stop(), 0);
  assert.notEqual(await code, 0);
  assert.equal(isAlive(session), false);
  const snapshots = await server.snapshots('web1');
  assert.deepEqual(
    snapshots.map(({ complete }) => complete),
    [false],
  );
  await resticCheck(await server.vaultInfo('web1'));
});

test('a second signal does not wait for the grace period', async (t) => {
  const server = await startNightdrop(t, {
    configure: (toml) => toml.replace('#shutdown_grace = 10', 'shutdown_grace = 600'),
  });
  const client = await server.addClient('web1');
  await slowPush(t, server, client, makeSource(t), '1M');
  const stopped = server.stop();
  await until(() => logLines(server.printed).some(({ msg }) => msg === 'stopping: pushes may end'));
  process.kill(server.pid, 'SIGINT');
  assert.equal(await stopped, 0);
});

test('sessions end with a listener that was killed, and the next server finds a clean vault', async (t) => {
  const server = await startNightdrop(t);
  const client = await server.addClient('web1');
  const source = makeSource(t);
  const { code, session } = await slowPush(t, server, client, source, '1M');
  const waiting = childrenOf(server.pid).map(({ pid }) => pid);
  await server.stop('SIGKILL');
  assert.notEqual(await code, 0);
  for (const pid of [session, ...waiting]) await until(() => !isAlive(pid));
  await server.start();
  const args = ['-a', `${source}/`, `rsync://web1@127.0.0.1:${server.port}/web1/`];
  const pushed = await run('rsync', args, { env: client.env });
  assert.equal(pushed.code, 0, pushed.stderr);
  assert.deepEqual(
    (await server.snapshots('web1')).map(({ complete }) => complete),
    [false, true],
  );
  await resticCheck(await server.vaultInfo('web1'));
});

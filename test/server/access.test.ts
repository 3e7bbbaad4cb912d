import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startNightdrop } from '../support/nightdrop.ts';
import { run } from '../support/run.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';
import { logLines, until } from './processes.ts';

const scope = fileScope();
const server = await startNightdrop(scope);
const source = temporaryFolder(scope, 'source');
writeFileSync(path.join(source, 'file'), 'content\n');

async function push(name: string, secret: string): Promise<number> {
  const url = `rsync://${name}@127.0.0.1:${server.port}/${name}/`;
  return (await run('rsync', ['-a', `${source}/`, url], { env: { RSYNC_PASSWORD: secret } })).code;
}

test('a running server knows a client at once: added, rotated, removed', async () => {
  assert.equal(await push('web1', 'anything'), 5);
  const { secret } = await server.addClient('web1');
  assert.equal(await push('web1', secret), 0);
  const rotated = JSON.parse(await server.cliOk(['client', 'rotate', 'web1', '--json'])) as { secret: string };
  assert.equal(await push('web1', secret), 5);
  assert.equal(await push('web1', rotated.secret), 0);
  await server.cliOk(['client', 'remove', 'web1']);
  assert.equal(await push('web1', rotated.secret), 5);
  assert.equal((await server.snapshots('web1')).length, 2);
});

test('further users of a client log in with their own secrets, until it is rotated or removed', async () => {
  const { secret } = await server.addClient('shared');
  const logins = path.join(server.data, 'vaults', 'shared', 'logins');
  writeFileSync(logins, 'alice:of alice: long\nshared:not this one\nalice:second\n', { mode: 0o600 });
  const as = async (user: string, password: string, module = 'shared') => {
    const url = `rsync://${user}@127.0.0.1:${server.port}/${module}/`;
    return (await run('rsync', ['-a', `${source}/`, url], { env: { RSYNC_PASSWORD: password } })).code;
  };
  assert.equal(await as('alice', 'of alice: long'), 0);
  assert.equal(await as('shared', secret), 0);
  for (const [user, password] of [
    ['alice', 'second'],
    ['alice', secret],
    ['shared', 'not this one'],
    ['shared', 'of alice: long'],
    ['bob', secret],
  ]) {
    assert.equal(await as(user, password), 5, `${user} ${password}`);
  }
  assert.equal(await as('alice', 'of alice: long', 'web1'), 5);
  chmodSync(logins, 0o644);
  assert.equal(await as('alice', 'of alice: long'), 5);
  chmodSync(logins, 0o600);
  await server.cliOk(['client', 'rotate', 'shared']);
  assert.equal(await as('alice', 'of alice: long'), 5);
});

test('a secret that others can read is refused until that is mended', async () => {
  const { secret } = await server.addClient('web2');
  const file = path.join(server.data, 'vaults', 'web2', 'secret');
  chmodSync(file, 0o640);
  assert.equal(await push('web2', secret), 5);
  assert.ok(logLines(server.printed).some(({ error }) => /can be read by others/.test(String(error))));
  chmodSync(file, 0o600);
  assert.equal(await push('web2', secret), 0);
});

test('a change of the settings counts from the next connection; a mistake in them changes nothing', async () => {
  const file = path.join(server.data, 'nightdrop.toml');
  const before = readFileSync(file, 'utf8');
  const list = () => run('rsync', [`rsync://127.0.0.1:${server.port}/`]);
  assert.equal((await list()).stdout, '');
  writeFileSync(file, '[server]\nmotd = "Good night"\n');
  assert.equal((await list()).stdout, 'Good night\n');
  writeFileSync(file, '[server]\nmotd = 3\nmax_conections = 1\n');
  assert.equal((await list()).stdout, 'Good night\n');
  const told = await until(() => logLines(server.printed).find(({ mistakes }) => mistakes !== undefined));
  assert.match(JSON.stringify(told.mistakes), /nightdrop\.toml:2: server\.motd/);
  assert.match(
    JSON.stringify(told.mistakes),
    /nightdrop\.toml:3: server\.max_conections.*did you mean max_connections/,
  );
  writeFileSync(file, before);
  assert.equal((await list()).stdout, '');
});

test('SIGHUP reads the settings and says so', async () => {
  const count = () => logLines(server.printed).filter(({ msg }) => msg === 'settings read again').length;
  const seen = count();
  process.kill(server.pid, 'SIGHUP');
  await until(() => count() > seen);
});

test('a second server on the data folder refuses to start', async () => {
  const second = await server.cli(['serve', '--listen', '127.0.0.1:0']);
  assert.equal(second.code, 5);
  assert.match(second.stderr, /^nightdrop: another nightdrop serves .* already; stop it first\n$/);
});

test('secrets are in no argument, environment or log', async () => {
  const { secret } = await server.addClient('web3');
  assert.equal(await push('web3', secret), 0);
  assert.equal(server.printed.includes(secret), false);
  for (const what of ['cmdline', 'environ']) {
    assert.equal(readFileSync(`/proc/${server.pid}/${what}`, 'latin1').includes(secret), false);
  }
});

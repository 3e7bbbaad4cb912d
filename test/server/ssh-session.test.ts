import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { assertSameTrees } from '../support/compare-trees.ts';
import { makeTree } from '../support/make-tree.ts';
import { type NightdropServer, projectFolder } from '../support/nightdrop.ts';
import { statistic } from '../support/outputs.ts';
import { Random } from '../support/random.ts';
import { makeData, RSH_ADDRESS, sessionLog, writeRsh } from '../support/rsh.ts';
import { type RunResult, run } from '../support/run.ts';
import { fileScope, type Scope, temporaryFolder } from '../support/temporary.ts';

const scope = fileScope();
const LETTERS = '-logDtpre.iLsfxCIvu';
const PUSH = `rsync --server ${LETTERS} . .`;
let server: NightdropServer;

before(async () => {
  server = await makeData(scope, 'web1');
});

function rshOf(t: Scope, { data }: NightdropServer): string {
  const folder = temporaryFolder(t, 'rsh');
  return writeRsh(folder, { data, name: 'web1', home: folder });
}

/** A session with a client that the test plays. */
function session(command: string, at: NightdropServer = server): ChildProcess {
  return spawn(`${projectFolder}/bin/nightdrop`, ['--data', at.data, 'session', 'web1'], {
    env: { ...process.env, SSH_ORIGINAL_COMMAND: command, SSH_CONNECTION: `${RSH_ADDRESS} 1 192.0.2.1 22` },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

function converse(input: string | Buffer, command: string, at: NightdropServer = server): Promise<RunResult> {
  return run(`${projectFolder}/bin/nightdrop`, ['--data', at.data, 'session', 'web1'], {
    env: { SSH_ORIGINAL_COMMAND: command, SSH_CONNECTION: `${RSH_ADDRESS} 1 192.0.2.1 22` },
    input,
  });
}

const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};

const hostile: [string, string, Buffer | string][] = [
  ['no protocol number', PUSH, 'GET / HTTP/1.1\r\n\r\n'],
  ['protocol 0', PUSH, int(0)],
  ['protocol 99', PUSH, int(99)],
  ['protocol 20', PUSH, int(20)],
  ['half a number', PUSH, Buffer.alloc(2)],
  ['nothing', PUSH, ''],
  ['secluded arguments without end', 'rsync --server -se.iLsf', Buffer.alloc(1 << 20, 'a')],
  ['too many secluded arguments', 'rsync --server -se.iLsf', 'a\0'.repeat(10_001)],
  ['no destination', `rsync --server ${LETTERS}`, int(32)],
  ['a negotiation that is nonsense', PUSH, Buffer.concat([int(32), Buffer.alloc(300, 0xff)])],
  ['a greeting that is none', 'rsync --server --daemon .', 'hello\n'],
  ['a line without end', 'rsync --server --daemon .', 'a'.repeat(2000)],
  ['an unknown command', 'rsync --server --daemon .', '@RSYNCD: 32.0 sha512\n#shell\n'],
  ['a module up the tree', 'rsync --server --daemon .', '@RSYNCD: 32.0 sha512\n../web1\n'],
];

for (const [what, command, input] of hostile) {
  test(`${what}: ends with an error, a line in the log, and nothing stored`, async () => {
    const lines = sessionLogOf(server).length;
    const result = await converse(input, command);
    assert.notEqual(result.code, 0);
    assert.equal(/ {4}at |defect/.test(result.stdout + result.stderr), false, result.stderr);
    const [line, ...more] = sessionLogOf(server).slice(lines);
    assert.equal(more.length, 0);
    assert.equal(line.level, 'warn', JSON.stringify(line));
    assert.equal((await server.snapshots('web1')).length, 0);
  });
}

function sessionLogOf({ data }: NightdropServer): Record<string, unknown>[] {
  return readdirSync(data).includes('ssh.log') ? sessionLog(data) : [];
}

test('a client that says nothing is dropped at the handshake timeout', async (t) => {
  const own = await makeData(t, 'web1', (toml) => toml.replace('#handshake_timeout = 60', 'handshake_timeout = 0.5'));
  for (const command of [PUSH, 'rsync --server --daemon .', 'rsync --server -se.iLsf']) {
    const child = session(command, own);
    const [code] = await once(child, 'exit');
    assert.equal(code, 30, command);
  }
});

test('of one client there are few sessions at once; the next is told, and let in when one has ended', async () => {
  const children = [1, 2, 3, 4].map(() => session(PUSH));
  for (const child of children) await once(child.stdout!, 'data'); // its protocol number
  const fifth = await converse(int(32), PUSH);
  assert.equal(fifth.code, 5);
  assert.match(fifth.stderr, /^nightdrop: max connections \(4\) reached -- try again later\n$/);
  const daemon = await converse('', 'rsync --server --daemon .');
  assert.deepEqual([daemon.code, daemon.stderr], [5, '']);
  assert.match(daemon.stdout, /^@RSYNCD: [^\n]+\n@ERROR: max connections \(4\) reached -- try again later\n$/);
  for (const child of children) {
    child.stdin!.end();
    await once(child, 'exit');
  }
  const after = session(PUSH);
  await once(after.stdout!, 'data');
  after.stdin!.end();
  await once(after, 'exit');
});

test('hosts_allow and max_connections of the vault hold for ssh, too', async (t) => {
  const own = await makeData(t, 'web1', (toml) => `${toml}\n[vaults.web1]\nhosts_allow = ["192.0.2.8"]\n`);
  const result = await run('rsync', ['-a', '-e', rshOf(t, own), `${temporaryFolder(t)}/`, 'ours:']);
  assert.equal(result.code, 12);
  assert.match(result.stderr, /^nightdrop: access denied to web1 from UNDETERMINED \(192\.0\.2\.7\)$/m);
  const module = await run('rsync', ['-a', '-e', rshOf(t, own), `${temporaryFolder(t)}/`, 'ours::web1']);
  assert.deepEqual(
    [module.code, module.stderr.split('\n')[0]],
    [5, '@ERROR: access denied to web1 from UNDETERMINED (192.0.2.7)'],
  );
  const file = path.join(own.data, 'nightdrop.toml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('hosts_allow = ["192.0.2.8"]', 'max_connections = 1'));
  const first = session(PUSH, own);
  await once(first.stdout!, 'data');
  const second = await converse(int(32), PUSH, own);
  assert.match(second.stderr, /max connections \(1\) reached/);
  first.stdin!.end();
  await once(first, 'exit');
});

test('settings with mistakes let nobody in: the client hears no path, the log names the mistake', async (t) => {
  const own = await makeData(t, 'web1');
  appendFileSync(path.join(own.data, 'nightdrop.toml'), '\nnonsense = 1\n');
  const result = await converse(int(32), PUSH, own);
  assert.notEqual(result.code, 0);
  assert.equal(result.stderr, 'nightdrop: the server failed; its log says why\n');
  assert.match(String(sessionLogOf(own)[0].reason), /nightdrop\.toml:\d+: .*nonsense/);
});

test('standard input and output have to be a connection', async () => {
  const command = `SSH_ORIGINAL_COMMAND='${PUSH}' '${projectFolder}/bin/nightdrop' --data '${server.data}' session web1`;
  const result = await run('sh', ['-c', `${command} < /dev/null > /dev/null`]);
  assert.notEqual(result.code, 0);
  assert.match(result.stderr, /as sshd makes them/);
});

for (const signal of ['SIGHUP', 'SIGTERM'] as const) {
  test(`${signal} ends a session as a cut connection does: what arrived is kept`, async (t) => {
    const own = await makeData(t, 'web1');
    const source = largeSource(t);
    const pidFile = path.join(temporaryFolder(t), 'pid');
    const wrapped = writeRsh(path.dirname(pidFile), {
      data: own.data,
      name: 'web1',
      home: '/',
      session: `sh -c 'echo $$ > ${pidFile}; exec "$0" "$@"' "${projectFolder}/bin/nightdrop"`,
    });
    const client = spawn('rsync', ['-a', '--bwlimit=4m', '--progress', '-e', wrapped, `${source}/`, 'ours:'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await printed(client, /f5/);
    process.kill(Number(readFileSync(pidFile, 'utf8')), signal);
    const [code] = await once(client, 'exit');
    assert.notEqual(code, 0);
    const [cut] = await own.waitForSnapshots('web1', 1);
    assert.equal(cut.complete, false);
    const again = await run('rsync', ['-a', '--stats', '-e', rshOf(t, own), `${source}/`, 'ours:']);
    assert.equal(again.code, 0, again.stderr);
    assert.ok(statistic(again.stdout, 'Literal data') < 8 << 20);
  });
}

function largeSource(t: Scope): string {
  const source = temporaryFolder(t, 'large');
  for (let i = 0; i < 9; i++) writeFileSync(path.join(source, `f${i}`), new Random(i).bytes(1 << 20));
  return source;
}

function printed(client: ChildProcess, pattern: RegExp): Promise<void> {
  let told = '';
  return new Promise((resolve) => {
    client.stdout!.on('data', (piece: Buffer) => {
      told += piece.toString('latin1');
      if (pattern.test(told)) resolve();
    });
  });
}

test('a push over ssh and one over TCP share the vault: one waits for the other, and both find what is there', async (t) => {
  const own = await makeData(t, 'web1');
  await own.start();
  t.after(() => own.stop());
  const secret = readFileSync(path.join(own.data, 'vaults', 'web1', 'secret'), 'utf8').trim();
  const source = temporaryFolder(t, 'source');
  makeTree(source, { files: 20 });
  const overSsh = ['-aHAX', '--stats', '-e', rshOf(t, own), `${source}/`, 'ours:'];
  const overTcp = ['-aHAX', '--stats', `${source}/`, `rsync://web1@127.0.0.1:${own.port}/web1/`];
  const env = { RSYNC_PASSWORD: secret };
  const both = await Promise.all([run('rsync', overSsh), run('rsync', overTcp, { env })]);
  assert.deepEqual(
    both.map(({ code }) => code),
    [0, 0],
    both.map(({ stderr }) => stderr).join(),
  );
  // whoever came second had nothing to send
  const literal = both.map(({ stdout }) => statistic(stdout, 'Literal data')).sort((a, b) => a - b);
  assert.equal(literal[0], 0);
  assert.ok(literal[1] > 0);
  const to = path.join(temporaryFolder(t), 'to');
  await own.cliOk(['restore', 'web1', 'latest', '--to', to]);
  assertSameTrees(to, source);
});

test('with lease_wait = 0 the second push is told politely, whichever door the first came through', async (t) => {
  const own = await makeData(t, 'web1', (toml) => toml.replace('#lease_wait = 30', 'lease_wait = 0'));
  await own.start();
  t.after(() => own.stop());
  const secret = readFileSync(path.join(own.data, 'vaults', 'web1', 'secret'), 'utf8').trim();
  const source = largeSource(t);
  const overSsh = ['-a', '-e', rshOf(t, own)];
  const slow = spawn('rsync', [...overSsh, '--bwlimit=2m', '--progress', `${source}/`, 'ours:'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await printed(slow, /f2/);
  const tcp = await run('rsync', ['-a', `${source}/`, `rsync://web1@127.0.0.1:${own.port}/web1/`], {
    env: { RSYNC_PASSWORD: secret },
  });
  const ssh = await run('rsync', [...overSsh, `${source}/`, 'ours:']);
  for (const { code, stderr } of [tcp, ssh]) {
    assert.notEqual(code, 0);
    assert.match(stderr, /ERROR: the vault is in use by another push or command/);
  }
  slow.kill();
  await once(slow, 'exit');
});

test('the log is for its owner only, and does not grow without end', async (t) => {
  const own = await makeData(t, 'web1');
  await converse('', 'ls', own);
  const file = path.join(own.data, 'ssh.log');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  writeFileSync(file, Buffer.alloc((16 << 20) + 1, 'x'));
  await converse('', 'ls', own);
  assert.equal(sessionLog(own.data).length, 1);
  assert.equal(statSync(`${file}.1`).size, (16 << 20) + 1);
});

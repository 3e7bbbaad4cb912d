import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { assertSameTrees } from '../support/compare-trees.ts';
import { makeTree } from '../support/make-tree.ts';
import { NightdropServer, nightdropOk } from '../support/nightdrop.ts';
import { statistic } from '../support/outputs.ts';
import { Random } from '../support/random.ts';
import { sessionLog } from '../support/rsh.ts';
import { type RunResult, run } from '../support/run.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

const scope = fileScope();
let sshd: Sshd;
let server: NightdropServer;
let source: string;

before(async () => {
  sshd = await startSshd(scope);
  // a path that both sshd and the shell have to be told of with care
  const data = path.join(temporaryFolder(scope, 'data'), 'it\'s a "data" folder $x');
  await nightdropOk(undefined, ['init', data]);
  server = new NightdropServer(data);
  for (const name of ['web1', 'web2']) await server.cliOk(['client', 'add', name]);
  await server.cliOk(['client', 'authorize', 'web1', sshd.publicKey, '--install', sshd.authorizedKeys]);
  source = temporaryFolder(scope, 'source');
  makeTree(source, { files: 20 });
});

const ssh = () => ['-F', sshd.clientConfig];

/** Where nothing may arrive. */
const to = () => path.join(source, 'arrived');
const rsh = () => ['-e', `ssh -F ${sshd.clientConfig}`];

function rsync(args: string[]): Promise<RunResult> {
  return run('rsync', [...rsh(), ...args]);
}

test('stock rsync over stock ssh pushes by path and by module, and what is restored is what it had', async () => {
  const first = await rsync(['-aHAX', '--stats', `${source}/`, 'vault:']);
  assert.deepEqual([first.code, first.stderr], [0, '']);
  const second = await rsync(['-aHAX', '--stats', `${source}/`, 'vault::web1']);
  assert.deepEqual([second.code, second.stderr], [0, '']);
  assert.equal(statistic(second.stdout, 'Literal data'), 0);
  const to = path.join(temporaryFolder(scope, 'to'), 'to');
  await server.cliOk(['restore', 'web1', 'latest', '--to', to]);
  assertSameTrees(to, source);
  const [line] = sessionLog(server.data);
  assert.deepEqual([line.msg, line.vault, line.address, line.exit_code], ['push', 'web1', '127.0.0.1', 0]);
});

const nightdrops = /^nightdrop: [^\r\n]+\r?\n/m;
/** sshd keeps the standard error of subsystems, which sftp and the scp of today use, to itself. */
const closed = /Connection closed/;

const others: [string, RegExp, () => [string, string[]]][] = [
  ['a shell', nightdrops, () => ['ssh', [...ssh(), 'vault']]],
  ['a command', nightdrops, () => ['ssh', [...ssh(), 'vault', 'cat /etc/passwd']]],
  ['sftp', closed, () => ['sftp', [...ssh(), 'vault']]],
  ['scp to it', closed, () => ['scp', ['-s', ...ssh(), '/etc/hostname', 'vault:x']]],
  ['scp of old', nightdrops, () => ['scp', ['-O', ...ssh(), '/etc/hostname', 'vault:x']]],
  ['scp from it', nightdrops, () => ['scp', ['-O', ...ssh(), 'vault:/etc/hostname', to()]]],
  ['a pull', /ERROR: module is write only/, () => ['rsync', [...rsh(), '-a', 'vault:', to()]]],
  ['another vault', /@ERROR: auth failed/, () => ['rsync', [...rsh(), '-a', `${source}/`, 'vault::web2']]],
];

for (const [what, words, command] of others) {
  test(`${what} is refused, with a line in the log`, async () => {
    const lines = sessionLog(server.data).length;
    const result = await run(...command(), { input: '' });
    assert.notEqual(result.code, 0);
    assert.equal(result.stdout, '');
    assert.match(result.stderr, words);
    assert.equal(existsSync(to()), false);
    assert.equal((await server.snapshots('web2')).length, 0);
    assert.equal(sessionLog(server.data).length, lines + 1);
  });
}

test('there is no terminal and no forwarding', async () => {
  const terminal = await run('ssh', [...ssh(), '-tt', 'vault'], { input: '' });
  assert.match(terminal.stderr, /PTY allocation request failed/);
  const forwarding = await run('ssh', [...ssh(), '-W', '127.0.0.1:22', 'vault'], { input: '' });
  assert.notEqual(terminal.code, 0);
  assert.notEqual(forwarding.code, 0);
  assert.match(forwarding.stderr, /forwarding failed/);
});

test('a client that dies in its push leaves an incomplete snapshot, and the next push goes on from it', async (t) => {
  const from = temporaryFolder(t, 'large');
  mkdirSync(path.join(from, 'd'));
  for (let i = 0; i < 30; i++) writeFileSync(path.join(from, 'd', `f${i}`), new Random(i).bytes(1 << 20));
  const before = (await server.snapshots('web1')).length;
  const slow = [...rsh(), '-a', '--bwlimit=8m', '--progress', `${from}/`, 'vault:cut/'];
  const client = spawn('rsync', slow, { stdio: ['ignore', 'pipe', 'ignore'] });
  let told = '';
  await new Promise<void>((resolve) => {
    client.stdout.on('data', (piece: Buffer) => {
      told += piece.toString('latin1');
      if (/d\/f12/.test(told)) resolve();
    });
  });
  client.kill('SIGKILL');
  await once(client, 'exit');
  const snapshots = await server.waitForSnapshots('web1', before + 1);
  assert.ok(snapshots.some(({ complete }) => !complete));
  const again = await rsync(['-a', '--stats', `${from}/`, 'vault:cut/']);
  assert.equal(again.code, 0, again.stderr);
  assert.ok(statistic(again.stdout, 'Literal data') < 29 << 20, again.stdout);
  const to = path.join(temporaryFolder(t, 'to'), 'to');
  await server.cliOk(['restore', 'web1', 'latest', '--path', 'cut', '--to', to]);
  assertSameTrees(path.join(to, 'd'), path.join(from, 'd'));
});

test('the key of a client that was removed is worth nothing', async () => {
  await server.cliOk(['client', 'remove', 'web1']);
  const { code, stderr } = await rsync(['-a', `${source}/`, 'vault:']);
  assert.notEqual(code, 0);
  assert.match(stderr, /^nightdrop: there is no client web1, or it was removed$/m);
  const module = await rsync(['-a', `${source}/`, 'vault::web1']);
  assert.equal(module.code, 5);
  assert.match(module.stderr, /^@ERROR: there is no client web1, or it was removed$/m);
  await server.cliOk(['client', 'rotate', 'web1']);
  assert.equal((await rsync(['-a', `${source}/`, 'vault:'])).code, 0);
});

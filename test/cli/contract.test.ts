import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Lease } from '../../src/vault/lease.ts';
import { assertSameTrees } from '../support/compare-trees.ts';
import { isRoot } from '../support/make-tree.ts';
import { nightdrop, nightdropOk, projectFolder, startNightdrop } from '../support/nightdrop.ts';
import { restic } from '../support/restic.ts';
import { run, runOk } from '../support/run.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

const scope = fileScope();
const server = await startNightdrop(scope);
const client = await server.addClient('web1');
const source = temporaryFolder(scope, 'source');

mkdirSync(path.join(source, 'etc'));
writeFileSync(path.join(source, 'etc', 'hosts'), '127.0.0.1 localhost\n');
writeFileSync(path.join(source, 'etc', 'gone'), 'soon\n');
symlinkSync('hosts', path.join(source, 'etc', 'link'));
writeFileSync(Buffer.concat([Buffer.from(`${source}/bad-`), Buffer.from([0xff, 0x1b, 0x0a])]), 'x');
await push();
writeFileSync(path.join(source, 'etc', 'hosts'), '127.0.0.1 localhost here\n');
await runOk('rm', [path.join(source, 'etc', 'gone')]);
await push();

async function push(): Promise<void> {
  await runOk('rsync', ['-aHAX', '--delete', `${source}/`, `${client.url}/`], { env: client.env });
}

async function ids(): Promise<string[]> {
  return (await server.snapshots('web1')).map(({ id }) => String(id));
}

test('init makes a private folder with settings, once', async (t) => {
  const dir = path.join(temporaryFolder(t), 'new', 'data');
  assert.match(await nightdropOk(undefined, ['init', dir]), /client add NAME/);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  assert.match(readFileSync(path.join(dir, 'nightdrop.toml'), 'utf8'), /^\[server\]$/m);
  const again = await nightdrop(undefined, ['init', dir]);
  assert.deepEqual([again.code, again.stderr], [1, `nightdrop: ${dir} is a data folder already\n`]);
  const full = await nightdrop(undefined, ['init', path.dirname(dir)]);
  assert.deepEqual([full.code, full.stderr], [1, `nightdrop: ${path.dirname(dir)} is not empty\n`]);
});

test('client add shows the secret once, and a command that works when pasted', async () => {
  const told = await server.cliOk(['client', 'add', 'web2']);
  const secret = /^ {4}([\w-]{43})$/m.exec(told)?.[1] ?? '';
  assert.equal(readFileSync(path.join(server.data, 'vaults', 'web2', 'secret'), 'utf8'), `${secret}\n`);
  assert.match(told, new RegExp(`^ {4}rsync -aHAX .* rsync://web2@127\\.0\\.0\\.1:${server.port}/web2/$`, 'm'));
  const again = await server.cli(['client', 'add', 'web2']);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /^nightdrop: there is a client web2 already/);
});

test('client add --secret-file writes a new secret to a file that is not there, and takes one that is', async (t) => {
  const file = path.join(temporaryFolder(t), "it's secret");
  const told = await server.cliOk(['client', 'add', 'web3', '--secret-file', file]);
  const secret = readFileSync(file, 'utf8');
  assert.equal(told.includes(secret.trim()), false);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const command = /^ {4}(rsync .*)$/m.exec(told)?.[1] ?? '';
  await runOk('sh', ['-c', command.replace(' /etc ', ` ${source}/ `)]);

  writeFileSync(file, 'chosen by a person\n');
  chmodSync(file, 0o600);
  await server.cliOk(['client', 'add', 'web4', '--secret-file', file]);
  const url = `rsync://web4@127.0.0.1:${server.port}/web4/`;
  await runOk('rsync', ['-a', `${source}/`, url], { env: { RSYNC_PASSWORD: 'chosen by a person' } });
});

test('client add whose secret file cannot be written, or whose name is taken, leaves nothing', async (t) => {
  const folder = temporaryFolder(t);
  const nowhere = await server.cli(['client', 'add', 'web5', '--secret-file', path.join(folder, 'none', 'secret')]);
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.stderr, /^nightdrop: \S+\/none\/secret cannot be written: ENOENT/);
  assert.equal(existsSync(path.join(server.data, 'vaults', 'web5')), false);
  const file = path.join(folder, 'secret');
  assert.equal((await server.cli(['client', 'add', 'web3', '--secret-file', file])).code, 1);
  assert.equal(existsSync(file), false);
});

test('client add and rotate change nothing where the settings have a mistake', async (t) => {
  const data = path.join(temporaryFolder(t), 'data');
  await nightdropOk(undefined, ['init', data]);
  await nightdropOk(data, ['client', 'add', 'web1']);
  const secret = () => readFileSync(path.join(data, 'vaults', 'web1', 'secret'), 'utf8');
  const before = secret();
  appendFileSync(path.join(data, 'nightdrop.toml'), 'nonsense = 1\n');
  for (const [command, name] of [
    ['add', 'web2'],
    ['rotate', 'web1'],
  ]) {
    const { code, stdout, stderr } = await nightdrop(data, ['client', command, name]);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^nightdrop: \S+nightdrop\.toml:\d+: \S*nonsense: unknown key/);
  }
  assert.equal(secret(), before);
  assert.equal(existsSync(path.join(data, 'vaults', 'web2')), false);
});

test('client remove --purge while the vault is in use takes nothing away, the secret neither', async () => {
  const { url, env } = await server.addClient('busy');
  const lease = await Lease.take(path.join(server.data, 'vaults', 'busy', 'lease.db'), 'a push', 0);
  const refused = await server.cli(['client', 'remove', 'busy', '--purge', '--yes']);
  lease.release();
  assert.equal(refused.code, 5);
  assert.match(refused.stderr, /^nightdrop: the vault is in use by a push/);
  await runOk('rsync', ['-a', `${source}/`, url], { env });
});

test('root is told that what it makes in the folder of another user is not that user’s', {
  skip: !isRoot,
}, async (t) => {
  const data = path.join(temporaryFolder(t), 'it is here');
  await nightdropOk(undefined, ['init', data]);
  const own = await nightdrop(data, ['client', 'add', 'web1']);
  assert.equal(own.stderr, '');
  chownSync(data, 65534, 65534);
  const said = `nightdrop: ${data} belongs to user 65534, who cannot read what root has made there now: chown -R 65534 '${data}'\n`;
  for (const args of [
    ['client', 'add', 'web2'],
    ['client', 'rotate', 'web1'],
    ['vault', 'rebuild', 'web1'],
  ]) {
    const { code, stderr } = await nightdrop(data, args);
    assert.deepEqual([code, stderr.endsWith(said)], [0, true], stderr);
  }
  assert.equal((await nightdrop(data, ['client', 'list'])).stderr, '');
});

test('client list names who may push; removed ones with --all; purge takes everything', async () => {
  await server.addClient('old');
  const names = async (args: string[] = []) =>
    (JSON.parse(await server.cliOk(['client', 'list', '--json', ...args])) as { name: string }[]).map(
      ({ name }) => name,
    );
  assert.ok((await names()).includes('old'));
  await server.cliOk(['client', 'remove', 'old']);
  assert.equal((await names()).includes('old'), false);
  assert.ok((await names(['--all'])).includes('old'));
  const add = await server.cli(['client', 'add', 'old']);
  assert.equal(add.code, 1);
  assert.match(add.stderr, /client rotate old lets it in again/);
  assert.equal((await server.cli(['client', 'remove', 'old', '--purge'])).code, 2);
  await server.cliOk(['client', 'remove', 'old', '--purge', '--yes']);
  assert.equal((await names(['--all'])).includes('old'), false);
  assert.equal(existsSync(path.join(server.data, 'vaults', 'old')), false);
});

test('snapshots --json has what scripts count on', async () => {
  const [first, second] = await server.snapshots('web1');
  assert.match(String(first.id), /^[0-9a-f]{64}$/);
  assert.ok(!Number.isNaN(Date.parse(String(first.time))));
  assert.equal(first.complete, true);
  assert.equal(first.files, 4);
  assert.equal(second.files, 3);
  assert.ok(Number(second.wireBytes) > 0);
  assert.equal(second.wireBytes, Number(second.wireIn) + Number(second.wireOut));
  assert.equal(second.deleted, 1);
  assert.equal(typeof second.changed, 'number');
});

test('snapshots for people: a line each', async () => {
  const lines = (await server.cliOk(['snapshots', 'web1'])).trimEnd().split('\n');
  assert.equal(lines.length, 3);
  assert.match(lines[1], new RegExp(`^${(await ids())[0].slice(0, 8)} `));
});

test('ls shows names escaped; --json keeps their bytes', async () => {
  const told = await server.cliOk(['ls', 'web1', 'latest']);
  assert.match(told, /^-rw-r--r-- \S+:\S+ +25 \S+ \S+ etc\/hosts$/m);
  assert.match(told, / etc\/link -> hosts$/m);
  assert.match(told, / bad-\\xff\\x1b\\n$/m);
  const listed = JSON.parse(await server.cliOk(['ls', 'web1', 'latest', '--json'])) as Record<string, unknown>[];
  assert.deepEqual(
    listed
      .map(({ path: at }) => at)
      .sort()
      .slice(1),
    ['etc', 'etc/hosts', 'etc/link'],
  );
  const odd = listed.find(({ path_base64 }) => path_base64 !== undefined);
  assert.deepEqual(Buffer.from(String(odd?.path_base64), 'base64'), Buffer.from('bad-\xff\x1b\n', 'latin1'));
  assert.deepEqual(
    (JSON.parse(await server.cliOk(['ls', 'web1', 'latest', '/etc/', '--json'])) as { path: string }[]).map(
      (e) => e.path,
    ),
    ['etc/hosts', 'etc/link'],
  );
  const missing = await server.cli(['ls', 'web1', 'latest', 'nowhere']);
  assert.deepEqual([missing.code, missing.stderr], [1, 'nightdrop: nowhere is not in the snapshot\n']);
});

test('diff tells what changed', async () => {
  const [first, second] = await ids();
  const told = await server.cliOk(['diff', 'web1', first.slice(0, 8), second.slice(0, 8)]);
  assert.match(told, /^- etc\/gone$/m);
  assert.match(told, /^M etc\/hosts {2}\(.*content.*\)$/m);
  assert.match(told, /0 added, 1 removed, \d changed\n$/);
  const found = JSON.parse(await server.cliOk(['diff', 'web1', first, 'latest', '--json'])) as { kind: string }[];
  assert.ok(found.some(({ kind }) => kind === 'removed'));
});

test('restore brings back all, a part, and takes away what is not in it', async (t) => {
  const to = path.join(temporaryFolder(t), 'to');
  await server.cliOk(['restore', 'web1', 'latest', '--to', to]);
  assertSameTrees(to, source);
  writeFileSync(path.join(to, 'extra'), 'x');
  await server.cliOk(['restore', 'web1', 'latest', '--to', to, '--delete']);
  assertSameTrees(to, source);
  const part = path.join(path.dirname(to), 'part');
  const told = await server.cliOk(['restore', 'web1', (await ids())[0].slice(0, 6), '--path', 'etc', '--to', part]);
  assert.match(told, /^restored 2 files/);
  assert.equal(readFileSync(path.join(part, 'gone'), 'utf8'), 'soon\n');
});

test('a snapshot can be named by its time', async (t) => {
  const [first] = await server.snapshots('web1');
  const to = path.join(temporaryFolder(t), 'to');
  await server.cliOk(['restore', 'web1', String(first.time), '--to', to]);
  assert.ok(existsSync(path.join(to, 'etc', 'hosts')));
});

test('vault info says where stock restic finds everything', async () => {
  const info = await server.vaultInfo('web1');
  assert.ok(path.isAbsolute(info.repository) && path.isAbsolute(info.passwordFile));
  const { code, stdout } = await restic(info, ['snapshots', '--json']);
  assert.equal(code, 0);
  assert.equal((JSON.parse(stdout) as unknown[]).length, 2);
});

test('check is content with what is whole, and names what is not by exit code 3', async () => {
  assert.match(await server.cliOk(['check', 'web1', '--read-data']), /^web1: no errors were found/);
  assert.match(await server.cliOk(['check']), /^web1: no errors were found/m);
  const { client: damaged, pack } = await damagedClient();
  const result = await server.cli(['check', damaged, '--read-data', '--json']);
  assert.equal(result.code, 3);
  const [report] = JSON.parse(result.stdout) as { ok: boolean; problems: { id: string }[] }[];
  assert.equal(report.ok, false);
  assert.ok(report.problems.some(({ id }) => pack.endsWith(id)));
  const told = await server.cli(['check', damaged, '--read-data']);
  assert.match(told.stdout, /PROBLEMS/);
  assert.match(told.stderr, new RegExp(`^nightdrop: ${damaged}: `));
});

async function damagedClient(): Promise<{ client: string; pack: string }> {
  const other = await server.addClient('damaged');
  await runOk('rsync', ['-a', `${source}/`, `${other.url}/`], { env: other.env });
  const { repository } = await server.vaultInfo('damaged');
  const { stdout } = await runOk('find', [path.join(repository, 'data'), '-type', 'f']);
  const [pack] = stdout.trim().split('\n');
  const bytes = readFileSync(pack);
  bytes[10] ^= 1;
  chmodSync(pack, 0o600);
  writeFileSync(pack, bytes);
  return { client: 'damaged', pack };
}

test('vault rebuild makes the state anew, and the next push finds nothing to send', async () => {
  assert.match(await server.cliOk(['vault', 'rebuild', 'web1']), /^rebuilt: 3 files in 2 directories/);
  const args = ['-aHAX', '--delete', '--stats', `${source}/`, `${client.url}/`];
  const { stdout } = await runOk('rsync', args, { env: client.env });
  assert.match(stdout, /Literal data: 0 bytes/);
});

test('errors are one sentence, and the exit code says of what kind', async () => {
  const cases: [string[], number, RegExp][] = [
    [['snapshots', 'nobody'], 1, /^nightdrop: there is no client nobody in .*\n$/],
    [['snapshots', '../web1'], 1, /^nightdrop: a client name has .*\n$/],
    [['restore', 'web1', 'ffffffff', '--to', '/nonexistent'], 1, /^nightdrop: there is no snapshot ffffffff/],
    [['restore', 'web1', 'latest'], 2, /^nightdrop: required option '--to <dir>'/],
    [['ls', 'web1'], 2, /^nightdrop: missing required argument 'snapshot'/],
    [['frobnicate'], 2, /^nightdrop: unknown command/],
    [['snapshots', 'web1', '--jsn'], 2, /^nightdrop: unknown option '--jsn'[\s\S]*--json/],
    [['serve', '--listen', 'nonsense'], 5, /already/],
  ];
  for (const [args, code, stderr] of cases) {
    const result = await server.cli(args);
    assert.equal(result.code, code, `${args}: ${result.stderr}`);
    assert.match(result.stderr, stderr);
    assert.equal(result.stderr.includes('    at '), false);
  }
});

test('the data folder comes from --data, NIGHTDROP_DATA or ./nightdrop-data', async (t) => {
  const env = { NIGHTDROP_DATA: '' };
  const cwd = temporaryFolder(t);
  const none = await nightdrop(undefined, ['client', 'list'], { env, cwd });
  assert.equal(none.code, 2);
  assert.match(none.stderr, /no data folder: give --data DIR or set NIGHTDROP_DATA/);
  const wrong = await nightdrop(cwd, ['client', 'list'], { env });
  assert.match(wrong.stderr, /is not a data folder/);
  const list = ['client', 'list', '--json'];
  const byOption = await server.cliOk(list);
  assert.equal(await nightdropOk(undefined, list, { env: { NIGHTDROP_DATA: server.data } }), byOption);
  assert.equal(await nightdropOk(undefined, [...list, '--data', server.data], { env }), byOption);
  symlinkSync(server.data, path.join(cwd, 'nightdrop-data'));
  assert.equal(await nightdropOk(undefined, list, { env, cwd }), byOption);
});

test('the command works from any folder and through symlinks', async (t) => {
  const folder = temporaryFolder(t);
  symlinkSync(path.join(projectFolder, 'bin', 'nightdrop'), path.join(folder, 'absolute'));
  symlinkSync('absolute', path.join(folder, 'relative'));
  const expected = `${JSON.parse(readFileSync(path.join(projectFolder, 'package.json'), 'utf8')).version}\n`;
  for (const name of ['absolute', 'relative']) {
    assert.equal((await run(path.join(folder, name), ['--version'], { cwd: '/' })).stdout, expected);
    assert.equal((await run('sh', ['-c', `PATH=.:$PATH ${name} --version`], { cwd: folder })).stdout, expected);
  }
});

test('every command explains itself with an example', async () => {
  const commands = [
    ['init'],
    ['serve'],
    ['snapshots'],
    ['ls'],
    ['diff'],
    ['restore'],
    ['check'],
    ['completion'],
    ['session'],
    ['import'],
  ];
  const nested = ['add', 'list', 'authorize', 'rotate', 'remove'].map((sub) => ['client', sub]);
  for (const command of [...commands, ...nested, ['vault', 'info'], ['vault', 'rebuild']]) {
    assert.match(await nightdropOk(undefined, [...command, '--help']), /Examples?:\n {2}\S/, command.join(' '));
  }
  assert.match(await nightdropOk(undefined, ['--help']), /Exit codes:\n {2}0 /);
});

test('a reader that closes early is no error', async () => {
  const command = `"${projectFolder}/bin/nightdrop" --data "${server.data}" ls web1 latest | true; echo "\${PIPESTATUS[0]}"`;
  assert.equal((await run('bash', ['-c', command])).stdout, '0\n');
});

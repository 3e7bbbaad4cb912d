import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { changeTree } from '../support/change-tree.ts';
import { makeTree } from '../support/make-tree.ts';
import { assertSameOutput, statistic } from '../support/outputs.ts';
import { RSH_ADDRESS, type RshPair, sessionLog, startRshPair } from '../support/rsh.ts';
import { type RunResult, run } from '../support/run.ts';
import { fileScope, type Scope, temporaryFolder } from '../support/temporary.ts';

const scope = fileScope();
let pair: RshPair;
let source: string;
let e: string[];

before(async () => {
  // stock compares small files too
  pair = await startRshPair(scope, (toml) => toml.replace('#reveal_floor = 1024', 'reveal_floor = 0'));
  e = ['-e', pair.rsh];
  source = temporaryFolder(scope, 'source');
  makeTree(source, { files: 20 });
});

/** rsync to nightdrop alone. */
function push(args: string[], destination: string, from = `${source}/`): Promise<RunResult> {
  return run('rsync', [...e, ...args, from, destination]);
}

test('a first push, one without changes and one with deletions read and end as with stock', async () => {
  const args = [...e, '-aHAX', '-v', '-i', '--stats', '--delete'];
  assertSameOutput(await pair.push(args, [`${source}/`]));
  assertSameOutput(await pair.push(args, [`${source}/`]));
  changeTree(source);
  assertSameOutput(await pair.push(args, [`${source}/`]));
  await pair.assertSame();
});

const variants: string[][] = [
  ['-s'],
  ['--protocol=31', '--no-inc-recursive'],
  ['--checksum', '--blocking-io', '--old-args', '-z'],
  ['--stderr=all', '-v'],
  ['--stderr=client', '-v', '--whole-file', '--ignore-times'],
  ['-n', '--ignore-times', '--timeout=100', '--rsync-path', 'nice -n 1 rsync'],
];

for (const variant of variants) {
  test(`${variant.join(' ')}: read and ends as with stock`, async () => {
    assertSameOutput(await pair.push([...e, '-aHAX', '-i', '--delete', ...variant], [`${source}/`]));
  });
}

test('old protocols read and end as with stock', async (t) => {
  const little = littleTree(t);
  for (const protocol of [27, 28, 29, 30]) {
    const args = [...e, '-a', '-i', `--protocol=${protocol}`];
    assertSameOutput(await pair.push(args, [little], `protocol-${protocol}`));
  }
  await pair.assertSame();
});

test('--iconv: the character set that the client names for the server is the one that names are kept in', async (t) => {
  const from = temporaryFolder(t, 'accents');
  mkdirSync(path.join(from, 'dé'));
  for (const name of ['é', 'dé/ü', 'dé/n']) writeFileSync(path.join(from, name), name);
  const args = [...e, '-a', '-i', '--no-inc-recursive', '--iconv=utf-8,iso-8859-1'];
  const push = async (...more: string[]) => {
    const result = await pair.push([...args, ...more], [`${from}/`], more.includes('-s') ? 'ö/' : 'iconv/');
    assertSameOutput(result);
    return result;
  };
  assert.equal((await push()).ours.code, 0);
  writeFileSync(path.join(from, '€uro'), '');
  assert.equal((await push()).ours.code, 23);
  rmSync(path.join(from, '€uro'));
  assert.equal((await push('-s')).ours.code, 0);
  rmSync(path.join(from, 'dé/ü'));
  await push('-s', '--delete', '-c');
  await pair.assertSame();
  const restored = await pair.restore();
  assert.ok(existsSync(Buffer.from(`${restored}/\xf6/d\xe9/n`, 'latin1')));
  const refused = await run('rsync', [...args, '--iconv=utf-8,no-such-set', `${from}/`, 'ours:']);
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /^ERROR: the option --iconv is refused: no-such-set is no character set for names$/m);
});

/** Names that a stock server gets through a shell. */
const odd = [
  './two words/',
  'tab\there',
  'it\'s "quoted" \\ $HOME `id` & ; | < > ( ) { } # ! ~',
  '-dash',
  'star*[x]?',
  'utf8-ü',
];

test('odd destinations are the directories of those names', async (t) => {
  const little = littleTree(t);
  for (const [i, name] of odd.entries()) {
    assertSameOutput(await pair.push([...e, '-a', '-i', ...(i % 2 === 0 ? [] : ['-s'])], [little], name));
  }
  await pair.assertSame();
});

test('bytes that are no UTF-8 in a destination stay what they are', async (t) => {
  const little = littleTree(t);
  // node's own arguments are text: a shell hands on the bytes
  const script = `exec rsync -a -e "$RSH" "$FROM" "$TO$(printf 'latin1-\\351\\377')"`;
  for (const TO of ['ours:', 'stock:']) {
    const { code, stderr } = await run('sh', ['-c', script], { env: { RSH: pair.rsh, FROM: little, TO } });
    assert.equal(code, 0, stderr);
  }
  await pair.assertSame();
});

test('old clients leave the quoting to their users, and it is read as a shell would', async (t) => {
  const little = littleTree(t);
  for (const quoted of ["'in quotes'", '"double \\"quotes"']) {
    assertSameOutput(await pair.push([...e, '-a', '-i', '--old-args'], [little], quoted));
  }
  await pair.assertSame();
});

function littleTree(t: Scope): string {
  const folder = temporaryFolder(t, 'little');
  writeFileSync(path.join(folder, 'file'), 'x\n');
  return `${folder}/`;
}

test('absolute and relative destinations are the same place; .. leads nowhere', async () => {
  for (const to of ['ours:/absolute/', 'ours:absolute/', 'ours:~/absolute']) {
    const { code, stderr } = await push(['-a', '--mkpath'], to);
    assert.equal(code, 0, stderr);
  }
  const top = JSON.parse(await pair.server.cliOk(['ls', 'web1', 'latest', '--json'])) as { path: string }[];
  assert.ok(top.some((entry) => entry.path === 'absolute'));
  const { code, stderr } = await push(['-a'], 'ours:a/../../x');
  assert.equal(code, 1);
  assert.match(stderr, /is not a path inside the module/);
});

test('a file that cannot be read makes both end with 23, errors of the destination with stock’s codes', async (t) => {
  const from = temporaryFolder(t);
  writeFileSync(path.join(from, 'file'), 'x\n');
  mkdirSync(path.join(from, 'folder'));
  const results = [
    await pair.push([...e, '-a'], [`${from}/`, `${from}/missing`]),
    await pair.push([...e, '-a'], [`${from}/`], 'no/such/parent/'),
    await pair.push([...e, '-a'], [`${from}/file`], 'one'),
    await pair.push([...e, '-a'], [`${from}/folder`, `${from}/file`], 'one'),
  ];
  assert.deepEqual(
    results.map(({ ours }) => ours.code),
    results.map(({ stock }) => stock.code),
    results.map(({ ours }) => ours.stderr).join('\n'),
  );
  assert.deepEqual(
    results.map(({ ours }) => ours.code),
    [23, 11, 0, 3],
  );
});

test('HOST::MODULE works over the same key: the module is the client’s own, no password is asked', async () => {
  for (const to of ['ours::web1/by-module/', 'web1@ours::web1/by-module/', 'rsync://ours/web1/by-module/']) {
    const { code, stderr, stdout } = await push(['-as', '--stats'], to);
    assert.equal(code, 0, stderr);
    assert.ok(stdout.includes('Literal data'));
  }
  const other = await push(['-a'], 'ours::web2/');
  assert.deepEqual([other.code, other.stderr.split('\n')[0]], [5, '@ERROR: auth failed on module web2']);
  const list = await run('rsync', [...e, 'ours::']);
  assert.deepEqual([list.code, list.stdout], [0, 'web1           \t\n']);
});

test('the second push by the other form sends nothing: one state for all', async () => {
  const fresh = temporaryFolder(scope, 'fresh');
  makeTree(fresh, { files: 20, seed: 7 });
  const args = ['-aHAX', '--stats', '--mkpath'];
  const first = await push(args, 'ours:shared/', `${fresh}/`);
  assert.ok(statistic(first.stdout, 'Literal data') > 0);
  const second = await push(args, 'ours::web1/shared/', `${fresh}/`);
  assert.equal(statistic(second.stdout, 'Number of regular files transferred'), 0);
  assert.ok(statistic(second.stdout, 'Total bytes sent') < 20_000);
});

const reads: [string, string[]][] = [
  ['a pull', ['-a', 'ours:', 'TO']],
  ['a pull with -s', ['-as', 'ours:plain', 'TO']],
  ['a pull by protocol 30', ['-a', '--protocol=30', 'ours:', 'TO']],
  ['a listing', ['ours:']],
  ['a pull from the module', ['-a', 'ours::web1', 'TO']],
  ['a listing of the module', ['-r', 'ours::web1/']],
];

for (const [what, args] of reads) {
  test(`${what} is refused as write only`, async (t) => {
    const to = path.join(temporaryFolder(t), 'to');
    const result = await run('rsync', [...e, ...args.map((arg) => (arg === 'TO' ? to : arg))]);
    assert.match(result.stderr, /ERROR: module is write only/);
    if (what.includes('protocol 30')) assert.notEqual(result.code, 0);
    else assert.equal(result.code, 1);
    assert.equal(existsSync(to), false);
    assert.equal(result.stdout, '');
  });
}

test('what is no push gets one line on standard error, one in the log, and changes nothing', async () => {
  const before = (await pair.server.snapshots('web1')).length;
  const commands = ['ls -la', 'scp -t /etc', '/usr/lib/openssh/sftp-server', 'rsync --server -a . .; id', 'sh', "'"];
  for (const command of commands) {
    const count = sessionLog(pair.server.data).length;
    const result = await run(pair.rsh, ['ours', command]);
    assert.equal(result.code, 1, command);
    assert.equal(result.stdout, '');
    assert.match(result.stderr, /^nightdrop: [^\n]+\n$/);
    const added = pair.lines.slice(count);
    assert.equal(added.length, 1);
    assert.equal(added[0].msg, 'session refused');
    assert.equal(added[0].command, command);
    assert.equal(added[0].address, RSH_ADDRESS);
  }
  assert.equal((await pair.server.snapshots('web1')).length, before);
});

test('a refused option is named, and nothing is stored', async () => {
  const before = (await pair.server.snapshots('web1')).length;
  const result = await push(['-a', '--rsync-path', 'rsync --copy-as=root'], 'ours:');
  assert.notEqual(result.code, 0);
  assert.match(result.stderr, /the option --copy-as/);
  assert.equal((await pair.server.snapshots('web1')).length, before);
});

test('RSYNC_RSH does as well as -e', async () => {
  const { code, stderr } = await run('rsync', ['-a', `${source}/`, 'ours:rsh/'], { env: { RSYNC_RSH: pair.rsh } });
  assert.equal(code, 0, stderr);
});

test('a push has one line in the log', async () => {
  const count = sessionLog(pair.server.data).length;
  await push(['-a'], 'ours:logged/');
  const added = pair.lines.slice(count);
  assert.equal(added.length, 1);
  const { msg, via, vault, address, exit_code, complete } = added[0];
  assert.deepEqual(
    { msg, via, vault, address, exit_code, complete },
    { msg: 'push', via: 'ssh', vault: 'web1', address: RSH_ADDRESS, exit_code: 0, complete: true },
  );
  const told = readFileSync(path.join(pair.server.data, 'ssh.log'), 'utf8');
  assert.equal(told.includes(readFileSync(path.join(pair.server.data, 'vaults/web1/password'), 'utf8').trim()), false);
});

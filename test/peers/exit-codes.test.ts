import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { type Pair, startPair } from '../support/pair.ts';
import { type RshPair, startRshPair } from '../support/rsh.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

const scope = fileScope();
let pair: Pair;
let shell: RshPair;

before(async () => {
  pair = await startPair(scope, { configure: (toml) => toml.replace(/#?io_timeout = .*/, 'io_timeout = 2') });
  shell = await startRshPair(scope);
});

interface Ended {
  code: number | null;
  stderr: string;
}

/** A push that is watched; `act` is called when the name is printed. */
async function watchedPush(
  url: string,
  args: string[],
  name: RegExp,
  act: (client: ChildProcess) => void,
): Promise<Ended> {
  const env = { ...process.env, LC_ALL: 'C', ...pair.client.env };
  const client = spawn('rsync', [...args, `${url}/`], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  let seen = '';
  client.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  client.stdout.on('data', (bytes) => {
    const wasSeen = name.test(seen);
    seen += bytes;
    if (!wasSeen && name.test(seen)) act(client);
  });
  const [code] = (await once(client, 'close')) as [number | null];
  return { code, stderr: stderr.replaceAll(/ at \w+\.c\(\d+\)/g, '') };
}

/** Both ended alike, with the same last words. */
function assertSameEnd(ours: Ended, stock: Ended, code: number): void {
  assert.equal(ours.code, stock.code, `${ours.stderr} / ${stock.stderr}`);
  assert.equal(ours.code, code, ours.stderr);
  const last = (text: string) => text.trim().split('\n').at(-1);
  assert.equal(last(ours.stderr), last(stock.stderr));
}

/** A file that takes a while, and others behind it. */
function slowSource(): { source: string; args: string[] } {
  const source = temporaryFolder(scope, 'slow');
  writeFileSync(path.join(source, 'first'), Buffer.alloc(2_000_000, 'f'));
  for (const name of ['second', 'third']) writeFileSync(path.join(source, name), Buffer.alloc(500_000, name));
  // names are printed as soon as there is something to say, and the first file takes two seconds
  const args = ['-rt', '-v', '--progress', '--outbuf=L', '--bwlimit=1000', `${source}/`];
  return { source, args };
}

test('24: a file that vanishes before it is sent', async () => {
  const urls = [pair.client.url, pair.stock.url];
  const [ours, stock] = await Promise.all(
    urls.map((url) => {
      const { source, args } = slowSource();
      return watchedPush(url, args, /first/, () => rmSync(path.join(source, 'third')));
    }),
  );
  assertSameEnd(ours, stock, 24);
  assert.match(ours.stderr, /file has vanished/);
});

test('24 over a remote shell, where the larger code of both sides counts', async () => {
  const [ours, stock] = await Promise.all(
    ['ours:24', 'stock:24'].map((url) => {
      const { source, args } = slowSource();
      return watchedPush(url, ['-e', shell.rsh, ...args], /first/, () => rmSync(path.join(source, 'third')));
    }),
  );
  assertSameEnd(ours, stock, 24);
  const last = shell.lines.at(-1)!;
  assert.equal(last.exit_code, 24);
  assert.equal(last.complete, true);
});

test('20: the client is interrupted; what was whole is in an incomplete snapshot', async () => {
  const { args } = slowSource();
  const interrupt = (url: string) => watchedPush(`${url}/20`, args, /second/, (client) => client.kill('SIGINT'));
  const [ours, stock] = await Promise.all([interrupt(pair.client.url), interrupt(pair.stock.url)]);
  assert.equal(ours.code, stock.code, `${ours.stderr} / ${stock.stderr}`);
  assert.equal(ours.code, 20);
  assert.doesNotMatch(ours.stderr, /ERROR/);
  const snapshots = await pair.server.waitForSnapshots('web1', 2);
  assert.ok(
    snapshots.some(({ complete }) => complete === false),
    'nothing was kept',
  );
});

test('0: --max-delete stops deletions, of which a daemon tells its client in words alone', async () => {
  const source = temporaryFolder(scope, 'many');
  for (let i = 0; i < 5; i++) writeFileSync(path.join(source, `file-${i}`), 'x');
  mkdirSync(path.join(source, 'directory'));
  utimesSync(source, 1e9, 1e9);
  await pair.pushOk(['-rt'], [`${source}/`], '25/');
  for (let i = 0; i < 4; i++) rmSync(path.join(source, `file-${i}`));
  const { ours, stock } = await pair.push(['-rt', '--delete', '--max-delete=2'], [`${source}/`], '25/');
  assertSameEnd(ours, stock, 0);
});

test('11: the parent of the destination is not there', async () => {
  const source = temporaryFolder(scope, 'lost');
  writeFileSync(path.join(source, 'file'), 'x');
  const { ours, stock } = await pair.push(['-rt'], [`${source}/`], 'no/such/place/');
  assert.equal(ours.code, stock.code, `${ours.stderr} / ${stock.stderr}`);
  assert.equal(ours.code, 11);
});

test('2: ACLs before protocol 30', async () => {
  const source = temporaryFolder(scope, 'acls');
  const { ours, stock } = await pair.push(['-rtA', '--protocol=29'], [`${source}/`]);
  assert.equal(ours.code, stock.code, `${ours.stderr} / ${stock.stderr}`);
  assert.equal(ours.code, 2);
});

test('a client that stops in the middle is given up after io_timeout; the log says so', async () => {
  const { args } = slowSource();
  const ours = await watchedPush(`${pair.client.url}/30`, args, /first/, (client) => {
    client.kill('SIGSTOP');
    setTimeout(() => client.kill('SIGCONT'), 5000);
  });
  assert.notEqual(ours.code, 0, ours.stderr);
  assert.match(pair.server.printed, /silent for 2 seconds/);
});

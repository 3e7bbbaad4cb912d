import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setXattr } from '../../../src/restore/libc.ts';
import { outputDifferences } from '../../support/outputs.ts';
import { Random } from '../../support/random.ts';
import { type RunResult, run, runOk } from '../../support/run.ts';
import { fileScope, temporaryFolder } from '../../support/temporary.ts';
import { treeDifferences } from './run-case.ts';
import { Servers } from './servers.ts';

/** What one tree for all cases of the matrix cannot have: the ends of what a file system and a path can hold, and sources that change. */
const scope = fileScope();
const names = ['xattrs', 'deep', 'vanished', 'sizes'];
const servers = await Servers.start(scope, names);
const started = Date.now() - 1000;
for (const name of names) servers.begin(name);

async function sameAfter(module: string, push: (url: string) => Promise<RunResult>): Promise<RunResult> {
  const [ours, stock] = servers.destinations('tcp', module, '');
  const result = { ours: await push(ours), stock: await push(stock) };
  assert.deepEqual(outputDifferences(result), []);
  assert.deepEqual(await treeDifferences(servers, module, started), []);
  return result.ours;
}

test('extended attributes of 64 KiB, the most that Linux has, twice', async (t) => {
  const source = path.join(servers.scratch, 'xattrs-source');
  const random = new Random(5);
  mkdirSync(source);
  const give = (name: string, length: number) => {
    const file = path.join(source, name);
    writeFileSync(file, name);
    const handle = openSync(file, 'r');
    try {
      setXattr(handle, 'user.value', random.bytes(length));
    } finally {
      closeSync(handle);
    }
  };
  try {
    give('whole', 65_536);
  } catch {
    t.skip('the file system takes no attribute of 64 KiB');
    return;
  }
  for (const [name, length] of Object.entries({ less: 65_535, edge: 33, short: 32, page: 4096 })) give(name, length);
  utimesSync(source, 1e9, 1e9);
  const push = (url: string) => run('rsync', ['-aX', '-i', `${source}/`, url]);
  await sameAfter('xattrs', push);
  give('whole', 65_536);
  give('short', 33);
  await sameAfter('xattrs', push);
});

test('paths up to the longest that a client can name, in names of 255 bytes', async () => {
  const source = path.join(servers.scratch, 'deep-source');
  mkdirSync(source);
  // relative to the source the longest path has 4,000 bytes; with the folder before it, 4,095 at most
  const script = 'for i in $(seq 15); do n=$(printf %0255d $i); mkdir $n && cd -P $n || exit 1; echo $i > file; done';
  await runOk('sh', ['-c', `${script}; echo last > $(printf %0150d 0)`], { cwd: source });
  for (const args of [['-a'], ['-a', '--no-inc-recursive', '-c']]) {
    const done = await sameAfter('deep', (url) =>
      run('rsync', [...args, '-i', '--delete', './', url], { cwd: source }),
    );
    assert.equal(done.code, 0, done.stderr);
  }
});

test('a file that vanishes between the list and the transfer: exit code 24, and what was there stays', async (t) => {
  const source = temporaryFolder(t, 'source');
  for (const name of ['a', 'gone', 'z']) writeFileSync(path.join(source, name), name.repeat(5000));
  const push = async (url: string) => {
    writeFileSync(path.join(source, 'gone'), 'gone\n');
    return pushListed(url, source, ['gone', 'a', 'z'], () => rmSync(path.join(source, 'gone')));
  };
  const done = await sameAfter('vanished', push);
  assert.equal(done.code, 24, done.stderr);
});

test('a file that has shrunk since it was listed is told of, and taken, alike', async (t) => {
  const source = temporaryFolder(t, 'source');
  for (const name of ['a', 'large', 'z']) writeFileSync(path.join(source, name), name.repeat(5000));
  const push = async (url: string) => {
    writeFileSync(path.join(source, 'large'), 'large'.repeat(5000));
    return pushListed(url, source, ['large', 'a', 'z'], () => writeFileSync(path.join(source, 'large'), 'small'));
  };
  await sameAfter('sizes', push);
});

/**
 * A push whose client has listed the names when `then` is called, and does not go on before it is done: names come
 * on its standard input, and so much behind them that it has read them when the last can be written.
 */
function pushListed(url: string, source: string, names: string[], then: () => void): Promise<RunResult> {
  const args = ['-a', '-i', '--no-inc-recursive', '--files-from=-', '.', url];
  const client = spawn('rsync', args, { cwd: source, env: { ...process.env, LC_ALL: 'C' } });
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    client[stream].setEncoding('latin1');
    client[stream].on('data', (piece: string) => {
      text[stream] += piece;
    });
  }
  // comments, more than what lies between two processes can hold
  client.stdin.write(`${names.join('\n')}\n${`#${' '.repeat(1000)}\n`.repeat(500)}`, () => {
    then();
    client.stdin.end();
  });
  return new Promise((resolve, reject) => {
    client.once('error', reject);
    client.once('close', (code) => resolve({ code: code ?? -1, seconds: 0, ...text }));
  });
}

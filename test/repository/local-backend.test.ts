import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { LocalBackend } from '../../src/repository/backend/local.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { nameOf, testBackend } from './backend-suite.ts';

async function make(t: TestContext): Promise<LocalBackend> {
  const folder = temporaryFolder(t, 'backend');
  mkdirSync(path.join(folder, 'tmp'));
  const backend = new LocalBackend(path.join(folder, 'repository'), path.join(folder, 'tmp'));
  t.after(() => backend.close());
  return backend;
}

testBackend('local', make);

test('local: files lie where restic looks for them, read-only, and nothing stays in the temporary folder', async (t) => {
  const folder = temporaryFolder(t, 'backend');
  const backend = new LocalBackend(path.join(folder, 'r'), folder);
  const bytes = Buffer.from('content');
  const name = nameOf(bytes);
  for (const type of ['keys', 'index', 'snapshots', 'locks', 'data'] as const) await backend.write(type, name, bytes);
  for (const file of ['keys/', 'index/', 'snapshots/', 'locks/', `data/${name.slice(0, 2)}/`])
    assert.equal(statSync(path.join(folder, 'r', file + name)).mode & 0o777, 0o400);
  assert.deepEqual(readdirSync(folder), ['r']);
});

test('local: strangers in the folders are passed over', async (t) => {
  const folder = temporaryFolder(t, 'backend');
  const backend = new LocalBackend(path.join(folder, 'r'), folder);
  const bytes = Buffer.from('content');
  await backend.write('index', nameOf(bytes), bytes);
  writeFileSync(path.join(folder, 'r/index/README'), 'hello');
  mkdirSync(path.join(folder, 'r/index', 'f'.repeat(64)));
  const names: string[] = [];
  for await (const { name } of backend.list('index')) names.push(name);
  assert.deepEqual(names, [nameOf(bytes)]);
});

test('local: a write that fails leaves nothing behind', async (t) => {
  const folder = temporaryFolder(t, 'backend');
  const backend = new LocalBackend(path.join(folder, 'r'), folder);
  writeFileSync(path.join(folder, 'r'), 'a file where the folder should be');
  await assert.rejects(backend.write('index', '0'.repeat(64), Buffer.from('x')));
  assert.deepEqual(readdirSync(folder), ['r']);
});

const hasStrace = existsSync('/usr/bin/strace') && spawnSync('strace', ['-V']).status === 0;

/** The flushes and renames of writing packs of these names, in their order; undefined where strace may not trace. */
function callsOfWriting(folder: string, names: string[]): string[] | undefined {
  const log = path.join(folder, 'calls');
  const program = `
    import { LocalBackend } from ${JSON.stringify(path.resolve('src/repository/backend/local.ts'))};
    const backend = new LocalBackend(${JSON.stringify(path.join(folder, 'r'))}, ${JSON.stringify(folder)});
    for (const name of ${JSON.stringify(names)}) await backend.write('data', name, Buffer.from('x'));`;
  const traced = ['-f', '-y', '-e', 'trace=fsync,rename,renameat,renameat2', '-o', log];
  const result = spawnSync('strace', [...traced, process.execPath, '--input-type=module-typescript', '-e', program]);
  if (/ptrace|Operation not permitted/.test(result.stderr.toString())) return undefined;
  assert.equal(result.status, 0, result.stderr.toString());
  return readFileSync(log, 'latin1')
    .split('\n')
    .filter((line) => /fsync\(|rename/.test(line) && !line.includes('unfinished'))
    .map((line) => {
      if (line.includes('rename')) return 'rename';
      const file = /fsync(?:\(| resumed>).*?<(.*?)>/.exec(line)?.[1] ?? '';
      return `fsync ${path.relative(folder, file).replace(/^data-.*/, 'temporary')}`;
    });
}

test('local: the file is flushed before it is renamed, and every new name', { skip: !hasStrace }, (t) => {
  const calls = callsOfWriting(temporaryFolder(t, 'backend'), ['ab'.repeat(32)]);
  if (calls === undefined) return t.skip('strace may not trace here');
  assert.deepEqual(calls, ['fsync temporary', 'fsync ', 'fsync r', 'fsync r/data', 'rename', 'fsync r/data/ab']);
});

test('local: folders found are flushed too, once: who made them may have died before', { skip: !hasStrace }, (t) => {
  const folder = temporaryFolder(t, 'backend');
  for (const name of ['ab', 'cd']) mkdirSync(path.join(folder, 'r/data', name), { recursive: true });
  const calls = callsOfWriting(folder, ['ab'.repeat(32), 'cd'.repeat(32), 'ef'.repeat(32)]);
  if (calls === undefined) return t.skip('strace may not trace here');
  const first = ['fsync temporary', 'fsync r', 'fsync r/data', 'rename', 'fsync r/data/ab'];
  const known = ['fsync temporary', 'rename', 'fsync r/data/cd'];
  const made = ['fsync temporary', 'fsync r/data', 'rename', 'fsync r/data/ef'];
  assert.deepEqual(calls, [...first, ...known, ...made]);
});

test('local: a file too large to be one of a repository is not read', async (t) => {
  const folder = temporaryFolder(t, 'backend');
  const backend = new LocalBackend(path.join(folder, 'r'), folder);
  const name = nameOf(Buffer.from('x'));
  await backend.write('index', name, Buffer.from('x'));
  chmodSync(path.join(folder, 'r/index', name), 0o600);
  truncateSync(path.join(folder, 'r/index', name), 2 ** 34);
  await assert.rejects(backend.read('index', name), {
    code: 'ERR_REPOSITORY_DAMAGED',
    message: new RegExp(`index/${name} has ${2 ** 34} bytes`),
  });
  assert.equal((await backend.read('index', name, 0, 1)).toString(), 'x');
});

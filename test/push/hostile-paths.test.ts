import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { layoutOf } from '../../src/vault/layout.ts';
import { StateStore } from '../../src/vault/state/store.ts';
import { createVault } from '../../src/vault/vault.ts';
import { startPushServer } from '../support/push-server.ts';
import { run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';

async function startVault(t: TestContext) {
  const folder = temporaryFolder(t, 'paths');
  const { folder: vaultDir } = await createVault(path.join(folder, 'vault'), 'demo');
  const server = await startPushServer(t, { vaultDir, vault: 'demo' });
  const push = (from: string, into: string, ...options: string[]) =>
    run('rsync', ['-a', ...options, from, `rsync://127.0.0.1:${server.port}/demo/${into}`], { cwd: folder });
  const paths = () => {
    const store = StateStore.open(layoutOf(vaultDir, 'demo').stateFile, { readOnly: true });
    const found = [...store.walk('')].flatMap((at) => at.entries.map(({ name }) => path.join(at.path, name)));
    store.close();
    return found;
  };
  return { folder, server, push, paths };
}

test('symlinks that a push follows make no path longer than any that a list can have', async (t) => {
  const { folder, server, push, paths } = await startVault(t);
  const deep = Array.from({ length: 12 }, () => 'd'.repeat(200)).join('/');
  mkdirSync(path.join(folder, 'source', deep), { recursive: true });
  writeFileSync(path.join(folder, 'source', deep, 'file'), 'deep down');
  symlinkSync(deep, path.join(folder, 'down'));
  assert.equal((await push('source/', '')).code, 0);
  assert.equal((await push('down', '')).code, 0);
  const longest = () => Math.max(...paths().map(({ length }) => length));
  for (const options of [['--no-inc-recursive'], ['-H']]) {
    const { code, stderr } = await push('source/', 'down/', ...options);
    assert.equal(code, 23);
    assert.match(stderr, /File name too long/);
    assert.ok(longest() > 4000 && longest() <= 4095, `${longest()}`);
  }
  // so does the destination itself
  symlinkSync(`${Array.from({ length: 7 }, () => 'd'.repeat(200)).join('/')}`, path.join(folder, 'further'));
  assert.equal((await push('further', 'down/')).code, 0);
  const { code } = await push('source/', `down/further/${'e'.repeat(200)}/${'e'.repeat(250)}/`, '--mkpath');
  assert.equal(code, 11);
  assert.match(server.reports.at(-1)?.error ?? '', /would be too long/);
  assert.ok(longest() <= 4095);
  // and all of it can be deleted again
  mkdirSync(path.join(folder, 'empty'));
  assert.equal((await push('empty/', '', '--delete')).code, 0);
  assert.deepEqual(paths(), []);
});

test('the part of a file takes no directory’s place', async (t) => {
  const { folder, push, paths } = await startVault(t);
  mkdirSync(path.join(folder, 'source/same'), { recursive: true });
  writeFileSync(path.join(folder, 'source/same/other'), 'stays');
  assert.equal((await push('source/', '')).code, 0);
  writeFileSync(path.join(folder, 'source/same/same'), 'its part would lie where the directory does');
  const { code, stderr } = await push('source/', '', '--delay-updates', '--partial-dir=..');
  assert.equal(code, 23);
  assert.match(stderr, /Unable to create partial-dir/);
  assert.deepEqual(paths(), ['same', 'same/other']);
});

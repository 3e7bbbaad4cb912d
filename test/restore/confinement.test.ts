import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { S_IFLNK, S_IFREG } from '../../src/lib/stat.ts';
import type { TreeNode } from '../../src/repository/tree.ts';
import { type RestoreOptions, restore } from '../../src/restore/restore.ts';
import { MemorySource, node } from '../support/memory-source.ts';
import { makeFolder, removeFolder } from '../support/temporary.ts';

interface Place {
  source: MemorySource;
  outside: string;
  to: string;
  warnings: string[];
  run: (nodes: TreeNode[], options?: Partial<RestoreOptions>) => ReturnType<typeof restore>;
}

/** A target with a folder beside it that must stay as it is. */
function place(t: TestContext): Place {
  const folder = makeFolder('confine');
  const outside = path.join(folder, 'outside');
  const to = path.join(folder, 'to');
  fs.mkdirSync(outside);
  fs.mkdirSync(to);
  fs.writeFileSync(path.join(outside, 'victim'), 'untouched');
  fs.chmodSync(path.join(outside, 'victim'), 0o640);
  const source = new MemorySource();
  const warnings: string[] = [];
  const before = fs.statSync(path.join(outside, 'victim'), { bigint: true });
  t.after(() => {
    assert.deepEqual(fs.readdirSync(outside), ['victim']);
    assert.equal(fs.readFileSync(path.join(outside, 'victim'), 'utf8'), 'untouched');
    const after = fs.statSync(path.join(outside, 'victim'), { bigint: true });
    assert.deepEqual([after.mode, after.mtimeNs, after.uid], [before.mode, before.mtimeNs, before.uid]);
    assert.deepEqual(fs.readdirSync(folder).sort(), ['outside', 'to']);
    removeFolder(folder);
  });
  const run: Place['run'] = (nodes, options = {}) =>
    restore({
      repository: source.repository,
      blobs: source.blobs,
      tree: source.tree(nodes),
      to,
      onWarning: (warning) => warnings.push(`${warning.path}: ${warning.code}`),
      ...options,
    });
  return { source, outside, to, warnings, run };
}

for (const name of ['..', '.', '', '../outside/victim', '/etc/nightdrop', 'a/b', 'nul\0byte', 'x'.repeat(256)]) {
  test(`a file named ${JSON.stringify(name.slice(0, 20))} is refused, the rest is restored`, async (t) => {
    const { source, run, to } = place(t);
    const report = await run([source.file(name, ['evil']), source.file('good', ['good'])]);
    assert.equal(report.failed, 1);
    assert.deepEqual(fs.readdirSync(to), ['good']);
  });

  test(`a directory named ${JSON.stringify(name.slice(0, 20))} is refused with all that is in it`, async (t) => {
    const { source, run, to } = place(t);
    const report = await run([
      source.directory(name, [source.file('victim', ['evil'])]),
      source.file('good', ['good']),
    ]);
    assert.equal(report.failed, 1);
    assert.deepEqual(fs.readdirSync(to), ['good']);
  });
}

test('a symlink and a directory of the same name: nothing is written through the symlink', async (t) => {
  const { source, run, to } = place(t);
  const link = node('a', S_IFLNK | 0o777, { target: '../outside' });
  const report = await run([link, source.directory('a', [source.file('victim', ['evil'])])]);
  assert.equal(report.failed, 1);
  assert.equal(fs.readlinkSync(path.join(to, 'a')), '../outside');
});

test('a symlink planted in the target is replaced, not followed', async (t) => {
  const { source, run, to, outside } = place(t);
  fs.symlinkSync(outside, path.join(to, 'dir'));
  fs.symlinkSync(path.join(outside, 'victim'), path.join(to, 'file'));
  await run([source.directory('dir', [source.file('victim', ['restored'])]), source.file('file', ['restored'])]);
  assert.equal(fs.readFileSync(path.join(to, 'dir', 'victim'), 'utf8'), 'restored');
  assert.ok(fs.lstatSync(path.join(to, 'file')).isFile());
});

test('a symlink whose target is a file keeps that file from being changed with it', async (t) => {
  const { run, to } = place(t);
  const xattrs = [{ name: 'user.evil', value: Buffer.from('x') }];
  await run([node('link', S_IFLNK | 0o777, { target: '../outside/victim', uid: 12345, gid: 12345, xattrs })]);
  assert.equal(fs.readlinkSync(path.join(to, 'link')), '../outside/victim');
});

test('--delete removes symlinks, not what they point to', async (t) => {
  const { source, run, to, outside } = place(t);
  fs.symlinkSync(outside, path.join(to, 'link'));
  fs.mkdirSync(path.join(to, 'old'));
  fs.symlinkSync(outside, path.join(to, 'old', 'link'));
  const report = await run([source.file('good', ['good'])], { delete: true });
  assert.deepEqual(fs.readdirSync(to), ['good']);
  assert.equal(report.removed, 3);
});

test('a file that has a second name outside is replaced, its other name keeps its content and mode', async (t) => {
  const { source, run, to, outside } = place(t);
  fs.linkSync(path.join(outside, 'victim'), path.join(to, 'file'));
  const { mtimeMs } = fs.statSync(path.join(outside, 'victim'));
  const sec = Math.floor(mtimeMs / 1000);
  await run([source.file('file', ['otherwise'], { mode: S_IFREG | 0o777, mtime: { sec, nsec: 0 } })]);
  assert.equal(fs.readFileSync(path.join(to, 'file'), 'utf8'), 'otherwise');
});

test('hard-link numbers that claim other content to be the same are not believed', async (t) => {
  const { source, run, to } = place(t);
  await run([source.file('a', ['one'], { inode: 7 }), source.file('b', ['two'], { inode: 7 })]);
  assert.equal(fs.readFileSync(path.join(to, 'a'), 'utf8'), 'one');
  assert.equal(fs.readFileSync(path.join(to, 'b'), 'utf8'), 'two');
});

test('a name that stands twice is restored once', async (t) => {
  const { source, run, to, warnings } = place(t);
  const report = await run([source.file('a', ['first']), source.file('a', ['second'])]);
  assert.equal(fs.readFileSync(path.join(to, 'a'), 'utf8'), 'first');
  assert.equal(report.failed, 1);
  assert.deepEqual(warnings, ['a: ERR_DUPLICATE']);
});

test('names in warnings are escaped', async (t) => {
  const { source, run, warnings } = place(t);
  const file = source.file('\x1b[31m\nred', ['x']);
  source.damaged.add(file.content.toString('hex'));
  await run([file]);
  assert.deepEqual(warnings, ['\\x1b[31m\\nred: ERR_REPOSITORY_DAMAGED']);
});

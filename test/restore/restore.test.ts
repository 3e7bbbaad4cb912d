import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { S_IFDIR, S_IFLNK } from '../../src/lib/stat.ts';
import type { TreeNode } from '../../src/repository/tree.ts';
import { NotInSnapshotError } from '../../src/restore/find.ts';
import { listXattrsOf } from '../../src/restore/libc.ts';
import { type RestoreOptions, restore } from '../../src/restore/restore.ts';
import { setfacl } from '../support/make-tree.ts';
import { MemorySource, node } from '../support/memory-source.ts';
import { Random } from '../support/random.ts';
import { temporaryFolder } from '../support/temporary.ts';

function place(t: TestContext): {
  source: MemorySource;
  to: string;
  warnings: string[];
  run: (nodes: TreeNode[], options?: Partial<RestoreOptions>) => ReturnType<typeof restore>;
} {
  const to = path.join(temporaryFolder(t, 'restore'), 'to');
  const source = new MemorySource();
  const warnings: string[] = [];
  return {
    source,
    to,
    warnings,
    run: (nodes, options = {}) =>
      restore({
        repository: source.repository,
        blobs: source.blobs,
        tree: source.tree(nodes),
        to,
        onWarning: ({ path: at, code }) => warnings.push(`${at}: ${code}`),
        ...options,
      }),
  };
}

test('content of many blobs arrives in order, several read at once', async (t) => {
  const { source, to, run } = place(t);
  const pieces = Array.from({ length: 40 }, (_, i) => new Random(i).bytes(10_000 + i));
  const report = await run([source.file('f', pieces)]);
  assert.ok(fs.readFileSync(path.join(to, 'f')).equals(Buffer.concat(pieces)));
  assert.ok(source.mostAtOnce > 1 && source.mostAtOnce <= 8, `${source.mostAtOnce} at once`);
  assert.equal(report.bytes, Buffer.concat(pieces).length);
});

test('zeros become holes, and a repeated blob is read once', async (t) => {
  const { source, to, run } = place(t);
  const zeros = Buffer.alloc(1 << 20);
  await run([source.file('sparse', ['head', ...Array(64).fill(zeros), 'tail', zeros])]);
  const stat = fs.statSync(path.join(to, 'sparse'));
  assert.equal(stat.size, 8 + 65 * (1 << 20));
  assert.ok(stat.blocks * 512 < 100_000, `${stat.blocks * 512} bytes allocated`);
  assert.ok(source.loads < 8, `${source.loads} loads`);
  const content = fs.readFileSync(path.join(to, 'sparse'));
  assert.equal(content.indexOf('tail'), 4 + 64 * (1 << 20));
});

test('a file larger than the read budget is restored', async (t) => {
  const { source, to, run } = place(t);
  const pieces = Array.from({ length: 3 }, (_, i) => new Random(i).bytes(40 << 20));
  await run([source.file('a', pieces), source.file('b', pieces)]);
  assert.ok(fs.readFileSync(path.join(to, 'b')).equals(Buffer.concat(pieces)));
});

test('a damaged blob costs its file, is named, and leaves no part of it', async (t) => {
  const { source, to, warnings, run } = place(t);
  const bad = source.file('bad', ['good piece', 'bad piece']);
  source.damaged.add(bad.content.subarray(32).toString('hex'));
  const report = await run([bad, source.file('good', ['good'])]);
  assert.deepEqual(fs.readdirSync(to), ['good']);
  assert.deepEqual(warnings, ['bad: ERR_REPOSITORY_DAMAGED']);
  assert.equal(report.failed, 1);
});

test('a missing tree costs its directory content, and --delete removes nothing there', async (t) => {
  const { source, to, warnings, run } = place(t);
  fs.mkdirSync(path.join(to, 'lost'), { recursive: true });
  fs.writeFileSync(path.join(to, 'lost', 'kept'), 'kept');
  const lost = node('lost', S_IFDIR | 0o755, { subtree: Buffer.alloc(32, 7) });
  await run([lost, source.file('z', ['z'])], { delete: true });
  assert.deepEqual(fs.readdirSync(path.join(to, 'lost')), ['kept']);
  assert.deepEqual(warnings, ['lost: ERR_BLOB_MISSING']);
});

test('files of equal size and mtime keep their content; others are replaced', async (t) => {
  const { source, to, run } = place(t);
  const nodes = [source.file('same', ['12345']), source.file('other', ['67890'])];
  await run(nodes);
  const before = fs.statSync(path.join(to, 'same')).ino;
  fs.writeFileSync(path.join(to, 'other'), 'xxxxx');
  const report = await run(nodes);
  assert.equal(report.keptFiles, 1);
  assert.equal(report.files, 1);
  assert.equal(fs.statSync(path.join(to, 'same')).ino, before);
  assert.equal(fs.readFileSync(path.join(to, 'other'), 'utf8'), '67890');
});

test("existing: 'keep' leaves what is there, 'refuse' reports it, 'replace' writes anew", async (t) => {
  const { source, to, run, warnings } = place(t);
  const nodes = [source.file('a', ['new'])];
  fs.mkdirSync(to);
  fs.writeFileSync(path.join(to, 'a'), 'old');
  await run(nodes, { existing: 'keep' });
  assert.equal(fs.readFileSync(path.join(to, 'a'), 'utf8'), 'old');
  await run(nodes, { existing: 'refuse' });
  assert.equal(fs.readFileSync(path.join(to, 'a'), 'utf8'), 'old');
  assert.deepEqual(warnings, ['a: EEXIST']);
  await run(nodes, { existing: 'replace' });
  assert.equal(fs.readFileSync(path.join(to, 'a'), 'utf8'), 'new');
});

test('a directory in the way of a file goes when empty or with delete, else it is reported and stays', async (t) => {
  const { source, to, run, warnings } = place(t);
  fs.mkdirSync(path.join(to, 'empty'), { recursive: true });
  fs.mkdirSync(path.join(to, 'full', 'inner'), { recursive: true });
  const nodes = [source.file('empty', ['a']), source.file('full', ['b'])];
  await run(nodes);
  assert.deepEqual(warnings, ['full: ENOTEMPTY']);
  assert.deepEqual(fs.readdirSync(to).sort(), ['empty', 'full']);
  await run(nodes, { delete: true });
  assert.equal(fs.readFileSync(path.join(to, 'full'), 'utf8'), 'b');
});

test('--delete removes what the snapshot does not hold, at every depth', async (t) => {
  const { source, to, run } = place(t);
  fs.mkdirSync(path.join(to, 'd', 'old', 'older'), { recursive: true });
  fs.writeFileSync(path.join(to, 'd', 'old', 'file'), '');
  fs.writeFileSync(path.join(to, 'stray'), '');
  const report = await run([source.directory('d', [source.file('f', ['f'])])], { delete: true });
  assert.equal(report.removed, 4);
  assert.deepEqual(fs.readdirSync(to, { recursive: true }).sort(), ['d', 'd/f']);
});

test('directories get their times after their content, read-only ones too', async (t) => {
  const { source, to, run } = place(t);
  const mtime = { sec: -5, nsec: 7 };
  const inner = source.directory('inner', [source.file('f', ['f'])], { mode: S_IFDIR | 0o555, mtime });
  await run([source.directory('outer', [inner], { mode: S_IFDIR | 0o2750, mtime })]);
  for (const name of ['outer', 'outer/inner']) {
    assert.equal(fs.statSync(path.join(to, name), { bigint: true }).mtimeNs, -4_999_999_993n, name);
  }
  assert.equal(fs.statSync(path.join(to, 'outer')).mode & 0o7777, 0o2750);
});

test('hard links become one object again, whatever was there before', async (t) => {
  const { source, to, run } = place(t);
  const link = (name: string) => source.file(name, ['shared'], { inode: 42 });
  const symlink = (name: string) => node(name, S_IFLNK | 0o777, { target: 'nowhere', inode: 43 });
  const nodes = [link('a'), source.directory('d', [link('b'), symlink('s2')]), link('z'), symlink('s1')];
  for (let i = 0; i < 2; i++) {
    await run(nodes);
    const inodes = ['a', 'd/b', 'z'].map((name) => fs.statSync(path.join(to, name)).ino);
    assert.equal(new Set(inodes).size, 1);
    assert.equal(fs.lstatSync(path.join(to, 's1')).ino, fs.lstatSync(path.join(to, 'd', 's2')).ino);
  }
  const alone = [source.file('a', ['shared']), link('z'), link('y')];
  await run(alone);
  assert.notEqual(fs.statSync(path.join(to, 'a')).ino, fs.statSync(path.join(to, 'z')).ino);
  assert.equal(fs.statSync(path.join(to, 'y')).ino, fs.statSync(path.join(to, 'z')).ino);
});

test('a path inside the snapshot: a directory becomes the target, a file goes into it', async (t) => {
  const { source, to, run } = place(t);
  const inner = source.directory('etc', [source.file('conf', ['x'])], { mode: S_IFDIR | 0o700 });
  await run([source.directory('a', [inner]), source.file('b', ['b'])], { path: '/a/etc/' });
  assert.deepEqual(fs.readdirSync(to), ['conf']);
  assert.equal(fs.statSync(to).mode & 0o777, 0o700);
  await run([source.directory('a', [inner])], { path: 'a/etc/conf', to: `${to}-2` });
  assert.deepEqual(fs.readdirSync(`${to}-2`), ['conf']);
  await assert.rejects(run([inner], { path: 'etc/nothing' }), NotInSnapshotError);
  await assert.rejects(run([inner], { path: 'etc/conf/below' }), NotInSnapshotError);
});

test('the root attributes are those given', async (t) => {
  const { to, run } = place(t);
  await run([], { root: node('', S_IFDIR | 0o711, { mtime: { sec: 10, nsec: 20 } }) });
  const stat = fs.statSync(to, { bigint: true });
  assert.deepEqual([Number(stat.mode) & 0o7777, stat.mtimeNs], [0o711, 10_000_000_020n]);
});

test('an inherited default ACL does not stay on what the snapshot has without one', async (t) => {
  const { source, to, run } = place(t);
  fs.mkdirSync(to);
  setfacl(['-d', '-m', 'u:1234:rwx', to]);
  await run([source.directory('d', [source.file('f', ['f'])], {}), source.file('g', ['g'])]);
  for (const name of ['d', 'd/f', 'g']) assert.deepEqual(listXattrsOf(path.join(to, name)), [], name);
});

test('two thousand files in many directories', async (t) => {
  const { source, to, run } = place(t);
  const directories = Array.from({ length: 100 }, (_, d) =>
    source.directory(
      `d${d}`,
      Array.from({ length: 20 }, (_, f) => source.file(`f${f}`, [`${d}/${f}`])),
    ),
  );
  const report = await run(directories);
  assert.deepEqual([report.files, report.directories, report.failed], [2_000, 100, 0]);
  assert.equal(fs.readFileSync(path.join(to, 'd99', 'f19'), 'utf8'), '99/19');
  assert.equal(fs.readdirSync('/proc/self/fd').length < 100, true);
});

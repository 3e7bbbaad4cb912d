import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { isDevice, isDir, isFile, isSymlink } from '../../src/lib/stat.ts';
import { getXattrOf, listXattrsOf } from '../../src/restore/libc.ts';
import { aclToXattr, defaultAclToXattr } from '../../src/rsync/acl.ts';
import type { FileEntry, FileList } from '../../src/rsync/entry.ts';
import { isXattrValue } from '../../src/rsync/xattr.ts';
import { type ClientStream, openClientStream, readDryRun } from '../support/client-stream.ts';
import { at, isRoot, makeTree } from '../support/make-tree.ts';
import { startRecordProxy } from '../support/record-proxy.ts';
import { startStock } from '../support/rsyncd.ts';
import { runOk } from '../support/run.ts';
import { fileScope, makeFolder, removeFolder } from '../support/temporary.ts';

const scope = fileScope();
const root = makeFolder('flist');
scope.after(() => removeFolder(root));
makeTree(root, { files: 40 });
fs.mkdirSync(`${root}/deep/${'n'.repeat(255)}/${'m'.repeat(255)}/${'o'.repeat(255)}`, { recursive: true });
fs.writeFileSync(`${root}/deep/${'n'.repeat(255)}/${'m'.repeat(255)}/${'p'.repeat(255)}`, 'x');
const stock = await startStock(scope);
const proxy = await startRecordProxy(scope, stock.port);

interface Decoded extends ClientStream {
  lists: FileList[];
  replies: number[];
  /** names the client printed, one for each reply */
  printed: string[];
}

/** What a stock client sends in a dry run, which is all of the file list and no content. */
async function record(args: string[]): Promise<Decoded> {
  const count = proxy.recordings.length;
  const url = `rsync://127.0.0.1:${proxy.port}/m/`;
  const { stdout } = await runOk('rsync', ['-n', '-8', '--out-format=%i|%n', ...args, url]);
  while (proxy.recordings.length === count) await new Promise((done) => setImmediate(done));
  const stream = openClientStream(proxy.recordings[count]);
  const printed = [...stdout.matchAll(/^\S{11}\|(.*)\n/gm)].map((found) => unescaped(found[1]));
  return { ...stream, ...readDryRun(stream), printed };
}

/** rsync prints a byte that is not printable as a backslash, # and three octal digits. */
function unescaped(name: string): string {
  return name.replace(/\\#([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function entriesOf(lists: FileList[]): FileEntry[] {
  return lists.flatMap((list) => list.entries).filter((entry) => entry !== undefined);
}

/** All paths of the tree, '.' for its root, as latin1-tagged bytes. */
function walk(folder: string, path: string, found: string[] = ['.']): string[] {
  for (const name of fs.readdirSync(path === '' ? folder : at(folder, path), { encoding: 'latin1' })) {
    const child = path === '' ? name : `${path}/${name}`;
    found.push(child);
    if (fs.lstatSync(at(folder, child)).isDirectory()) walk(folder, child, found);
  }
  return found;
}

function assertSameAsDisk(decoded: Decoded): void {
  const entries = entriesOf(decoded.lists);
  assert.deepEqual(entries.map((entry) => entry.path).sort(), walk(root, '').sort());
  const groups = new Map<string, number>();
  for (const entry of entries) {
    const stat = fs.lstatSync(at(root, entry.path), { bigint: true });
    assertSameStat(entry, stat, decoded);
    const { options, protocol } = decoded;
    const linkable = protocol < 28 ? isFile(entry.mode) : !isDir(entry.mode);
    if (options.hardLinks && linkable && stat.nlink > 1n) {
      assert.ok(entry.hardLink >= 0, `${entry.path} is not in a group`);
      const key = String(stat.ino);
      assert.equal(entry.hardLink, groups.get(key) ?? entry.hardLink, entry.path);
      groups.set(key, entry.hardLink);
    } else {
      assert.equal(entry.hardLink, -1, entry.path);
    }
    if (options.acls) assertSameAcls(entry);
    if (options.xattrs) assertSameXattrs(entry);
  }
  assert.equal(new Set(groups.values()).size, groups.size, 'two inodes are in one group');
}

function assertSameStat(entry: FileEntry, stat: fs.BigIntStats, { settings, protocol, options }: Decoded): void {
  const { path } = entry;
  assert.equal(entry.mode, Number(stat.mode), path);
  assert.equal(entry.size, isFile(entry.mode) || isSymlink(entry.mode) ? Number(stat.size) : 0, path);
  const seconds = stat.mtimeNs / 1_000_000_000n - (stat.mtimeNs % 1_000_000_000n < 0n ? 1n : 0n);
  assert.equal(entry.mtime, protocol >= 30 ? Number(seconds) : Number(BigInt.asUintN(32, seconds)), path);
  assert.equal(entry.mtimeNsec, protocol >= 31 ? Number(stat.mtimeNs - seconds * 1_000_000_000n) : 0, path);
  assert.deepEqual([entry.uid, entry.gid], [Number(stat.uid), Number(stat.gid)], path);
  if (options.atimes && !isDir(entry.mode)) assert.equal(entry.atime, Math.floor(Number(stat.atimeMs) / 1000), path);
  else assert.equal(entry.atime, undefined, path);
  if (isSymlink(entry.mode)) assert.equal(entry.target, fs.readlinkSync(at(root, path), 'latin1'), path);
  if (isDevice(entry.mode)) {
    const rdev = stat.rdev;
    assert.equal(entry.rdevMajor, Number((rdev >> 8n) & 0xfffn), path);
    assert.equal(entry.rdevMinor, Number((rdev & 0xffn) | ((rdev >> 12n) & 0xfff00n)), path);
  }
  assert.equal(entry.hasContent, isDir(entry.mode), path);
  assert.equal(entry.topDir, path === '.', path);
  const root0 = settings.numericIds ? '' : 'root';
  if (entry.uid === 0) assert.equal(entry.user, root0, path);
  if (entry.uid === 33) assert.equal(entry.user, settings.numericIds ? '' : 'www-data', path);
  if (entry.gid === 0) assert.equal(entry.group, root0, path);
  assert.equal(
    entry.digest?.length,
    settings.digestLength > 0 && isFile(entry.mode) ? settings.digestLength : undefined,
  );
}

function xattrOf(path: string, name: string): Buffer | undefined {
  const file = `${root}/${path}`;
  return listXattrsOf(file).includes(name) ? getXattrOf(file, name) : undefined;
}

function assertSameAcls(entry: FileEntry): void {
  if (isSymlink(entry.mode)) return;
  assert.deepEqual(aclToXattr(entry.acl!, entry.mode), xattrOf(entry.path, 'system.posix_acl_access'), entry.path);
  if (!isDir(entry.mode)) return;
  assert.deepEqual(defaultAclToXattr(entry.defaultAcl!), xattrOf(entry.path, 'system.posix_acl_default'), entry.path);
}

function assertSameXattrs(entry: FileEntry): void {
  const file = `${root}/${entry.path}`;
  const names = listXattrsOf(file).filter((name) => !name.startsWith('system.'));
  const sent = entry.xattrs!;
  assert.deepEqual(
    sent.map((x) => x.name),
    names.sort(),
    entry.path,
  );
  for (const x of sent) assert.ok(isXattrValue(x, getXattrOf(file, x.name)), `${entry.path} ${x.name}`);
}

/** Every reply's index must be that of the name the client printed with it: both sides count alike. */
function assertSameIndices({ lists, replies, printed }: Decoded): void {
  assert.equal(replies.length, printed.length);
  replies.forEach((index, i) => {
    const name = printed[i].replace(/^\/|\/$/g, '').replace(/^$/, '.');
    const list = lists.findLast((l) => l.first - 1 <= index)!;
    const path = index === list.first - 1 ? list.parentPath || '.' : list.entries[index - list.first]?.path;
    assert.equal(path, name, `index ${index}`);
  });
}

const cases: [protocols: number[], args: string[]][] = [
  [[27, 28, 29, 30, 31, 32], ['-a']],
  [[27, 28, 29, 30, 31, 32], ['-aH']],
  [
    [28, 29, 30, 31, 32],
    ['-aHc', '--numeric-ids'],
  ],
  [
    [30, 31, 32],
    ['-aH', '--no-inc-recursive'],
  ],
  [[28, 30, 31, 32], ['-aU']],
  [[30, 31, 32], ['-aHAX']],
  [
    [30, 31, 32],
    ['-aHAX', '--no-inc-recursive'],
  ],
  [[32], ['-aHAXc', '--numeric-ids', '--checksum-choice=xxh64', '--exclude=nothing', '--delete']],
  [[32], ['-aHAXc', '--no-inc-recursive', '--delete-excluded', '-z']],
];

for (const [protocols, args] of cases) {
  for (const protocol of protocols) {
    test(`${args.join(' ')} --protocol=${protocol}: the list is the tree`, {
      skip: !isRoot && 'needs root',
    }, async () => {
      const decoded = await record([...args, `--protocol=${protocol}`, `${root}/`]);
      assert.equal(decoded.protocol, protocol);
      assert.equal(decoded.settings.incremental, protocol >= 30 && !args.includes('--no-inc-recursive'));
      assertSameAsDisk(decoded);
      if (protocol >= 29) assertSameIndices(decoded);
    });
  }
}

/** Paths of a dry run of several arguments; the indices of replies must fit. With aliases, stock asks for both. */
async function pathsOf(args: string[], cwd: string, aliases = false): Promise<Decoded> {
  const count = proxy.recordings.length;
  const { stdout } = await runOk(
    'rsync',
    ['-n', '-8', '--out-format=%i|%n', ...args, `rsync://127.0.0.1:${proxy.port}/m/`],
    { cwd },
  );
  while (proxy.recordings.length === count) await new Promise((done) => setImmediate(done));
  const stream = openClientStream(proxy.recordings[count]);
  const printed = [...stdout.matchAll(/^\S{11}\|(.*)\n/gm)].map((found) => unescaped(found[1]));
  const decoded = { ...stream, ...readDryRun(stream), printed };
  if (!aliases) assertSameIndices(decoded);
  return decoded;
}

const shapes = makeFolder('shapes');
scope.after(() => removeFolder(shapes));
for (const file of [
  'a/b/c/one',
  'a/b/two',
  'a/three',
  'x/sub/four',
  'x/both/dir',
  'y/sub/five',
  'y/both',
  'y/six',
  '-z',
]) {
  fs.mkdirSync(path.dirname(`${shapes}/${file}`), { recursive: true });
  fs.writeFileSync(`${shapes}/${file}`, file);
}

const shapeCases: [args: string[], paths: string[]][] = [
  [
    ['-a', 'a'],
    ['a', 'a/b', 'a/b/c', 'a/b/c/one', 'a/b/two', 'a/three'],
  ],
  [
    ['-a', 'a/'],
    ['.', 'b', 'b/c', 'b/c/one', 'b/two', 'three'],
  ],
  [['-a', './'], walk(shapes, '')],
  [['-a', '.'], walk(shapes, '')],
  [
    ['-a', 'a/../x//sub/./'],
    ['.', 'four'],
  ],
  [
    ['-aR', 'a/b/c', 'a/three'],
    ['a', 'a/b', 'a/b/c', 'a/b/c/one', 'a/three'],
  ],
  [
    ['-aR', './a/b/two'],
    ['.', 'a', 'a/b', 'a/b/two'],
  ],
  [
    ['-aR', 'a/./b/c'],
    ['b', 'b/c', 'b/c/one'],
  ],
  [
    ['-aR', 'a//b/./c/one', 'x/sub/'],
    ['c', 'c/one', 'x', 'x/sub', 'x/sub/four'],
  ],
  [['-aR', '.'], walk(shapes, '')],
  [
    ['-a', '--', '-z', 'a/three'],
    ['-z', 'three'],
  ],
  [
    ['-d', 'a/'],
    ['.', 'b', 'three'],
  ],
  [
    ['-dR', 'a/b/'],
    ['a', 'a/b', 'a/b/c', 'a/b/two'],
  ],
  [
    ['-a', 'x/', 'y/'],
    ['.', 'both', 'both/dir', 'six', 'sub', 'sub/five', 'sub/four'],
  ],
  [
    ['-a', 'y/', 'x/'],
    ['.', 'both', 'both/dir', 'six', 'sub', 'sub/five', 'sub/four'],
  ],
  [
    ['-a', 'x/sub', 'y/sub'],
    ['sub', 'sub/five', 'sub/four'],
  ],
  [
    ['-a', 'a', 'a', 'a/'],
    ['.', 'a', 'a/b', 'a/b/c', 'a/b/c/one', 'a/b/two', 'a/three', 'b', 'b/c', 'b/c/one', 'b/two', 'three'],
  ],
];

for (const [args, paths] of shapeCases) {
  for (const extra of [[], ['--no-inc-recursive'], ['--protocol=30'], ['--protocol=29']]) {
    test(`${[...args, ...extra].join(' ')}: names as the client has them`, async () => {
      const decoded = await pathsOf([...extra, ...args], shapes);
      const found = entriesOf(decoded.lists).map((entry) => entry.path);
      assert.deepEqual(found.sort(), paths.toSorted());
    });
  }
}

test('-R with paths from the root, with and without their slash', async () => {
  const absolute = `${shapes}/a`;
  const decoded = await pathsOf(['-aR', `${absolute}/b/c`, `${absolute}/three`], shapes);
  const below = absolute.slice(1);
  const parents = below.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/'));
  const expected = [...parents, `${below}/b`, `${below}/b/c`, `${below}/b/c/one`, `${below}/three`];
  assert.deepEqual(
    entriesOf(decoded.lists)
      .map((entry) => entry.path)
      .sort(),
    expected.sort(),
  );
  const implied = entriesOf(decoded.lists).filter((entry) => entry.topDir && !entry.hasContent);
  assert.deepEqual(implied.map((entry) => entry.path).sort(), [...parents, `${below}/b`].sort());
  for (const extra of [[], ['--no-inc-recursive'], ['--protocol=29']]) {
    const twice = await pathsOf([...extra, '-aR', `${absolute}/three`, absolute.slice(1)], '/', true);
    const paths = entriesOf(twice.lists).map((entry) => entry.path);
    assert.ok(paths.includes(`${below}/b/c/one`));
    // in incremental mode each of the two has its own lists, as stock has it
    if (extra.length > 0) assert.equal(paths.filter((name) => name === below).length, 1);
  }
});

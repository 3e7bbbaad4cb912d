import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { S_IFCHR, S_IFIFO, S_IFREG } from '../../src/lib/stat.ts';
import { describeUnset } from '../../src/restore/report.ts';
import { restore } from '../../src/restore/restore.ts';
import { isRoot } from '../support/make-tree.ts';
import { MemorySource, node } from '../support/memory-source.ts';
import { temporaryFolder } from '../support/temporary.ts';

const NOBODY = 65534;

/** Acts with the file-system rights of another user; as that user already, when the tests do not run as root. */
async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  if (!isRoot) return act();
  process.setegid!(NOBODY);
  process.seteuid!(NOBODY);
  try {
    return await act();
  } finally {
    process.seteuid!(0);
    process.setegid!(0);
  }
}

test('without root everything else is restored, and what could not be set is counted by kind', async (t) => {
  const folder = temporaryFolder(t, 'privileges');
  fs.chmodSync(folder, 0o777);
  const source = new MemorySource();
  const own = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const secret = { name: 'security.capability', value: Buffer.from('0100000200040000000000000000000000000000', 'hex') };
  const nodes = [
    source.file('a', ['a'], { uid: 1, gid: 1, mode: S_IFREG | 0o4755 }),
    source.file('b', ['b'], { uid: 2, gid: 2 }),
    source.file('c', ['c'], { ...own, mode: S_IFREG | 0o2711 }),
    node('device', S_IFCHR | 0o666, { rdevMajor: 1, rdevMinor: 3 }),
    node('fifo', S_IFIFO | 0o600, own),
    source.file('x', ['x'], { ...own, xattrs: [{ name: 'trusted.t', value: Buffer.from('t') }, secret] }),
  ];
  const to = path.join(folder, 'to');
  const report = await asNobody(() =>
    restore({ repository: source.repository, blobs: source.blobs, tree: source.tree(nodes), to }),
  );
  assert.equal(report.failed, 0);
  assert.deepEqual(fs.readdirSync(to).sort(), ['a', 'b', 'c', 'fifo', 'x']);
  assert.equal(fs.statSync(path.join(to, 'a')).mode & 0o7777, 0o755, 'no set-user-ID without the owner');
  assert.equal(fs.statSync(path.join(to, 'c')).mode & 0o7777, 0o2711);
  const counts = Object.fromEntries([...report.unset].map(([kind, { count }]) => [kind, count]));
  assert.deepEqual(counts, { owner: 2, 'set-ID bits': 1, device: 1, 'xattr trusted.*': 1, 'xattr security.*': 1 });
  assert.match(describeUnset(report)[0], /^owner: not set on 2 \(EPERM; first: a\)$/);
});

test('without root a read-only directory of an earlier restore is filled again', async (t) => {
  const folder = temporaryFolder(t, 'privileges');
  fs.chmodSync(folder, 0o777);
  const source = new MemorySource();
  const own = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const inside = (content: string) =>
    source.file('inside', [content], { ...own, mtime: { sec: content.length, nsec: 0 } });
  const tree = (content: string) => source.tree([source.directory('d', [inside(content)], { ...own, mode: 0o040555 })]);
  const to = path.join(folder, 'to');
  for (const content of ['one', 'three', 'eleven']) {
    const at = { repository: source.repository, blobs: source.blobs, tree: tree(content), to, delete: true };
    const report = await asNobody(() => restore(at));
    assert.equal(report.failed, 0);
    assert.equal(fs.readFileSync(path.join(to, 'd', 'inside'), 'utf8'), content);
    assert.equal(fs.statSync(path.join(to, 'd')).mode & 0o7777, 0o555);
  }
  const report = await asNobody(() =>
    restore({ repository: source.repository, blobs: source.blobs, tree: source.tree([]), to, delete: true }),
  );
  assert.equal(report.removed, 2);
});

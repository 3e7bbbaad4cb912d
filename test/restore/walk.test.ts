import assert from 'node:assert/strict';
import { test } from 'node:test';
import { S_IFDIR, S_IFLNK, S_IFREG } from '../../src/lib/stat.ts';
import type { TreeNode } from '../../src/repository/tree.ts';
import { type Difference, diffTrees } from '../../src/restore/diff.ts';
import { walkTree } from '../../src/restore/walk.ts';
import { MemorySource, node } from '../support/memory-source.ts';

test('a walk lists everything, directories before what is in them', async () => {
  const source = new MemorySource();
  const deep = source.directory('b', [source.directory('c', [source.file('d', ['d'])]), source.file('e', ['e'])]);
  const tree = source.tree([source.file('a', ['a']), deep, source.file('\xff', ['f'])]);
  const paths: string[] = [];
  for await (const { path } of walkTree(source, tree)) paths.push(path);
  assert.deepEqual(paths, ['a', 'b', 'b/c', 'b/c/d', 'b/e', '\xff']);
});

async function differences(source: MemorySource, before: TreeNode[], after: TreeNode[]): Promise<string[]> {
  const found: Difference[] = [];
  for await (const each of diffTrees(source, source.tree(before), source.tree(after))) found.push(each);
  return found.map((each) => `${each.kind} ${each.path}${each.kind === 'changed' ? ` ${each.aspects.join(',')}` : ''}`);
}

test('a diff tells of what was added, removed and changed, in the order of names', async () => {
  const source = new MemorySource();
  const before = [
    source.directory('gone', [source.file('inner', ['x'])]),
    source.directory('same', [source.file('unread', ['x'])]),
    source.directory('sub', [source.file('edited', ['old']), source.file('kept', ['x'])]),
    source.file('touched', ['t']),
    node('turned', S_IFLNK | 0o777, { target: 'x' }),
  ];
  const after = [
    source.file('added', ['x']),
    before[1],
    source.directory('sub', [source.file('edited', ['new']), source.file('kept', ['x'])], { mode: S_IFDIR | 0o700 }),
    source.file('touched', ['t'], { mtime: { sec: 1, nsec: 1 }, mode: S_IFREG | 0o600, uid: 77 }),
    source.directory('turned', [source.file('below', ['x'])]),
  ];
  assert.deepEqual(await differences(source, before, after), [
    'added added',
    'removed gone',
    'removed gone/inner',
    'changed sub mode',
    'changed sub/edited content',
    'changed touched mode,owner,mtime',
    'changed turned type,mode,target',
    'added turned/below',
  ]);
});

test('subtrees of equal ID are not read', async () => {
  const source = new MemorySource();
  const same = source.directory('same', [source.file('x', ['x'])]);
  const renamed = { ...same, name: 'other', mode: S_IFDIR | 0o700 };
  await differences(source, [same], [{ ...same, mode: renamed.mode }]);
  assert.equal(source.loads, 2); // the two roots
});

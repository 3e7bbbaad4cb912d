import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { isDir, isFile } from '../../src/lib/stat.ts';
import type { Entry } from '../../src/vault/entry.ts';
import { StateStore } from '../../src/vault/state/store.ts';
import { Random } from '../support/random.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { directory, plain, randomEntry } from './helpers.ts';

/** The same state in plain maps. */
class Model {
  readonly directories = new Map<string, Entry[]>();
  readonly dirty = new Set<string>();

  write(at: string, entries: Entry[]): void {
    this.directories.set(at, entries);
    this.dirty.add(at);
    this.mark(at);
  }

  mark(at: string): void {
    for (let p = at; ; p = parent(p)) {
      if (this.directories.has(p)) this.dirty.add(p);
      if (p === '') return;
    }
  }

  remove(at: string): void {
    for (const p of [...this.directories.keys()]) {
      if (p !== at && !p.startsWith(`${at}/`) && at !== '') continue;
      this.directories.delete(p);
      this.dirty.delete(p);
    }
    if (at !== '') this.mark(parent(at));
  }

  commit(): void {
    this.dirty.clear();
  }

  totals() {
    let [files, bytes] = [0, 0];
    for (const entries of this.directories.values()) {
      for (const e of entries) {
        if (!isDir(e.mode)) files++;
        if (isFile(e.mode)) bytes += e.size;
      }
    }
    return { files, directories: this.directories.size, bytes };
  }
}

const parent = (p: string) => (p.includes('/') ? p.slice(0, p.lastIndexOf('/')) : '');

const NAMES = ['a', 'a-b', 'a.b', 'a0', 'b', '\xff', '\xe4\xf6', ' ', 'A', '\u0001', 'zz'];

function randomPath(random: Random): string {
  const parts: string[] = [];
  for (let depth = random.below(4); depth > 0; depth--) parts.push(random.pick(NAMES));
  return parts.join('/');
}

for (let seed = 1; seed <= 8; seed++) {
  test(`random writes, removals, commits and reopenings leave what a plain model has (seed ${seed})`, (t) => {
    const file = path.join(temporaryFolder(t), 'state.db');
    const random = new Random(seed);
    const model = new Model();
    let store = StateStore.open(file);
    for (let step = 0; step < 400; step++) {
      const at = randomPath(random);
      switch (random.below(8)) {
        case 0:
          store.removeDir(at);
          model.remove(at);
          break;
        case 1:
          store.markDirty(at);
          model.mark(at);
          break;
        case 2:
          for (const p of store.dirtyPaths()) store.setTree(p, random.bytes(32));
          model.commit();
          break;
        case 3:
          store.checkpoint();
          if (random.below(3) === 0) {
            store.close();
            store = StateStore.open(file);
          }
          break;
        default: {
          const names = NAMES.filter(() => random.below(3) === 0).sort();
          const entries = names.map((name) => (random.below(4) === 0 ? directory(name) : randomEntry(random, name)));
          store.writeDir(at, entries);
          model.write(at, entries);
        }
      }
      if (step % 20 === 0) compare(store, model);
    }
    compare(store, model);
    store.removeDir('');
    assert.deepEqual(store.totals(), { files: 0, directories: 0, bytes: 0 });
    store.checkpoint();
    store.close();
  });
}

function compare(store: StateStore, model: Model): void {
  assert.deepEqual(store.totals(), model.totals());
  const dirty = [...store.dirtyPaths()];
  assert.deepEqual([...dirty].sort(), [...model.dirty].sort());
  dirty.forEach((at, i) => {
    for (const later of dirty.slice(i + 1)) assert.ok(!later.startsWith(`${at}/`), 'a child comes after its parent');
  });
  assert.equal(store.hasDirty(), model.dirty.size > 0);
  for (const [at, entries] of model.directories) assert.deepEqual(store.readDir(at)?.map(plain), entries.map(plain));
  for (const name of NAMES) if (!model.directories.has(name)) assert.equal(store.readDir(name), undefined);
}

test('walk goes parents first, names in byte order, and only where entries lead', (t) => {
  const store = StateStore.open(path.join(temporaryFolder(t), 'state.db'));
  store.writeDir('', [directory('a'), directory('a-b'), directory('b')]);
  store.writeDir('a', [directory('x')]);
  store.writeDir('a/x', []);
  store.writeDir('a-b', []);
  store.writeDir('b', []);
  store.writeDir('c', []);
  assert.deepEqual(
    [...store.walk('')].map((d) => d.path),
    ['', 'a', 'a/x', 'a-b', 'b'],
  );
  assert.deepEqual(
    [...store.walk('a')].map((d) => d.path),
    ['a', 'a/x'],
  );
  store.close();
});

test('what was not checkpointed is gone after a crash, what was is there', (t) => {
  const file = path.join(temporaryFolder(t), 'state.db');
  const store = StateStore.open(file);
  store.writeDir('', [directory('a')]);
  store.checkpoint();
  store.writeDir('a', []);
  const inode = store.nextInode();
  store.close();
  const again = StateStore.open(file);
  assert.deepEqual(again.totals(), { files: 0, directories: 1, bytes: 0 });
  assert.equal(again.readDir('a'), undefined);
  assert.equal(again.nextInode(), inode);
  again.close();
});

test('two connections in turn see and keep what the other wrote', (t) => {
  const file = path.join(temporaryFolder(t), 'state.db');
  const a = StateStore.open(file);
  a.writeDir('', [directory('d')]);
  a.writeDir('d', []);
  a.nextInode();
  a.checkpoint();
  const b = StateStore.open(file);
  for (const p of b.dirtyPaths()) b.setTree(p, Buffer.alloc(32, 1));
  assert.equal(b.nextInode(), 2);
  b.checkpoint();
  assert.equal(a.hasDirty(), false);
  a.writeDir('d', []);
  assert.deepEqual([...a.dirtyPaths()], ['d', ''], 'the root, marked dirty before, is marked again');
  assert.equal(a.nextInode(), 3);
  a.checkpoint();
  assert.deepEqual(b.totals(), a.totals());
  const reader = StateStore.open(file, { readOnly: true });
  assert.deepEqual(
    reader.readDir('')?.map((e) => e.name),
    ['d'],
  );
  assert.throws(() => reader.writeDir('x', []));
  for (const store of [a, b, reader]) store.close();
});

test('blob lists kept apart go with the last file that has them', (t) => {
  const file = path.join(temporaryFolder(t), 'state.db');
  const store = StateStore.open(file);
  const random = new Random(3);
  const big = (name: string, blobs: Buffer) => ({ ...randomEntry(random, name), mode: 0o100644, size: 1, blobs });
  const [one, two] = [random.bytes(32 * 20), random.bytes(32 * 30)];
  const bytes = () => [...store.walk('')].flatMap((d) => d.entries).map((e) => e.blobs.length);
  store.writeDir('', [big('a', one), big('b', one), directory('d')]);
  store.writeDir('d', [big('c', one)]);
  assert.deepEqual(bytes(), [640, 640, 0, 640]);
  store.writeDir('', [directory('d')]);
  store.writeDir('d', [big('c', one), big('e', two)]);
  assert.deepEqual(bytes(), [0, 640, 960]);
  store.writeDir('d', [big('e', two)]);
  assert.equal(store.countContents(), 1);
  store.removeDir('d');
  assert.equal(store.countContents(), 0);
  store.close();
});

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { S_IFDIR, S_IFREG } from '../../src/lib/stat.ts';
import { commitSnapshot } from '../../src/vault/commit.ts';
import type { Entry } from '../../src/vault/entry.ts';
import { Random } from '../support/random.ts';
import { resticCheck, resticRestore } from '../support/restic.ts';
import { run, runOk } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { directory, entry, meta, storeContents, type TestVault, testVault, withState } from './helpers.ts';

const count = (vault: TestVault, folder: string) =>
  readdirSync(path.join(vault.layout.repository, folder), { recursive: true, withFileTypes: true }).filter((e) =>
    e.isFile(),
  ).length;
const own = { uid: process.getuid!(), gid: process.getgid!() };

/** A small tree: a, b/c, b/d/e, empty directories; contents in one data pack. */
async function push(vault: TestVault, text: string, complete = true) {
  const { packs, ids } = await storeContents(
    vault.repository,
    ['one', `two ${text}`, 'three'].map((s) => Buffer.from(s)),
  );
  withState(vault.layout, (store) => {
    for (const pack of packs) store.addPack(pack);
    const file = (name: string, i: number, size: number, more: Partial<Entry> = {}) =>
      entry(name, { ...own, blobs: ids[i], size, ...more });
    store.writeRoot(directory('', { ...own, mode: S_IFDIR | 0o750, user: 'owner' }));
    store.writeDir('', [file('a', 0, 3), directory('b', own), directory('empty', own), directory('other', own)]);
    store.writeDir('b', [file('c', 1, 4 + text.length, { mode: S_IFREG | 0o600 }), directory('d', own)]);
    store.writeDir('b/d', [file('e', 2, 5)]);
    store.writeDir('empty', []);
    store.writeDir('other', []);
  });
  return commitSnapshot(
    vault.repository,
    vault.layout,
    meta({ complete, created: 2, transferred: 3, wireIn: 100, wireOut: 10 }),
  );
}

test('stock restic checks, lists and restores a committed state; its root is the root of the module', async (t) => {
  const vault = await testVault(t);
  const { id } = await push(vault, 'first');
  await resticCheck(vault.info);
  const list = await runOk('restic', [
    '-r',
    vault.info.repository,
    '-p',
    vault.info.passwordFile,
    '--no-cache',
    'ls',
    id.slice(0, 8),
  ]);
  assert.deepEqual(list.stdout.trim().split('\n').slice(1), ['/a', '/b', '/b/c', '/b/d', '/b/d/e', '/empty', '/other']);
  const to = await resticRestore(vault.info, temporaryFolder(t));
  assert.equal(readFileSync(path.join(to, 'b/c'), 'latin1'), 'two first');
  assert.equal(statSync(path.join(to, 'b/c')).mode & 0o777, 0o600);
  assert.equal(statSync(path.join(to, 'b/d/e')).mtimeMs, 1_600_000_000_123.4568);
  assert.deepEqual(readdirSync(path.join(to, 'empty')), []);
});

test('the snapshot says what restic and we want to know', async (t) => {
  const vault = await testVault(t);
  const first = await push(vault, 'first');
  const second = await push(vault, 'second');
  const snapshot = await vault.repository.loadSnapshot(second.id);
  assert.equal(snapshot.parent, first.id);
  assert.equal(snapshot.hostname, 'demo');
  assert.deepEqual(snapshot.paths, ['/']);
  assert.deepEqual(snapshot.tags, ['nightdrop']);
  const { summary, nightdrop } = snapshot;
  assert.deepEqual(
    [summary!.files_new, summary!.files_changed, summary!.total_files_processed, summary!.total_bytes_processed],
    [2, 1, 3, 18],
  );
  assert.deepEqual([summary!.tree_blobs, summary!.dirs_changed], [2, 5], 'only the root and b have new trees');
  assert.equal(nightdrop!.sequence, 2);
  assert.equal((nightdrop!.root as { user: string }).user, 'owner');
  const shown = JSON.parse(
    (
      await runOk('restic', [
        '-r',
        vault.info.repository,
        '-p',
        vault.info.passwordFile,
        '--no-cache',
        'snapshots',
        '--json',
      ])
    ).stdout,
  );
  assert.deepEqual(
    shown.map((s: { id: string }) => s.id),
    [first.id, second.id],
  );
});

test('nothing changed: a snapshot and nothing else; the tree of a directory that did not change is kept', async (t) => {
  const vault = await testVault(t);
  await push(vault, 'x');
  const before = [count(vault, 'data'), count(vault, 'index'), count(vault, 'snapshots')];
  assert.deepEqual(before, [2, 1, 1], 'a data pack, a tree pack, their index');
  const trees = () =>
    withState(vault.layout, (store) => ['', 'b', 'b/d', 'empty'].map((p) => store.treeOf(p)!.toString('hex')));
  const old = trees();
  await commitSnapshot(vault.repository, vault.layout, meta());
  assert.deepEqual([count(vault, 'data'), count(vault, 'index'), count(vault, 'snapshots')], [2, 1, 2]);
  assert.deepEqual(trees(), old);
  // written again with what it had: dirty, but the tree is there already
  withState(vault.layout, (store) => store.writeDir('b/d', store.readDir('b/d')!));
  await commitSnapshot(vault.repository, vault.layout, meta());
  assert.deepEqual([count(vault, 'data'), count(vault, 'index'), count(vault, 'snapshots')], [2, 1, 3]);
  assert.deepEqual(trees(), old);
  await resticCheck(vault.info);
});

test('an incomplete snapshot is never the latest, for us or for restic, whatever the clock does', async (t) => {
  const vault = await testVault(t);
  const latest = async () =>
    JSON.parse(
      (
        await runOk('restic', [
          '-r',
          vault.info.repository,
          '-p',
          vault.info.passwordFile,
          '--no-cache',
          'snapshots',
          '--json',
          'latest',
        ])
      ).stdout,
    )[0].id;
  const now = Date.now();
  const commit = (complete: boolean, startedAt: number) =>
    commitSnapshot(vault.repository, vault.layout, meta({ complete, startedAt }));
  withState(vault.layout, (store) => store.writeDir('', []));
  await commit(false, now + 3_600_000);
  const a = await commit(true, now);
  assert.equal(await latest(), a.id, 'the clock went back an hour after an incomplete one');
  await commit(false, now + 1000);
  await commit(false, now + 2000);
  assert.equal(await latest(), a.id);
  const b = await commit(true, now - 86_400_000);
  assert.equal(await latest(), b.id, 'the clock went back a day');
  await commit(false, now);
  assert.equal(await latest(), b.id);
  const { nightdrop, tags } = await vault.repository.loadSnapshot((await commit(false, now)).id);
  assert.equal(nightdrop!.started_at, new Date(now).toISOString(), 'the true time is kept');
  assert.deepEqual(tags, ['nightdrop', 'incomplete']);
});

test('a content that was never stored gets into no snapshot', async (t) => {
  const vault = await testVault(t);
  await push(vault, 'x');
  withState(vault.layout, (store) => store.writeDir('other', [entry('lost', { blobs: Buffer.alloc(32, 5), size: 9 })]));
  await assert.rejects(commitSnapshot(vault.repository, vault.layout, meta()), {
    code: 'ERR_BLOB_MISSING',
    message: /other\/lost/,
  });
  assert.equal(count(vault, 'snapshots'), 1);
  await resticCheck(vault.info);
});

test('restic lists a wide and deep tree with names of all kinds', async (t) => {
  const vault = await testVault(t);
  const random = new Random(9);
  const contents = Array.from({ length: 300 }, () => Buffer.from(random.bytes(random.below(3000))));
  const { packs, ids } = await storeContents(vault.repository, contents);
  withState(vault.layout, (store) => {
    for (const pack of packs) store.addPack(pack);
    const fill = (at: string, depth: number): void => {
      const files = Array.from({ length: 10 }, (_, i) => {
        const k = random.below(300);
        return entry(`f${i}\xe4${i === 3 ? '"\\\n' : ''}`, {
          blobs: Buffer.concat(Array(1 + random.below(30)).fill(ids[k])),
          size: 1,
        });
      });
      const names = depth === 0 ? [] : ['d', 'd-', 'd.', `d${depth}`].sort();
      store.writeDir(
        at,
        [...names.map((name) => directory(name)), ...files].sort((a, b) => (a.name < b.name ? -1 : 1)),
      );
      for (const name of names) fill(at === '' ? name : `${at}/${name}`, depth - 1);
    };
    fill('', 4);
  });
  await commitSnapshot(vault.repository, vault.layout, meta());
  const result = await run(
    'restic',
    ['-r', vault.info.repository, '-p', vault.info.passwordFile, '--no-cache', 'ls', 'latest'],
    { timeout: 60 },
  );
  assert.equal(result.stdout.trim().split('\n').length > 3000, true);
});

test('a push of nothing into an empty vault is a snapshot of nothing', async (t) => {
  const vault = await testVault(t);
  await commitSnapshot(vault.repository, vault.layout, meta());
  await resticCheck(vault.info);
  assert.deepEqual(readdirSync(await resticRestore(vault.info, temporaryFolder(t))), []);
});

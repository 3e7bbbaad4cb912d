import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { commitSnapshot } from '../../src/vault/commit.ts';
import { contentKey } from '../../src/vault/content.ts';
import type { Entry } from '../../src/vault/entry.ts';
import { ensureState } from '../../src/vault/prepare.ts';
import { looksSound } from '../../src/vault/sound.ts';
import { resticCheck, resticRestore } from '../support/restic.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { directory, dump, entry, meta, storeContents, type TestVault, testVault, withState } from './helpers.ts';

const own = { uid: process.getuid!(), gid: process.getgid!() };
const file = (name: string, id: Buffer, size: number, more: Partial<Entry> = {}) =>
  entry(name, { ...own, blobs: id, size, ...more });
const dir = (name: string) => directory(name, own);

/** a/one, b/two, both committed. */
async function started(vault: TestVault): Promise<Buffer[]> {
  const { packs, ids } = await storeContents(
    vault.repository,
    ['one', 'two'].map((s) => Buffer.from(s)),
  );
  withState(vault.layout, (store) => {
    for (const pack of packs) store.addPack(pack);
    store.writeRoot(directory('', own));
    store.writeDir('', [dir('a'), dir('b')]);
    store.writeDir('a', [file('one', ids[0], 3)]);
    store.writeDir('b', [file('two', ids[1], 3)]);
  });
  await commitSnapshot(vault.repository, vault.layout, meta());
  return ids;
}

test('after a push that ended well there is nothing to do, and nothing is written', async (t) => {
  const vault = await testVault(t);
  assert.equal(looksSound(vault.layout), true, 'a new vault');
  await started(vault);
  const before = readdirSync(vault.layout.repository, { recursive: true }).length;
  assert.equal(looksSound(vault.layout), true);
  assert.deepEqual(await ensureState(vault.layout, vault.repository), []);
  assert.equal(readdirSync(vault.layout.repository, { recursive: true }).length, before);
});

test('what a cut push stored is kept; what it did not store goes back to what it was, or is left out', async (t) => {
  const vault = await testVault(t);
  const old = await started(vault);
  const { packs, ids } = await storeContents(vault.repository, [Buffer.from('three')]);
  const never = Buffer.alloc(32, 9);
  withState(vault.layout, (store) => {
    store.addPack(packs[0]);
    store.writeDir('a', [file('new', ids[0], 5), file('one', never, 4)]);
    store.writeDir('b', [file('lost', never, 4), file('two', old[1], 3)]);
    const writer = store.newSums('md5:1:0');
    writer.append(Buffer.alloc(20));
    writer.finish({
      key: contentKey(never),
      blobs: never,
      size: 4,
      mtime: 1,
      mtimeNsec: 2,
      blockLength: 1024,
      recordLength: 20,
      literalBytes: 0,
      literalRuns: 0,
    });
  });
  assert.equal(looksSound(vault.layout), false);
  const notes = await ensureState(vault.layout, vault.repository);
  assert.match(
    notes.join('\n'),
    /incomplete snapshot [0-9a-f]{8}\n2 of its files were not stored to the end: 1 are as they were before, 1 are left out/,
  );
  withState(vault.layout, (store) => {
    assert.deepEqual(
      store.readDir('a')!.map((e) => [e.name, e.size]),
      [
        ['new', 5],
        ['one', 3],
      ],
    );
    assert.deepEqual(
      store.readDir('b')!.map((e) => e.name),
      ['two'],
    );
    assert.equal(store.findMoved(4, 1, 2, 'md5:1:0'), undefined, 'sums of content that is nowhere are no basis');
    assert.equal(store.sequence, 2);
  });
  assert.equal(looksSound(vault.layout), true);
  await resticCheck(vault.info);
  const incomplete = withState(vault.layout, (store) => store.snapshotId!);
  const to = await resticRestore(vault.info, temporaryFolder(t), incomplete);
  assert.equal(
    readFileSync(path.join(to, 'a/one'), 'latin1') + readFileSync(path.join(to, 'a/new'), 'latin1'),
    'onethree',
  );
  const latest = await resticRestore(vault.info, temporaryFolder(t));
  assert.deepEqual(readdirSync(path.join(latest, 'a')), ['one']);
});

test('directories of a cut push that have no entry, or no content, are made whole', async (t) => {
  const vault = await testVault(t);
  const ids = await started(vault);
  withState(vault.layout, (store) => {
    store.writeDir('', [dir('a'), dir('b'), dir('pending')]);
    // the entries of n, n/m and n/m/deep were still in memory
    store.writeDir('n/m/deep', [file('x', ids[0], 3)]);
    store.writeDir('n/m-1', []);
    // a file became a directory, and its parent's record still says file
    store.writeDir('a/one', [file('y', ids[1], 3)]);
  });
  await ensureState(vault.layout, vault.repository);
  withState(vault.layout, (store) => {
    assert.deepEqual(
      [...store.walk('')].map((d) => `${d.path}: ${d.entries.map((e) => e.name)}`),
      [
        ': a,b,n,pending',
        'a: one',
        'a/one: y',
        'b: two',
        'n: m,m-1',
        'n/m: deep',
        'n/m/deep: x',
        'n/m-1: ',
        'pending: ',
      ],
    );
  });
  await resticCheck(vault.info);
});

test('a first push that was cut is kept too', async (t) => {
  const vault = await testVault(t);
  const { packs, ids } = await storeContents(vault.repository, [Buffer.from('x')]);
  withState(vault.layout, (store) => {
    store.addPack(packs[0]);
    store.writeDir('d', [file('x', ids[0], 1)]);
  });
  assert.match((await ensureState(vault.layout, vault.repository))[0], /incomplete snapshot/);
  assert.deepEqual(
    withState(vault.layout, (s) => s.readDir('')!.map((e) => e.name)),
    ['d'],
  );
  await resticCheck(vault.info);
});

test('packs that were durable before a crash get an index file', async (t) => {
  const vault = await testVault(t);
  await started(vault);
  const { packs, ids } = await storeContents(vault.repository, [Buffer.from('stored, not yet named')]);
  withState(vault.layout, (store) => store.addPack(packs[0]));
  assert.deepEqual(await ensureState(vault.layout, vault.repository), [
    '1 packs had no index file yet; they have one now',
  ]);
  assert.equal(readdirSync(path.join(vault.layout.repository, 'index')).length, 2);
  assert.ok(withState(vault.layout, (s) => s.hasBlob(ids[0])));
});

test('a crash between snapshot and note of it: the snapshot is taken for what it is', async (t) => {
  const vault = await testVault(t);
  await started(vault);
  const stale = readFileSync(vault.layout.stateFile);
  const { id } = await commitSnapshot(vault.repository, vault.layout, meta());
  const sound = withState(vault.layout, dump);
  writeFileSync(vault.layout.stateFile, stale);
  assert.equal(looksSound(vault.layout), false);
  assert.deepEqual(await ensureState(vault.layout, vault.repository), [], 'nothing had to be rebuilt');
  assert.equal(
    withState(vault.layout, (s) => s.snapshotId),
    id,
  );
  assert.deepEqual(withState(vault.layout, dump), sound);
});

test('packs whose process died before the state knew of them are found', async (t) => {
  const vault = await testVault(t);
  await started(vault);
  const { ids } = await storeContents(vault.repository, [Buffer.from('nobody was told')]);
  writeFileSync(path.join(vault.layout.temporary, 'data-1-x'), 'half a pack');
  assert.equal(looksSound(vault.layout), false);
  assert.match((await ensureState(vault.layout, vault.repository))[0], /1 packs that it had stored were found/);
  assert.ok(withState(vault.layout, (s) => s.hasBlob(ids[0])));
  assert.deepEqual(readdirSync(vault.layout.temporary), []);
  await resticCheck(vault.info);
});

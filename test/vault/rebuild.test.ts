import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { commitSnapshot } from '../../src/vault/commit.ts';
import { ensureState } from '../../src/vault/prepare.ts';
import { rebuildState } from '../../src/vault/rebuild.ts';
import { looksSound } from '../../src/vault/sound.ts';
import { Random } from '../support/random.ts';
import { resticCheck } from '../support/restic.ts';
import { runOk } from '../support/run.ts';
import { type Scope, temporaryFolder } from '../support/temporary.ts';
import {
  directory,
  dump,
  entry,
  meta,
  randomEntry,
  storeContents,
  type TestVault,
  testVault,
  withState,
} from './helpers.ts';

/** Three nights of a tree with all kinds of entries. */
async function nights(t: Scope): Promise<TestVault> {
  const vault = await testVault(t);
  const random = new Random(21);
  for (let night = 0; night < 3; night++) {
    const { packs, ids } = await storeContents(
      vault.repository,
      Array.from({ length: 40 }, () => Buffer.from(random.bytes(1 + random.below(5000)))),
    );
    const sound = (name: string) => {
      const e = randomEntry(random, name);
      // times that restic's format can say, and nothing that is not in it
      const blobs = e.blobs.length === 0 ? e.blobs : Buffer.concat(Array(e.blobs.length / 32).fill(random.pick(ids)));
      return {
        ...e,
        blobs,
        mtime: Math.abs(e.mtime) % 2 ** 32,
        atime: e.atime === undefined ? undefined : Math.abs(e.atime) % 2 ** 31,
        atimeSame: undefined,
      };
    };
    withState(vault.layout, (store) => {
      for (const pack of packs) store.addPack(pack);
      store.writeRoot(directory('', { uid: 5, mtime: 77, xattrs: [{ name: 'user.x', value: Buffer.from('v') }] }));
      const names = ['a', 'a-b', 'b\xff', 'c'];
      store.writeDir(
        '',
        names.map((name) => directory(name, { mtime: night })),
      );
      for (const name of names) {
        if (night > 0 && name === 'a') continue;
        store.writeDir(
          name,
          [...Array.from({ length: 12 }, (_, i) => strip(sound(`f${i}`))), directory('sub')].sort((x, y) =>
            x.name < y.name ? -1 : 1,
          ),
        );
        store.writeDir(`${name}/sub`, [entry('x', { inode: store.nextInode() })]);
      }
    });
    await commitSnapshot(vault.repository, vault.layout, meta({ complete: night !== 2 }));
  }
  return vault;
}

/** An atime equal to the mtime stands for none in a tree. */
function strip({ atimeSame: _, ...e }: ReturnType<typeof randomEntry> & { atimeSame?: unknown }) {
  return e.atime === e.mtime && e.mtimeNsec === 0 ? { ...e, atime: undefined } : e;
}

const snapshotOf = (vault: TestVault) =>
  withState(vault.layout, (s) => [
    s.snapshotId,
    s.sequence,
    s.completeTime,
    s.newestTime,
    s.checksumSeed,
    s.repositoryId,
  ]);

test('a rebuilt state equals the one that was lost', async (t) => {
  const vault = await nights(t);
  const [before, snapshot] = [withState(vault.layout, dump), snapshotOf(vault)];
  const steps: string[] = [];
  await rebuildState(vault.layout, vault.repository, ({ step, done, total }) => steps.push(`${step} ${done}/${total}`));
  assert.deepEqual(withState(vault.layout, dump), before);
  assert.deepEqual(snapshotOf(vault), snapshot);
  assert.equal(
    withState(vault.layout, (s) => s.hasDirty() || s.hasUnindexedPacks()),
    false,
  );
  assert.ok(withState(vault.layout, (s) => s.nextInode()) > 12, 'inode numbers are not given out twice');
  assert.equal(steps.at(-1), 'directories 9/9');
  assert.equal(looksSound(vault.layout), true);
});

const damages: Record<string, (file: string) => void> = {
  deleted: (file) => rmSync(file),
  empty: (file) => truncateSync(file),
  truncated: (file) => truncateSync(file, Math.floor(readFileSync(file).length / 2)),
  'overwritten in the middle': (file) => {
    const bytes = readFileSync(file);
    bytes.fill(0xa5, 4096, bytes.length - 100);
    writeFileSync(file, bytes);
  },
  'with one flipped bit in each page': (file) => {
    const bytes = readFileSync(file);
    for (let at = 4096 + 1000; at < bytes.length; at += 4096) bytes[at] ^= 4;
    writeFileSync(file, bytes);
  },
  'no database': (file) => writeFileSync(file, 'something else entirely'.repeat(100)),
  'marked as damaged': (file) => appendFileSync(`${file}.damaged`, 'found by a worker'),
};

for (const [what, damage] of Object.entries(damages)) {
  test(`a state that is ${what} is rebuilt by itself, by the time all of it was read`, async (t) => {
    const vault = await nights(t);
    const before = withState(vault.layout, dump);
    damage(vault.layout.stateFile);
    let notes = await ensureState(vault.layout, vault.repository);
    let after: unknown;
    try {
      after = withState(vault.layout, dump);
    } catch {
      // damage inside a record shows when that is read; then it is mended before the next push
      assert.equal(looksSound(vault.layout), false);
      notes = await ensureState(vault.layout, vault.repository);
      after = withState(vault.layout, dump);
    }
    assert.match(notes.join('\n'), /the state was rebuilt from the repository: 52 files in 9 directories/);
    assert.deepEqual(after, before);
    assert.equal(existsSync(`${vault.layout.stateFile}.damaged`), false);
    assert.equal(looksSound(vault.layout), true);
    await commitSnapshot(vault.repository, vault.layout, meta());
    await resticCheck(vault.info);
  });
}

test("another vault's state, and one of an earlier day, are not taken for this one's", async (t) => {
  const vault = await nights(t);
  const other = await testVault(t, 'other');
  withState(other.layout, (store) => store.writeDir('', []));
  await commitSnapshot(other.repository, other.layout, meta());
  const before = withState(vault.layout, dump);
  const earlier = readFileSync(vault.layout.stateFile);
  copyFileSync(other.layout.stateFile, vault.layout.stateFile);
  assert.match((await ensureState(vault.layout, vault.repository)).join(), /belongs to another repository/);
  assert.deepEqual(withState(vault.layout, dump), before);
  withState(vault.layout, (store) => {
    store.removeDir('c');
    store.writeDir('c', []);
  });
  await commitSnapshot(vault.repository, vault.layout, meta());
  const newer = withState(vault.layout, dump);
  writeFileSync(vault.layout.stateFile, earlier);
  assert.match((await ensureState(vault.layout, vault.repository)).join(), /older than the newest snapshot/);
  assert.deepEqual(withState(vault.layout, dump), newer);
});

const restic = (vault: TestVault, ...args: string[]) =>
  runOk('restic', ['-r', vault.info.repository, '-p', vault.info.passwordFile, '--no-cache', ...args], {
    timeout: 120,
  });

test('restic forgets, prunes and repacks beside us: the index is read again, the state stays or follows', async (t) => {
  const vault = await nights(t);
  const current = withState(vault.layout, (s) => s.snapshotId!);
  const before = withState(vault.layout, dump);
  const ids = (await restic(vault, 'snapshots', '--json')).stdout;
  const others = (JSON.parse(ids) as { id: string }[]).map((s) => s.id).filter((id) => id !== current);
  await restic(vault, 'forget', ...others);
  await restic(vault, 'prune', '--max-unused', '0', '--repack-cacheable-only=false');
  assert.equal(looksSound(vault.layout), false);
  assert.match((await ensureState(vault.layout, vault.repository)).join(), /blob index was read again/);
  assert.deepEqual(withState(vault.layout, dump), before);
  await commitSnapshot(vault.repository, vault.layout, meta());
  // now the snapshot of the state itself is taken away: an operator's decision
  await restic(
    vault,
    'forget',
    withState(vault.layout, (s) => s.snapshotId!),
    '--prune',
  );
  assert.match((await ensureState(vault.layout, vault.repository)).join(), /was removed/);
  assert.equal(
    withState(vault.layout, (s) => s.snapshotId),
    current,
  );
  assert.deepEqual(await ensureState(vault.layout, vault.repository), []);
  await resticCheck(vault.info);
});

test("restic's own snapshots in the same repository are not taken for pushes, and ours that it rewrote are found by time", async (t) => {
  const vault = await nights(t);
  const before = withState(vault.layout, dump);
  await restic(vault, 'backup', '--quiet', path.join(vault.layout.folder, 'password'));
  assert.match((await ensureState(vault.layout, vault.repository)).join(), /blob index was read again/);
  assert.deepEqual(withState(vault.layout, dump), before);
  await commitSnapshot(vault.repository, vault.layout, meta());
  await restic(vault, 'tag', '--add', 'kept', 'latest');
  const notes = await ensureState(vault.layout, vault.repository);
  assert.match(notes.join(), /was removed/);
  const { id, sequence } = withState(vault.layout, (s) => ({ id: s.snapshotId!, sequence: s.sequence }));
  assert.ok((await vault.repository.loadSnapshot(id)).tags!.includes('kept'));
  assert.equal(sequence, 3, 'as far as snapshots still say');
});

test('an empty vault and one without any state start empty', async (t) => {
  const vault = await testVault(t);
  rmSync(vault.layout.stateFile);
  await ensureState(vault.layout, vault.repository);
  assert.deepEqual(
    withState(vault.layout, (s) => [s.totals(), s.readDir(''), s.readRoot(), s.sequence]),
    [{ files: 0, directories: 0, bytes: 0 }, undefined, undefined, 0],
  );
});

test('a repository that cannot be read keeps its state, and says what is missing', async (t) => {
  const vault = await nights(t);
  const before = withState(vault.layout, dump);
  for (const name of readdirSync(path.join(vault.layout.repository, 'index'))) {
    const file = path.join(vault.layout.repository, 'index', name);
    copyFileSync(file, path.join(temporaryFolder(t), name));
    rmSync(file);
  }
  await assert.rejects(rebuildState(vault.layout, await reopened(vault)), {
    code: 'ERR_REPOSITORY_DAMAGED',
    message: /run check/,
  });
  assert.deepEqual(withState(vault.layout, dump), before);
  assert.deepEqual(readdirSync(vault.layout.temporary), []);
});

/** The same repository whose packs nobody may list: as if they were gone. */
async function reopened(vault: TestVault) {
  rmSync(path.join(vault.layout.repository, 'data'), { recursive: true });
  return vault.repository;
}

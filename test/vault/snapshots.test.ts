import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commitSnapshot } from '../../src/vault/commit.ts';
import { listSnapshots, resolveSnapshot, type SnapshotInfo } from '../../src/vault/snapshots.ts';
import { directory, meta, testVault, withState } from './helpers.ts';

function info(id: string, time: string, more: Partial<SnapshotInfo> = {}): SnapshotInfo {
  const counts = {
    files: 0,
    bytes: 0,
    changed: 0,
    deleted: 0,
    literalBytes: 0,
    matchedBytes: 0,
    wireIn: 0,
    wireOut: 0,
    storedBytes: 0,
    sequence: 0,
  };
  const snapshot = { time, tree: '', paths: [], hostname: '', username: '' };
  return {
    ...counts,
    id: id.padEnd(64, '0'),
    time,
    started: time,
    complete: true,
    hostname: '',
    tags: [],
    tree: '',
    snapshot,
    ...more,
  };
}

const some = [
  info('aaaa1', '2026-01-01T22:00:00.500Z'),
  info('aaaa2', '2026-01-02T22:00:00Z'),
  info('bbbb', '2026-01-02T21:59:59.999Z', { complete: false }),
  info('2026', '2026-01-03T22:00:00Z'),
  info('cccc', '2026-01-03T21:59:59.999Z', { complete: false }),
];

const name = (text: string) => resolveSnapshot(some, text).id.replace(/0+$/, '');

test('latest is the newest complete snapshot, whatever came in after it', () => {
  assert.equal(name('latest'), '2026');
  assert.throws(
    () =>
      resolveSnapshot(
        some.filter((s) => !s.complete),
        'latest',
      ),
    { code: 'ERR_NO_SNAPSHOT', message: /no complete snapshot/ },
  );
  assert.throws(() => resolveSnapshot([], 'latest'), { code: 'ERR_NO_SNAPSHOT' });
});

test('an ID or an unambiguous beginning names a snapshot, complete or not', () => {
  assert.equal(name('bbbb'), 'bbbb');
  assert.equal(name('aaaa2'), 'aaaa2');
  assert.equal(name('2026'), '2026', 'four digits are an ID, not a year');
  assert.equal(name('cccc'.padEnd(64, '0')), 'cccc');
  assert.throws(() => name('aaaa'), {
    code: 'ERR_NO_SNAPSHOT',
    message: /beginning of 2 snapshots: aaaa10000000, aaaa20000000/,
  });
  for (const unknown of ['dddd', 'aaa', '', 'newest', 'AAAA1', '../x'])
    assert.throws(() => name(unknown), { code: 'ERR_NO_SNAPSHOT' }, unknown);
});

test('a time names the newest complete snapshot that is not later', () => {
  assert.equal(name('2026-01-01T22:00:00Z'), 'aaaa1', 'as it is shown, to the second');
  assert.equal(name('2026-01-02T23:00:00Z'), 'aaaa2');
  assert.equal(name('2030-01-01'), '2026');
  assert.throws(() => name('2025-12-31'), { message: /no complete snapshot of 2025-12-31 or earlier/ });
});

test('a day means its last moment, in local time', () => {
  const taken = new Date(2026, 5, 3, 23, 30);
  const snapshots = [info('bbbb1', taken.toISOString()), info('bbbb2', new Date(2026, 5, 4, 0, 30).toISOString())];
  assert.equal(resolveSnapshot(snapshots, '2026-06-03').id.slice(0, 5), 'bbbb1');
});

test('snapshots are listed in the order they came in, with their numbers', async (t) => {
  const { layout, repository } = await testVault(t);
  const now = Date.now();
  withState(layout, (store) => store.writeDir('', [directory('d')]));
  withState(layout, (store) => store.writeDir('d', []));
  const ids: string[] = [];
  for (const [complete, startedAt] of [
    [true, now],
    [false, now + 5000],
    [false, now + 6000],
    [true, now - 1000],
  ] as const) {
    ids.push(
      (
        await commitSnapshot(
          repository,
          layout,
          meta({ complete, startedAt, created: 1, transferred: 3, wireIn: 10, wireOut: 4, deleted: 2 }),
        )
      ).id,
    );
  }
  const listed = await listSnapshots(repository);
  assert.deepEqual(
    listed.map((s) => s.id),
    ids,
  );
  assert.deepEqual(
    listed.map((s) => s.complete),
    [true, false, false, true],
  );
  const { changed, deleted, wireIn, wireOut, started } = listed[3];
  assert.deepEqual([changed, deleted, wireIn, wireOut, started], [3, 2, 10, 4, new Date(now - 1000).toISOString()]);
  assert.equal(resolveSnapshot(listed, 'latest').id, ids[3]);
});

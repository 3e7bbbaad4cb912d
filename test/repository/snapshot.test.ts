import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeSnapshot } from '../../src/repository/snapshot.ts';
import { Fixture } from './fixture.ts';

const least = { time: '2026-11-24T12:00:00.123456789+01:00', tree: 'ab'.repeat(32) };

test('what restic leaves out is there all the same', () => {
  assert.deepEqual(decodeSnapshot(JSON.stringify({ ...least, paths: null })), {
    ...least,
    paths: [],
    hostname: '',
    username: '',
  });
});

test('fields that are not known here are kept', () => {
  const snapshot = { ...least, paths: ['/a'], hostname: 'h', username: 'u', tags: ['t'], excludes: ['*.o'] };
  assert.deepEqual(decodeSnapshot(JSON.stringify(snapshot)), snapshot);
});

test('what is no snapshot is refused, and named', async (t) => {
  const repository = await new Fixture(t).init();
  const refused = [
    'null',
    '[]',
    '{',
    '{}',
    JSON.stringify({ ...least, tree: 'ab' }),
    JSON.stringify({ ...least, tree: [least.tree] }),
    JSON.stringify({ ...least, time: 'yesterday' }),
    JSON.stringify({ ...least, time: 5 }),
    JSON.stringify({ ...least, paths: 'a' }),
    JSON.stringify({ ...least, paths: [1] }),
    JSON.stringify({ ...least, hostname: {} }),
    JSON.stringify({ ...least, tags: [null] }),
  ];
  for (const json of refused) {
    const name = await repository.saveUnpacked('snapshots', json.padEnd(2));
    await assert.rejects(
      repository.loadSnapshot(name),
      { code: 'ERR_REPOSITORY_DAMAGED', message: new RegExp(name) },
      json,
    );
  }
});

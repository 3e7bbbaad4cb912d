import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { Destination, newDirectory } from '../../src/push/destination.ts';
import { NO_BLOBS } from '../../src/vault/entry.ts';
import { fileOf, openState } from './bulky-entries.ts';

test('of directories that are as large as can be no more than one is open, beside those on the way to another', (t) => {
  const store = openState(t);
  const destination = new Destination(store, false, 0);
  for (const directory of ['a', 'a/below', 'b', 'c']) {
    destination.makeDirectory(directory, newDirectory(path.basename(directory), 0o755, 0));
    if (directory !== 'b') destination.put(`${directory}/one`, fileOf('one'));
  }
  destination.flush();
  // two of them, whose changes are in memory alone
  const fresh = new Destination(store, false, 0);
  fresh.put('a/two', fileOf('two'));
  fresh.put('a/below/new', fileOf('new', NO_BLOBS));
  const stored = (directory: string) => store.readDir(directory)?.map(({ name }) => name);
  assert.deepEqual(stored('a'), ['below', 'one']);
  fresh.entry('b/none');
  assert.deepEqual(stored('a'), ['below', 'one', 'two']);
  assert.deepEqual(stored('a/below'), ['new', 'one']);
  assert.deepEqual(
    fresh.list('a')?.map(({ name }) => name),
    ['below', 'one', 'two'],
  );
});

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { MOST_BULK } from '../../src/push/bulk.ts';
import { Destination, newDirectory } from '../../src/push/destination.ts';
import { type Entry, NO_BLOBS } from '../../src/vault/entry.ts';
import { StateStore } from '../../src/vault/state/store.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** A list of content IDs that many names can have: a directory may hold three that do. */
const BLOBS = Buffer.alloc(MOST_BULK * 0.3);

const fileOf = (name: string, blobs: Buffer = BLOBS): Entry => ({ ...newDirectory(name, 0, 0), mode: 0o100644, blobs });

test('of directories that are as large as can be no more than one is open, beside those on the way to another', (t) => {
  const store = StateStore.open(path.join(temporaryFolder(t, 'state'), 'state.db'));
  t.after(() => store.close());
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

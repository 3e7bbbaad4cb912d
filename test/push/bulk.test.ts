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

test('a directory takes no more than one can hold, and less than before at any time', (t) => {
  const store = StateStore.open(path.join(temporaryFolder(t, 'state'), 'state.db'));
  t.after(() => store.close());
  const destination = new Destination(store, false, 0);
  destination.makeDirectory('a', newDirectory('a', 0o755, 0));
  for (const name of ['one', 'two', 'three']) destination.put(`a/${name}`, fileOf(name));
  assert.throws(() => destination.put('a/four', fileOf('four')), /the directory a would hold more/);
  assert.equal(destination.entry('a/four'), undefined);
  destination.put('a/one', fileOf('one'));
  destination.put('a/one', fileOf('one', NO_BLOBS));
  destination.put('a/four', fileOf('four'));
  destination.remove('a/two');
  destination.put('a/five', fileOf('five'));
  assert.throws(() => destination.put('a/six', fileOf('six')), /would hold more/);
  // the root has not become any larger
  destination.put('four', fileOf('four'));
});

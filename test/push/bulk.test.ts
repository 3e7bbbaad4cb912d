import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Destination, newDirectory } from '../../src/push/destination.ts';
import { NO_BLOBS } from '../../src/vault/entry.ts';
import { fileOf, openState } from './bulky-entries.ts';

test('a directory takes no more than one can hold, and less than before at any time', (t) => {
  const store = openState(t);
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

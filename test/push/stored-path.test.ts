import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { S_IFLNK, S_IFREG } from '../../src/lib/stat.ts';
import { Destination, newDirectory } from '../../src/push/destination.ts';
import { followPath, newPatience } from '../../src/push/stored-path.ts';
import { StateStore } from '../../src/vault/state/store.ts';
import { temporaryFolder } from '../support/temporary.ts';

test('a path through stored directories and symlinks leads nowhere above the root', (t) => {
  const store = StateStore.open(path.join(temporaryFolder(t, 'state'), 'state.db'));
  t.after(() => store.close());
  const destination = new Destination(store, false, 0);
  for (const directory of ['days', 'days/one', 'days/two', 'days/two/sub'])
    destination.makeDirectory(directory, newDirectory(path.basename(directory), 0o755, 0));
  const put = (at: string, type: number, target = '') =>
    destination.put(at, { ...newDirectory(path.basename(at), 0, 0), mode: type | 0o777, target });
  put('days/file', S_IFREG);
  put('days/latest', S_IFLNK, 'two');
  put('days/absolute', S_IFLNK, '/days/two/sub');
  put('days/out', S_IFLNK, '../../../../etc/../days');
  put('days/chain', S_IFLNK, 'latest/sub/..');
  put('days/loop', S_IFLNK, 'loop');
  put('days/a', S_IFLNK, 'b/b');
  put('days/b', S_IFLNK, 'a/a');
  put('days/long', S_IFLNK, `${'./'.repeat(2000)}${'long/'.repeat(90)}`);

  const follow = (from: string, given: string) => followPath(destination, from, given, newPatience());
  const leads = {
    '.': 'days/one',
    '': 'days/one',
    '../two': 'days/two',
    '/': '',
    '../../../..': '',
    '/days/../days': 'days',
  };
  for (const [given, there] of Object.entries(leads)) assert.equal(follow('days/one', given), there, given);
  assert.equal(follow('days', 'latest/sub'), 'days/two/sub');
  assert.equal(follow('days', 'absolute/..'), 'days/two');
  assert.equal(follow('days', 'chain'), 'days/two');
  assert.equal(follow('days', 'file'), 'days/file');
  for (const nowhere of ['none', 'none/..', 'file/..', 'file/x', 'loop', 'a', 'long', 'out'])
    assert.equal(follow('days', nowhere), undefined, nowhere);

  // what is left of a push's patience counts for all its paths
  const patience = { names: 3 };
  assert.equal(followPath(destination, 'days', 'one/../two', patience), 'days/two');
  assert.equal(followPath(destination, 'days', 'one', patience), undefined);
});

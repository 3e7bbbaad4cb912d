import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NightdropError, RsyncExit } from '../../src/lib/errors.ts';
import { OwnerMap } from '../../src/rsync/owner-map.ts';

const ACCOUNTS: Record<string, number> = { root: 0, backup: 34 };

function read(text: string): { map: OwnerMap; unknown: string[] } {
  const unknown: string[] = [];
  const numberOf = (name: string) => (Object.hasOwn(ACCOUNTS, name) ? ACCOUNTS[name] : undefined);
  return { map: new OwnerMap('user', text, numberOf, (name) => unknown.push(name)), unknown };
}

test('the first rule that holds decides; without one the owner stays', () => {
  const { map } = read('0-9:100,www*:backup,joe:5,*:7');
  assert.deepEqual(map.of(9, 'joe'), { id: 100, name: '' });
  assert.deepEqual(map.of(33, 'www-data'), { id: 34, name: 'backup' });
  assert.deepEqual(map.of(1000, 'joe'), { id: 5, name: '' });
  assert.deepEqual(map.of(1001, ''), { id: 7, name: '' });
  assert.deepEqual(read('1:2').map.of(3, 'ann'), { id: 3, name: 'ann' });
});

test('an empty name is an owner without one', () => {
  const { map } = read(':9');
  assert.equal(map.of(5, '').id, 9);
  assert.equal(map.of(5, 'ann').id, 5);
});

test('an account that is not here is told, and its rule does not count', () => {
  const { map, unknown } = read('*:nobodyhere,1:alsonot,1:2');
  assert.deepEqual(unknown, ['alsonot', 'nobodyhere']);
  assert.equal(map.of(1, 'x').id, 2);
});

test('what is no map is a syntax error', () => {
  for (const text of ['', 'a', 'a:', ':', '1-:3', '-1-2:', '1-2-3:3', '1x:3', '4294967295:1', '1:4294967295', 'a:1,'])
    assert.throws(
      () => read(text),
      (error) => error instanceof NightdropError && error.rsyncExit === RsyncExit.syntax,
      text,
    );
});

test('owners without number cost no memory without bound, and stay right', () => {
  const { map } = read('0:9');
  for (let id = 0; id < 70_000; id++) map.of(id, '');
  assert.ok((map as unknown as { known: Map<string, unknown> }).known.size <= 65_536);
  assert.equal(map.of(0, '').id, 9);
});

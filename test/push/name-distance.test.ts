import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameDistance, significantSuffix, splitName, TOO_FAR } from '../../src/push/name-distance.ts';

test('the suffix that counts says what kind of file it is', () => {
  const cases = {
    'a.txt': '.txt',
    'a.tar.gz': '.gz',
    '.profile': '',
    '..a.b': '.b',
    'a.txt~': '.txt',
    'a.txt.bak': '.txt',
    'a.old.orig': '',
    'a.txt.~3~': '.txt',
    'a.log.2': '.log',
    'a.1.2': '.1',
    'a.': '.',
    a: '',
    '': '',
    '~': '',
  };
  for (const [name, suffix] of Object.entries(cases)) assert.equal(significantSuffix(name), suffix, name);
});

const distance = (a: string, b: string, limit = TOO_FAR - 1) => nameDistance(splitName(a), splitName(b), limit);

test('names are as far apart as bytes must be changed, bytes that are near each other a little less', () => {
  assert.equal(distance('dump.sql', 'dump.sql'), 0);
  assert.equal(Math.floor(distance('kitten', 'sitting') / 65536), 3);
  assert.equal(distance('abc', 'acb'), distance('acb', 'abc'));
  assert.ok(distance('a1', 'a2') < distance('a1', 'a9'));
  assert.ok(distance('x-1.sql', 'x-2.sql') < distance('x-1.sql', 'x-1.sqm'));
});

test('names that are too far apart are told as such, and cost little', () => {
  assert.ok(distance('a', 'a'.repeat(40)) >= TOO_FAR);
  assert.ok(distance('a'.repeat(100), 'z'.repeat(100)) >= TOO_FAR);
  assert.ok(distance('dump-1', 'pmud-1', 65536) >= TOO_FAR);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { relativePath } from '../../src/push/paths.ts';

test('a path is told as seen from the destination, also one outside it', () => {
  const cases = [
    ['', 'a/b', 'a/b'],
    ['data', 'data', ''],
    ['data', 'data/a', 'a'],
    ['data', 'bkx/a/sub/f', '../bkx/a/sub/f'],
    ['data', 'database/f', '../database/f'],
    ['data/x', 'data/y/f', '../y/f'],
    ['data/x', 'data', '..'],
    ['data/x', '', '../..'],
  ];
  for (const [base, path, shown] of cases) assert.equal(relativePath(base, path), shown, `${base} ${path}`);
});

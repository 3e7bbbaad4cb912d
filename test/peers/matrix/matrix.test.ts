import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileScope } from '../../support/temporary.ts';
import { coveringCases, namedCases, nameOf } from './cases.ts';
import { stockClients } from './clients.ts';
import { extras } from './extras.ts';
import { bases, outputs } from './option-sets.ts';
import { testCases } from './test-cases.ts';

/**
 * Option sets × protocols × clients × ways to print, each pushed in two versions of a tree to both servers: the snapshot
 * holds what stock's module does, and the client ends and says the same. A choice of them in npm test:
 *
 * - NIGHTDROP_MATRIX=200 or =all: so many, or until each value of an axis has met each of each other one
 * - NIGHTDROP_SEED=N: that choice
 * - NIGHTDROP_MATRIX_ONLY='-aHAX | --delete | protocol 30': the cases of that name; what it does not speak of is the first
 *   value of its axis, or every extra option set
 */
const seed = Number(process.env.NIGHTDROP_SEED ?? 1);
const asked = process.env.NIGHTDROP_MATRIX ?? '20';
const only = process.env.NIGHTDROP_MATRIX_ONLY;

const scope = fileScope();
const { clients, missing } = await stockClients();
const versions = clients.map((client) => client.name);
const cases =
  only === undefined
    ? coveringCases(seed, versions, asked === 'all' ? undefined : Number(asked))
    : namedCases(only, versions);

// before the other tests: with nothing left to run the file's own end would come while servers start
await testCases(scope, {
  kind: 'matrix',
  seed,
  cases,
  clients,
  nameOf,
  again: (of) => `NIGHTDROP_MATRIX_ONLY='${nameOf(of)}' npm test -- test/peers/matrix/matrix.test.ts`,
});

test(`the matrix has clients of two releases: ${versions.join(', ')}`, (t) => {
  if (missing !== undefined) t.skip(missing);
});

test('every option set has a name of its own', () => {
  const names = [...bases, ...extras, ...outputs].map(({ name }) => name);
  assert.deepEqual(
    names.filter((name, i) => names.indexOf(name) < i),
    [],
  );
});

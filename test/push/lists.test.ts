import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/lib/errors.ts';
import { type Item, type ListState, Lists } from '../../src/push/lists.ts';
import type { FileList } from '../../src/rsync/entry.ts';

test('a change that nobody waited for is seen by the next wait, once', async () => {
  const lists = new Lists();
  lists.notify();
  await lists.changed();
  let woken = false;
  const wait = lists.changed().then(() => {
    woken = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(woken, false);
  lists.notify();
  await wait;
});

test('a failure ends every wait, now and later', async () => {
  const lists = new Lists();
  const wait = lists.changed();
  lists.fail(new Error('gone'));
  await assert.rejects(wait, /gone/);
  await assert.rejects(lists.changed(), /gone/);
});

test('a phase cannot be answered before the client was told that it is over', () => {
  const lists = new Lists();
  assert.throws(() => lists.answerPhase(), ProtocolError);
  lists.phasesTold++;
  lists.answerPhase();
  assert.equal(lists.phasesAnswered, 1);
  assert.throws(() => lists.answerPhase(), ProtocolError);
});

const BATCH = 300_000;

/** A list of `count` entries of which nothing is looked at. */
function listOf(first: number, count: number): FileList {
  return {
    first,
    entries: new Array(count).fill(undefined),
    indices: undefined,
    parent: 0,
    parentPath: '',
    ioError: 0,
  };
}

const itemOf = (list: ListState, ndx: number) => ({ ndx, list }) as Item;

test('lists are told to be done, and are given up, in their order; indices lead to what was asked for', () => {
  const lists = new Lists();
  const most = 100;
  for (let i = 0; i < most; i++) lists.add(listOf(1 + 4 * i, 3), undefined);
  for (let i = 0; i < most; i++) {
    const state = lists.take()!;
    // a list's directory has the index before those of its entries
    for (const ndx of [4 * i, 4 * i + 3]) state.requested.set(ndx, itemOf(state, ndx));
    assert.equal(lists.requested(4 * i + 3).list, state);
    assert.equal(lists.requested(4 * i).list, state);
    assert.throws(() => lists.requested(4 * i + 1), ProtocolError);
    if (i % 3 === 0) assert.throws(() => lists.drop(), ProtocolError);
    state.passed = true;
    if (i === most - 1) lists.complete = true;
    assert.equal(lists.finished(), state);
    state.done = true;
    if (i % 3 === 0) continue;
    assert.equal(lists.drop(), true);
    if (i % 3 === 2) assert.equal(lists.drop(), true);
  }
  assert.equal(lists.allDone(), true);
  assert.equal(lists.pending, 1);
  assert.equal(lists.drop(), true);
  assert.equal(lists.drop(), false);
});

test('a hard-link group of any size is released', () => {
  const lists = new Lists();
  lists.add(listOf(1, 1), undefined);
  const state = lists.take()!;
  lists.release(Array.from({ length: BATCH }, (_, ndx) => itemOf(state, ndx)));
  assert.equal(lists.released.length, BATCH);
  assert.equal(lists.released.shift()?.ndx, 0);
});

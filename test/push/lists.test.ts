import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/lib/errors.ts';
import { Lists } from '../../src/push/lists.ts';

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

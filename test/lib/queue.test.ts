import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Queue } from '../../src/lib/queue.ts';

test('a queue gives back what was put in, in its order', () => {
  const queue = new Queue<number>();
  let put = 0;
  let taken = 0;
  for (let round = 0; round < 1000; round++) {
    for (let i = 0; i < round % 7; i++) queue.push(put++);
    for (let i = 0; i < round % 5 && queue.length > 0; i++) assert.equal(queue.shift(), taken++);
    assert.equal(queue.length, put - taken);
  }
  while (queue.length > 0) assert.equal(queue.shift(), taken++);
  assert.equal(taken, put);
  assert.equal(queue.shift(), undefined);
});

test('a queue that is drained gives what is added meanwhile, too, and keeps what is left when the reader stops', () => {
  const queue = new Queue<number>();
  for (const i of [3, 2, 5]) queue.push(i);
  const seen: number[] = [];
  for (const i of queue.drain()) {
    seen.push(i);
    if (i === 2) queue.push(1);
    if (i === 5) break;
  }
  assert.deepEqual(seen, [3, 2, 5]);
  assert.deepEqual([...queue.drain()], [1]);
  assert.equal(queue.length, 0);
});

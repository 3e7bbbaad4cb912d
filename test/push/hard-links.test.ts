import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newDirectory } from '../../src/push/destination.ts';
import { HardLinks } from '../../src/push/hard-links.ts';
import type { Item } from '../../src/push/lists.ts';

const GROUP = 7;

const member = (ndx: number) => ({ ndx, file: { path: `member ${ndx}` } }) as Item;

/** A group of which none is there: all wait for the last one, which is asked for. */
function groupOf(count: number): { hardLinks: HardLinks; last: Item } {
  const hardLinks = new HardLinks();
  const members = Array.from({ length: count }, (_, ndx) => member(ndx));
  for (const { ndx } of members) hardLinks.listed(GROUP, ndx);
  for (const one of members.slice(0, -1)) assert.equal(hardLinks.defer(GROUP, one), true);
  const last = members[count - 1];
  assert.equal(hardLinks.defer(GROUP, last), false);
  hardLinks.begin(GROUP, last);
  return { hardLinks, last };
}

test('one after the other is to lead a hard-link group whose leaders cannot be had, each once', () => {
  const { hardLinks, last } = groupOf(6);
  const led: number[] = [];
  for (let leader: Item | undefined = last; leader !== undefined; leader = hardLinks.fail(GROUP, leader)) {
    led.push(leader.ndx);
    // every other one is passed over before it was asked for
    if (led.length % 2 === 0) hardLinks.begin(GROUP, leader);
  }
  assert.deepEqual(led, [5, 4, 0, 3, 1, 2]);
  assert.equal(hardLinks.leader(GROUP), undefined);
  assert.equal(hardLinks.wait(GROUP, member(9)), false);
});

test('those that are left are linked to the one that can be had', () => {
  const { hardLinks, last } = groupOf(5);
  const second = hardLinks.fail(GROUP, last)!;
  hardLinks.begin(GROUP, second);
  hardLinks.delay(GROUP);
  assert.equal(hardLinks.waitingForDelayed(), 3);
  hardLinks.wait(GROUP, member(8));
  assert.equal(hardLinks.waitingForDelayed(), 4);
  const linked = hardLinks.settle(GROUP, second, newDirectory('x', 0, 0), 0);
  assert.deepEqual(
    linked.map(({ ndx, waited }) => [ndx, waited]),
    [0, 1, 2, 8].map((ndx) => [ndx, true]),
  );
  assert.equal(hardLinks.waitingForDelayed(), 0);
  assert.equal(hardLinks.leader(GROUP)?.name, 'member 3');
});

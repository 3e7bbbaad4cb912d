import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeflateWindow, WINDOW_BYTES } from '../../src/rsync/deflate-window.ts';
import type { SumHead } from '../../src/rsync/sum-head.ts';
import { Random } from '../support/random.ts';

/** What a sender puts into its window for a match, written down the long way (docs/protocol.md, "Compressed tokens"). */
function inserted(basis: Buffer, head: SumHead, block: number, protocol: number): Buffer {
  const from = block * head.blockLength;
  const isLast = block === head.count - 1;
  const bytes = basis.subarray(from, from + (isLast && head.remainder > 0 ? head.remainder : head.blockLength));
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 0xffff) {
    const length = Math.min(0xffff, bytes.length - at);
    const start = protocol < 31 ? 0 : at;
    parts.push(bytes.subarray(start, start + length));
  }
  return Buffer.concat(parts);
}

for (const protocol of [27, 30, 31, 32]) {
  test(`protocol ${protocol}: the window has the last 32 KiB of what was matched`, () => {
    const random = new Random(protocol);
    const window = new DeflateWindow(protocol);
    for (let round = 0; round < 300; round++) {
      const blockLength = [700, 8192, 40_000, 65_535, 65_536, 98_304, 131_072][random.below(7)];
      const remainder = random.below(blockLength);
      const count = 1 + random.below(12);
      const head = { count, blockLength, strongLength: 16, remainder };
      const basis = random.bytes(count * blockLength);
      let expected = Buffer.alloc(0);
      window.start(head);
      assert.equal(window.isBehind, false);
      for (let matches = random.below(6); matches >= 0; matches--) {
        const block = random.below(count);
        const run = 1 + random.below(count - block);
        window.match(block, run);
        for (let b = block; b < block + run; b++)
          expected = Buffer.concat([expected, inserted(basis, head, b, protocol)]).subarray(-WINDOW_BYTES);
      }
      const ranges = window.take();
      const bytes = Buffer.concat(ranges.map(({ offset, length }) => basis.subarray(offset, offset + length)));
      assert.ok(bytes.equals(expected), `round ${round}: blocks of ${blockLength}`);
      assert.equal(window.isBehind, false);
    }
  });
}

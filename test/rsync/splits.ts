import assert from 'node:assert/strict';
import { ByteReader, NEED_MORE } from '../../src/rsync/bytes.ts';

/**
 * Feeds `bytes` to a decoder piece by piece, as a connection would: `step` is called until it asks for more, then from
 * where its message began once more have arrived. Returns what the steps returned, undefined left out.
 */
export function feedPieces<T>(pieces: Buffer[], step: (reader: ByteReader) => T | undefined): T[] {
  const results: T[] = [];
  let reader = new ByteReader(Buffer.alloc(0));
  for (const piece of pieces) {
    // a new buffer each time: what was only viewed in the old one is lost, as it is in the real reader
    const unread = reader.bytes.subarray(reader.position, reader.end);
    const joined = Buffer.concat([unread, piece]);
    reader.bytes.fill(0xee);
    reader = new ByteReader(joined);
    for (;;) {
      const start = reader.position;
      try {
        const result = step(reader);
        if (result !== undefined) results.push(result);
        if (reader.position === start) break;
      } catch (error) {
        if (error !== NEED_MORE) throw error;
        reader.position = start;
        break;
      }
    }
  }
  assert.equal(reader.available, 0, 'bytes are left over');
  return results;
}

/** Every way to cut `bytes` in two, then every byte by itself, then all at once. */
export function* everySplit(bytes: Buffer): Generator<Buffer[]> {
  for (let at = 0; at <= bytes.length; at++) {
    yield [Buffer.from(bytes.subarray(0, at)), Buffer.from(bytes.subarray(at))];
  }
  yield Array.from(bytes, (byte) => Buffer.from([byte]));
  yield [Buffer.from(bytes)];
}

/** Asserts that `decode`, which starts anew each time, gives `expected` in every split of `bytes`. */
export function inEverySplit<T>(bytes: Buffer, expected: T, decode: (pieces: Buffer[]) => T): void {
  for (const pieces of everySplit(bytes)) assert.deepEqual(decode(pieces), expected);
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { ProtocolError } from '../../src/lib/errors.ts';
import { createInflater, type Inflater } from '../../src/rsync/inflate.ts';

const LONGEST_PIECE = 128 * 1024;

/** Feeds all of `stream`; returns how many bytes came out, each piece within the bound. */
function drain(inflater: Inflater, stream: Buffer): number {
  let made = 0;
  inflater.start();
  for (let at = 0; at < stream.length; at += 0x3fff) {
    inflater.feed(stream.subarray(at, at + 0x3fff));
    for (let piece = inflater.next(); piece !== undefined; piece = inflater.next()) {
      assert.ok(piece.length > 0 && piece.length <= LONGEST_PIECE);
      made += piece.length;
    }
  }
  return made;
}

test('the handles below Node’s zlib still work as they are used', () => {
  for (const stream of [zlib.createInflateRaw(), zlib.createZstdDecompress()]) {
    const inside = stream as unknown as { _handle?: { writeSync?: unknown; reset?: unknown }; _writeState?: unknown };
    assert.equal(typeof inside._handle?.writeSync, 'function');
    assert.equal(typeof inside._handle?.reset, 'function');
    assert.ok(inside._writeState instanceof Uint32Array);
  }
});

test('a bomb comes out in bounded pieces, in constant memory', () => {
  const bytes = 200_000_000;
  const bombs: [Inflater, Buffer][] = [
    [createInflater('zlibx'), zlib.deflateRawSync(Buffer.alloc(bytes), { finishFlush: zlib.constants.Z_SYNC_FLUSH })],
    [createInflater('zstd'), zlib.zstdCompressSync(Buffer.alloc(bytes))],
  ];
  const before = process.memoryUsage();
  for (const [inflater, bomb] of bombs) assert.equal(drain(inflater, bomb), bytes);
  const after = process.memoryUsage();
  assert.ok(after.arrayBuffers - before.arrayBuffers < 5_000_000, `${after.arrayBuffers - before.arrayBuffers}`);
});

/** A zstd frame header that asks for a window of 2^log bytes, and an empty last block. */
function zstdFrame(windowLog: number): Buffer {
  return Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (windowLog - 10) << 3, 0x01, 0x00, 0x00]);
}

test('zstd windows over 32 MiB are refused before memory is taken', () => {
  assert.equal(drain(createInflater('zstd'), zstdFrame(25)), 0);
  for (const log of [26, 27, 31, 41]) assert.throws(() => drain(createInflater('zstd'), zstdFrame(log)), ProtocolError);
});

test('zstd dictionaries are refused', () => {
  const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x58, 0x07, 0x01, 0x00, 0x00]);
  assert.throws(() => drain(createInflater('zstd'), frame), ProtocolError);
});

test('nothing comes out of a deflate stream after its end', () => {
  const ended = zlib.deflateRawSync('over');
  assert.throws(() => drain(createInflater('zlibx'), Buffer.concat([ended, Buffer.from('more')])), ProtocolError);
  const inflater = createInflater('zlibx');
  drain(inflater, ended);
  assert.throws(() => inflater.endOfRun(), ProtocolError);
});

test('an inflater that was begun anew does not remember', () => {
  const inflater = createInflater('zlibx');
  const stream = zlib.deflateRawSync(Buffer.alloc(500_000), { finishFlush: zlib.constants.Z_SYNC_FLUSH });
  inflater.start();
  inflater.feed(stream.subarray(0, 0x3fff));
  inflater.next(); // and leaves the rest of it
  assert.equal(drain(inflater, stream), 500_000);
});

test('zlib: a literal may refer to what was matched before it', () => {
  const inflater = createInflater('zlib');
  inflater.start();
  inflater.feedWindow(Buffer.concat([Buffer.alloc(32_765, 'x'), Buffer.from('def')]));
  // fixed Huffman codes: one match of length 3 at distance 3, end of block
  inflater.feed(Buffer.from([0x02, 0x22, 0x00]));
  assert.equal(inflater.next()?.toString('latin1'), 'def');
});

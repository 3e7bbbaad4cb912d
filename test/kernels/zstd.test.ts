import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { ZstdCompressor, zstdDecompress } from '../../src/kernels/zstd.ts';
import { Random } from '../support/random.ts';

test('frames of one compressor each stand alone, whatever came before', () => {
  const compressor = new ZstdCompressor();
  const random = new Random(5);
  for (let i = 0; i < 300; i++) {
    const length = Math.floor(Math.exp(random.below(1500) / 100));
    const input = random.below(4) === 0 ? random.bytes(length) : random.text(length);
    const frame = compressor.compress(input);
    if (frame === undefined) continue;
    assert(frame.length < input.length);
    assert.deepEqual(zlib.zstdDecompressSync(frame), input);
    assert.deepEqual(zstdDecompress(frame, input.length), input);
  }
});

test('what does not become shorter is not compressed', () => {
  const compressor = new ZstdCompressor();
  for (const length of [0, 1, 31, 100, 5000, 1 << 20])
    assert.equal(compressor.compress(randomBytes(length)), undefined);
});

test('a frame says how long its content is', () => {
  const frame = new ZstdCompressor().compress(Buffer.alloc(70_000))!;
  // frame header descriptor, RFC 8878 3.1.1.1.1: Frame_Content_Size_flag or Single_Segment_flag
  assert.notEqual(frame[4] & 0xe0, 0);
});

test('larger than the buffer that is kept', () => {
  const compressor = new ZstdCompressor();
  const input = Buffer.alloc(40 << 20, 'abcdefg');
  assert.deepEqual(zstdDecompress(compressor.compress(input)!, input.length), input);
  const small = Buffer.alloc(100, 'x');
  assert.deepEqual(zstdDecompress(compressor.compress(small)!, 100), small);
});

test('a frame that holds more than it should is refused before it fills memory', () => {
  const frame = Buffer.from(new ZstdCompressor().compress(Buffer.alloc(64 << 20))!);
  assert(frame.length < 100_000);
  assert.throws(() => zstdDecompress(frame, 1 << 20), { code: 'ERR_BUFFER_TOO_LARGE' });
});

test('a damaged frame is refused', () => {
  const frame = Buffer.from(new ZstdCompressor().compress(Buffer.alloc(5000, 'abc'))!);
  assert.throws(() => zstdDecompress(frame.subarray(0, frame.length - 3), 5000));
  assert.throws(() => zstdDecompress(Buffer.from('not a frame at all'), 5000));
});

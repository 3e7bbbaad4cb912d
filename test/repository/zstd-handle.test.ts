import assert from 'node:assert/strict';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { ZstdCompressor } from '../../src/kernels/zstd.ts';
import { Random } from '../support/random.ts';

interface Inner {
  _handle: { writeSync(...args: unknown[]): void; reset(): void; onerror?: unknown };
  _writeState: Uint32Array;
}

/** A stream whose handle does something else than zstd's own. */
function streamThat(writeSync: (inner: Inner, args: unknown[]) => void): object {
  const inner = zlib.createZstdCompress() as unknown as Inner;
  const { _handle: handle, _writeState } = inner;
  const around = {
    writeSync: (...args: unknown[]) => writeSync(inner, args),
    reset: () => handle.reset(),
  };
  return { _handle: around, _writeState };
}

const strangeHandles: [what: string, stream: object][] = [
  ['no handle', {}],
  ['a handle without the call', { _handle: {}, _writeState: new Uint32Array(2) }],
  ['no state', { _handle: { writeSync: () => {}, reset: () => {} } }],
  ['a handle that does nothing', streamThat(() => {})],
  [
    'a state the other way round',
    streamThat(({ _handle, _writeState }, args) => {
      _handle.writeSync(...args);
      _writeState.reverse();
    }),
  ],
  [
    'a handle that throws',
    streamThat(() => {
      throw new TypeError('other arguments');
    }),
  ],
];

for (const [what, stream] of strangeHandles) {
  test(`frames are right with ${what}`, () => {
    const compressor = new ZstdCompressor(stream);
    for (const length of [100, 5000, 300_000]) {
      const input = new Random(length).text(length);
      assert.deepEqual(zlib.zstdDecompressSync(compressor.compress(input)!), input);
    }
  });
}

test('an output too small is done again from the start, and the next frame is right', () => {
  let least = Number.POSITIVE_INFINITY;
  let small = 0;
  const compressor = new ZstdCompressor(
    streamThat(({ _handle }, args) => {
      const length = Math.min(args[6] as number, least);
      if (length < (args[6] as number)) small++;
      _handle.writeSync(...args.slice(0, 6), length);
    }),
  );
  const input = new Random(1).text(50_000);
  for (const limit of [1000, Number.POSITIVE_INFINITY, 1, 5000, Number.POSITIVE_INFINITY]) {
    least = limit;
    assert.deepEqual(zlib.zstdDecompressSync(compressor.compress(input)!), input);
  }
  assert.equal(small, 3);
});

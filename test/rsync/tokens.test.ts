import assert from 'node:assert/strict';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { ProtocolError } from '../../src/lib/errors.ts';
import { ByteReader, ByteWriter } from '../../src/rsync/bytes.ts';
import type { Compression } from '../../src/rsync/negotiate.ts';
import { createTokenDecoder, type TokenDecoder } from '../../src/rsync/tokens.ts';
import { Random } from '../support/random.ts';
import { everySplit, feedPieces } from './splits.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Everything of one file: literals joined where they follow each other, runs of blocks as first-last. */
function decode(tokens: TokenDecoder, pieces: Buffer[], blocks: number): string[] {
  const seen: string[] = [];
  let literal: Buffer[] = [];
  let over = false;
  const endLiteral = () => {
    const text = Buffer.concat(literal).toString('latin1');
    if (text !== '') seen.push(`"${text}"`);
    literal = [];
  };
  tokens.start(headOf(blocks));
  feedPieces(pieces, (reader) => {
    if (over) return undefined;
    const token = tokens.next(reader);
    if (token.kind === 'literal') {
      literal.push(Buffer.from(token.data));
      return undefined;
    }
    if (token.kind === 'window') {
      tokens.feedWindow(Buffer.concat(token.ranges.map(({ length }) => Buffer.alloc(length, 'b'))));
      return undefined;
    }
    endLiteral();
    over = token.kind === 'end';
    seen.push(over ? 'end' : `${token.block}-${token.block + token.count - 1}`);
    return undefined;
  });
  return seen;
}

/** Sums of so many blocks. */
const headOf = (count: number) => ({ count, blockLength: 700, strongLength: 16, remainder: 0 });

function refuses(compression: Compression, bytes: Buffer, blocks = 10): void {
  assert.throws(() => decode(createTokenDecoder(compression), [bytes], blocks), ProtocolError, bytes.toString('hex'));
}

test('plain tokens in every split: literals, matches and the end', () => {
  const bytes = hex('05000000 68656c6c6f ffffffff 01000000 2c f6ffffff 00000000');
  for (const pieces of everySplit(bytes)) {
    assert.deepEqual(decode(createTokenDecoder('none'), pieces, 10), ['"hello"', '0-0', '","', '9-9', 'end']);
  }
});

test('a plain literal is handed out as it arrives', () => {
  const tokens = createTokenDecoder('none');
  tokens.start(headOf(0));
  const reader = new ByteReader(Buffer.concat([hex('00800000'), Buffer.alloc(100)]));
  assert.equal(tokens.next(reader).data.length, 100);
});

test('plain tokens that cannot be are refused', () => {
  refuses('none', hex('f5ffffff')); // block 10 of 10
  refuses('none', hex('00000080')); // block 2^31 - 1
  refuses('none', hex('01001000')); // 1 MiB and a byte
  refuses('none', hex('ffffff7f'));
  refuses('none', hex('ffffffff'), 0);
});

test('compressed tokens name blocks relative to the last, absolutely, and in runs', () => {
  const bytes = hex('80 81 c1 0300 20 00010000 21 0a000000 ffff bf 00');
  for (const pieces of everySplit(bytes)) {
    assert.deepEqual(decode(createTokenDecoder('zstd'), pieces, 70_000), [
      '0-0',
      '1-1',
      '2-5',
      '256-256',
      '10-65545',
      '65608-65608',
      'end',
    ]);
  }
});

test('compressed tokens that cannot be are refused', () => {
  for (const compression of ['zstd', 'lz4', 'zlibx', 'zlib'] as const) {
    refuses(compression, hex('8a')); // block 10 of 10
    refuses(compression, hex('20 0a000000'));
    refuses(compression, hex('20 ffffffff'));
    refuses(compression, hex('21 05000000 0500')); // run past the end
    refuses(compression, hex('21 ffffff7f ffff'));
    refuses(compression, hex('c1 0000')); // a run of nothing
    refuses(compression, hex('21 00000000 0000'));
    refuses(compression, hex('01'));
    refuses(compression, hex('22'));
    refuses(compression, hex('3f'));
    refuses(compression, hex('40 00')); // an empty piece
    refuses(compression, hex('80'), 0);
  }
});

/** Tokens as a sender writes them: pieces of the compressed stream, matches, the end. */
function encode(...parts: (Buffer | number | 'end')[]): Buffer {
  const writer = new ByteWriter();
  for (const part of parts) {
    if (part === 'end') writer.u8(0);
    else if (typeof part === 'number') writer.u8(0x20).i32(part);
    else {
      for (let at = 0; at < part.length; at += 0x3fff) {
        const piece = part.subarray(at, at + 0x3fff);
        writer
          .u8(0x40 | (piece.length >> 8))
          .u8(piece.length)
          .put(piece);
      }
    }
  }
  return writer.take();
}

/** What deflate makes of `text`, flushed, without the tail that senders leave out. */
function deflated(...texts: string[]): Buffer[] {
  const stream = zlib.createDeflateRaw();
  const inside = stream as unknown as { _handle: { writeSync(...args: unknown[]): void }; _writeState: Uint32Array };
  return texts.map((text) => {
    const output = Buffer.alloc(100_000);
    const input = Buffer.from(text, 'latin1');
    inside._handle.writeSync(zlib.constants.Z_SYNC_FLUSH, input, 0, input.length, output, 0, output.length);
    const made = output.subarray(0, output.length - inside._writeState[0]);
    assert.deepEqual(made.subarray(-4), hex('0000ffff'));
    return Buffer.from(made.subarray(0, -4));
  });
}

test('zlibx in every split: the flush tail comes back before a block', () => {
  const [first, second] = deflated('hello hello hello', ' and hello again');
  const bytes = encode(first, 3, second, 'end');
  for (const pieces of everySplit(bytes)) {
    assert.deepEqual(decode(createTokenDecoder('zlibx'), pieces, 10), [
      '"hello hello hello"',
      '3-3',
      '" and hello again"',
      'end',
    ]);
  }
});

test('zlibx begins anew with each file', () => {
  const tokens = createTokenDecoder('zlibx');
  for (const text of ['one one one', 'two', 'one one one']) {
    const bytes = encode(deflated(text)[0], 'end');
    assert.deepEqual(decode(tokens, [bytes], 0), [`"${text}"`, 'end']);
  }
});

test('zlib wants what was matched before the next literal, and only then', () => {
  const tokens = createTokenDecoder('zlib');
  tokens.start({ count: 10, blockLength: 700, strongLength: 16, remainder: 100 });
  const [literal] = deflated('after');
  const reader = new ByteReader(Buffer.concat([hex('c8 0100'), encode(literal)]));
  assert.equal(tokens.next(reader).count, 2);
  const { kind, ranges } = tokens.next(reader);
  assert.equal(kind, 'window');
  assert.deepEqual(ranges, [{ offset: 8 * 700, length: 800 }]);
  assert.throws(() => tokens.next(reader), /before the window was fed/);
  tokens.feedWindow(Buffer.alloc(800));
  assert.throws(() => tokens.feedWindow(Buffer.alloc(800)), /wants no bytes/);
  assert.equal(tokens.next(reader).data.toString(), 'after');
});

test('zstd is one stream for all files, in every split', () => {
  const stream = zlib.createZstdCompress();
  const inside = stream as unknown as { _handle: { writeSync(...args: unknown[]): void }; _writeState: Uint32Array };
  const flushed = ['first file, first file', 'first file again', 'x'].map((text) => {
    const output = Buffer.alloc(10_000);
    const input = Buffer.from(text);
    inside._handle.writeSync(zlib.constants.ZSTD_e_flush, input, 0, input.length, output, 0, output.length);
    return Buffer.from(output.subarray(0, output.length - inside._writeState[0]));
  });
  const files = [encode(flushed[0], 'end'), encode(flushed[1], 4, flushed[2], 'end')];
  for (let round = 0; round < Math.max(...files.map((file) => file.length)); round++) {
    const tokens = createTokenDecoder('zstd');
    const cut = (file: Buffer) => [...everySplit(file)][round % (file.length + 3)];
    assert.deepEqual(decode(tokens, cut(files[0]), 10), ['"first file, first file"', 'end']);
    assert.deepEqual(decode(tokens, cut(files[1]), 10), ['"first file again"', '4-4', '"x"', 'end']);
  }
});

test('a piece that gives nothing yet is used up once', () => {
  const compressed = zlib.zstdCompressSync(new Random(2).text(300_000));
  const tokens = createTokenDecoder('zstd');
  const pieces = Array.from({ length: Math.ceil(compressed.length / 50) }, (_, i) =>
    encode(compressed.subarray(i * 50, i * 50 + 50)),
  );
  const seen = decode(tokens, [...pieces, encode('end')], 0);
  assert.equal(seen[0], `"${new Random(2).text(300_000).toString('latin1')}"`);
});

test('lz4 pieces stand each for itself', () => {
  // token, literals, offset, and the last sequence: "abcabcabcabcabc" + "xyzxy"
  const block = hex('38 616263 0300 50 78797a7879');
  const bytes = encode(block, 2, block, 'end');
  for (const pieces of everySplit(bytes)) {
    assert.deepEqual(decode(createTokenDecoder('lz4'), pieces, 10), [
      '"abcabcabcabcabcxyzxy"',
      '2-2',
      '"abcabcabcabcabcxyzxy"',
      'end',
    ]);
  }
});

test('damaged compressed data is refused, or left to the digest of the file to find', () => {
  const random = new Random(9);
  const text = random.text(20_000).toString('latin1');
  const good: Record<string, Buffer> = { zlibx: deflated(text)[0], zstd: zlib.zstdCompressSync(text) };
  let refused = 0;
  for (const compression of ['zlibx', 'zstd'] as const) {
    for (let i = 0; i < 300; i++) {
      const bad = Buffer.from(good[compression]);
      for (let n = 0; n <= random.below(3); n++) bad[random.below(bad.length)] ^= 1 << random.below(8);
      try {
        decode(createTokenDecoder(compression), [encode(bad, 'end')], 0);
      } catch (error) {
        assert.ok(error instanceof ProtocolError, `${error}`);
        refused++;
      }
    }
  }
  assert.ok(refused > 100, `${refused} of 600`);
});

test('random bytes never do more than be refused or ask for more', () => {
  const random = new Random(13);
  for (const compression of ['none', 'zlib', 'zlibx', 'lz4', 'zstd'] as const) {
    for (let i = 0; i < 400; i++) {
      try {
        decode(createTokenDecoder(compression), [random.bytes(random.below(300))], random.below(50));
      } catch (error) {
        const leftOver = error instanceof assert.AssertionError;
        assert.ok(leftOver || error instanceof ProtocolError, `${compression}: ${error}`);
      }
    }
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RefusedError } from '../../src/lib/errors.ts';
import { ByteWriter } from '../../src/rsync/bytes.ts';
import {
  COMPRESSIONS,
  checkChoices,
  chooseName,
  forcedChecksums,
  forcedCompression,
  negotiatedCompression,
  negotiation,
  OFFERED_CHECKSUMS,
  readNames,
  writeNames,
} from '../../src/rsync/negotiate.ts';
import { defaultOptions, type ServerOptions } from '../../src/rsync/options.ts';
import { feedPieces, inEverySplit } from './splits.ts';

const options = (changes: Partial<ServerOptions>): ServerOptions => ({ ...defaultOptions(), ...changes });

test('our lists are vstrings of names, best first', () => {
  const writer = new ByteWriter();
  writeNames(writer, OFFERED_CHECKSUMS);
  assert.equal(writer.take().toString('latin1'), '\x13xxh128 md5 md4 sha1');
  writeNames(writer, COMPRESSIONS);
  assert.equal(writer.take().toString('latin1'), '\x18zstd lz4 zlibx zlib none');
});

test('a list is read alike in every split', () => {
  const writer = new ByteWriter();
  writeNames(writer, ['xxh128', '', 'md5', ...Array.from({ length: 30 }, (_, i) => `name${i}`)]);
  const expected = [['xxh128', 'md5', ...Array.from({ length: 30 }, (_, i) => `name${i}`)]];
  inEverySplit(writer.take(), expected, (pieces) => feedPieces(pieces, readNames));
});

test('the first of the client’s names that we have is chosen', () => {
  assert.equal(chooseName('checksum', OFFERED_CHECKSUMS, ['sha3', 'md5', 'xxh128']), 'md5');
  assert.equal(chooseName('checksum', OFFERED_CHECKSUMS, ['xxh3', 'xxhash', 'md4']), 'md4');
  assert.equal(chooseName('compress', COMPRESSIONS, ['ZSTD', 'zstd', 'zlib']), 'zstd');
});

test('nothing in common is refused in the words of stock, with both lists', () => {
  for (const names of [[], ['nonsense', '\x1b[2J'], Array.from({ length: 10_000 }, () => 'x')]) {
    assert.throws(
      () => chooseName('checksum', OFFERED_CHECKSUMS, names),
      (error) =>
        error instanceof RefusedError &&
        /Failed to negotiate a checksum choice\..*Server list: xxh128/.test(error.message) &&
        !error.message.includes('\x1b') &&
        error.message.length < 500,
    );
  }
});

test('a list of 32 KiB is refused', () => {
  const bytes = new ByteWriter().vstring(Buffer.alloc(0x7fff, 'a')).take();
  assert.throws(() => feedPieces([bytes], readNames), RefusedError);
});

test('names are exchanged only where nothing is forced and both can', () => {
  const asks = (changes: Partial<ServerOptions>, byName = true) => {
    const { asksChecksum, asksCompression } = negotiation(options(changes), byName);
    return [asksChecksum, asksCompression];
  };
  assert.deepEqual(asks({}), [true, false]);
  assert.deepEqual(asks({ compress: 'negotiated' }), [true, true]);
  assert.deepEqual(asks({ compress: 'negotiated', compressChoice: 'lz4' }), [true, false]);
  assert.deepEqual(asks({ compress: 'negotiated', checksumChoice: 'md5' }), [false, true]);
  assert.deepEqual(asks({ compress: 'negotiated' }, false), [false, false]);
});

test('without names the protocol’s age decides', () => {
  assert.deepEqual(forcedChecksums(options({}), 30), { transfer: 'md5', list: 'md5', seeded: false });
  assert.deepEqual(forcedChecksums(options({}), 29), { transfer: 'md4', list: 'md4', seeded: true });
  assert.equal(forcedCompression(options({})), 'none');
  assert.equal(forcedCompression(options({ compress: 'negotiated' })), 'zlib');
});

test('a forced checksum may differ for the list', () => {
  const forced = (checksumChoice: string, protocol = 32) => {
    const { transfer, list, seeded } = forcedChecksums(options({ checksumChoice }), protocol);
    assert.equal(seeded, false);
    return { transfer, list };
  };
  assert.deepEqual(forced('md4', 29), { transfer: 'md4', list: 'md4' });
  assert.deepEqual(forced('xxh3'), { transfer: 'xxh3', list: 'xxh3' });
  assert.deepEqual(forced('xxh64,sha1'), { transfer: 'xxh64', list: 'sha1' });
  assert.deepEqual(forced('auto,xxh128'), { transfer: 'md5', list: 'xxh128' });
  assert.throws(() => forced('none'), RefusedError);
  assert.throws(() => forced('sha256'), RefusedError);
});

test('choices that cannot be are refused, and put right for the set-up', () => {
  const check = (changes: Partial<ServerOptions>) => {
    const changed = options({ capabilities: 'iLsfxCIvu', ...changes });
    const problem = checkChoices(changed);
    // whatever was wrong, the set-up can go on
    assert.doesNotThrow(() => [forcedChecksums(changed, 32), forcedCompression(changed)]);
    return problem?.message ?? '';
  };
  const compressed = { compress: 'negotiated' } as const;
  assert.match(check({ checksumChoice: 'none' }), /--checksum-choice .* none is not one of xxh128/);
  assert.match(check({ checksumChoice: 'md5,sha512' }), /sha512/);
  assert.match(check({ ...compressed, compressChoice: 'brotli' }), /--compress-choice .* brotli/);
  assert.match(check({ ...compressed, compressChoice: 'zstd', compressLevel: 21 }), /--compress-level/);
  assert.match(check({ ...compressed, compressLevel: 22 }), /--compress-level/);
  assert.equal(check({ ...compressed, compressLevel: 22, capabilities: 'iLsfx' }), '');
  assert.equal(check({ ...compressed, compressChoice: 'zlib', compressLevel: 99 }), '');
  assert.equal(check({ ...compressed, compressChoice: 'zstd', compressLevel: 20 }), '');
  assert.equal(check({ checksumChoice: 'xxh64,auto' }), '');
  assert.equal(check({}), '');
});

test('level 0 of zlib is no compression', () => {
  const forced = (compressChoice: string, compressLevel?: number) =>
    forcedCompression(options({ compress: 'negotiated', compressChoice, compressLevel }));
  assert.equal(forced('zlibx', 0), 'none');
  assert.equal(forced('zlib', 0), 'none');
  assert.equal(forced('zstd', 0), 'zstd');
  assert.equal(forced('lz4', 0), 'lz4');
  assert.equal(forced('zlibx', 99), 'zlibx');
  assert.throws(() => forced('brotli'), RefusedError);
  assert.equal(negotiatedCompression(options({ compress: 'negotiated', compressLevel: 0 }), ['zlibx']), 'none');
});

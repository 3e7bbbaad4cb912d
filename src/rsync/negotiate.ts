/** Which checksum and which compression a connection uses (docs/protocol.md, "Negotiation"). */
import { RefusedError } from '../lib/errors.ts';
import { brief } from '../lib/names.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { ServerOptions } from './options.ts';

export type Checksum = 'xxh128' | 'xxh3' | 'xxh64' | 'md5' | 'md4' | 'sha1';
export type Compression = 'none' | 'zlib' | 'zlibx' | 'lz4' | 'zstd';

/** Best first, in the order in which stock servers name theirs. Their 'none' is left out: content is always checked. */
const CHECKSUMS: readonly Checksum[] = ['xxh128', 'xxh3', 'xxh64', 'md5', 'md4', 'sha1'];
/** Those that clients may agree on: the others are for who asks for them by name, since changed files come whole with them. */
export const OFFERED_CHECKSUMS: readonly Checksum[] = ['xxh128', 'md5', 'md4', 'sha1'];
export const COMPRESSIONS: readonly Compression[] = ['zstd', 'lz4', 'zlibx', 'zlib', 'none'];

/** Stock peers take lists of 255 bytes. */
const LONGEST_LIST = 1024;
/** Higher levels of zstd want windows of 64 and 128 MiB of every receiver (inflate.ts). */
const HIGHEST_ZSTD_LEVEL = 20;

export interface Negotiation {
  /** checksum of whole files and of blocks; names exchanged when `asksChecksum` */
  asksChecksum: boolean;
  asksCompression: boolean;
}

/**
 * What has to be exchanged by name; the rest is forced by options or by age. Both sides write their lists, checksums
 * first, before reading the other's.
 *
 * @param byName both sides have the compatibility flag `varintFlags`
 */
export function negotiation(options: ServerOptions, byName: boolean): Negotiation {
  return {
    asksChecksum: byName && options.checksumChoice === undefined,
    asksCompression: byName && options.compress === 'negotiated' && options.compressChoice === undefined,
  };
}

/** Our list, as the peer reads it. */
export function writeNames(writer: ByteWriter, names: readonly string[]): void {
  writer.vstring(Buffer.from(names.join(' '), 'latin1'));
}

/** The peer's list of names, blank-separated. */
export function readNames(reader: ByteReader): string[] {
  const text = reader.vstring();
  if (text.length > LONGEST_LIST) throw new RefusedError(`the client's list of names is ${text.length} bytes long`);
  return text
    .toString('latin1')
    .split(' ')
    .filter((name) => name !== '');
}

/** The first of the client's names that we have: the client, which knows our list, chooses the same. */
export function chooseName<T extends string>(kind: string, ours: readonly T[], clients: string[]): T {
  for (const name of clients) {
    const known = find(ours, name);
    if (known !== undefined) return known;
  }
  const list = brief(clients.join(' '));
  throw new RefusedError(
    `Failed to negotiate a ${kind} choice. Client list: ${list === '' ? 'INVALID' : list} Server list: ${ours.join(' ')}`,
  );
}

/**
 * Looks at the algorithms that are forced. What cannot be is put right in `options`, for the set-up has to be gone through
 * before the client can be told; what was wrong is returned.
 */
export function checkChoices(options: ServerOptions): RefusedError | undefined {
  const { checksumChoice, compressChoice, compressLevel } = options;
  for (const name of checksumChoice?.split(',') ?? []) {
    if (name === 'auto' || find(CHECKSUMS, name) !== undefined) continue;
    options.checksumChoice = 'md5';
    return unknown('checksum', CHECKSUMS, name);
  }
  if (compressChoice !== undefined && find(COMPRESSIONS, compressChoice) === undefined) {
    options.compressChoice = 'zlibx';
    return unknown('compress', COMPRESSIONS, compressChoice);
  }
  const mayBeZstd = compressChoice === 'zstd' || (compressChoice === undefined && options.capabilities.includes('v'));
  if (mayBeZstd && (compressLevel ?? 0) > HIGHEST_ZSTD_LEVEL) {
    return new RefusedError(
      `ERROR: the option --compress-level is refused: zstd above level ${HIGHEST_ZSTD_LEVEL} wants too much memory`,
    );
  }
  return undefined;
}

/**
 * Checksums where no names are exchanged: forced by --checksum-choice=TRANSFER[,LIST], else by age.
 *
 * @returns `transfer` of whole files and blocks, `list` of the file list's digests with --checksum, `seeded` when whole
 *   files' digests begin with the seed (md4 by age)
 */
export function forcedChecksums(
  options: ServerOptions,
  protocol: number,
): { transfer: Checksum; list: Checksum; seeded: boolean } {
  const byAge: Checksum = protocol >= 30 ? 'md5' : 'md4';
  const [transfer, list = transfer] = (options.checksumChoice ?? 'auto').split(',', 2);
  const known = (name: string) => (name === 'auto' ? byAge : chosen('checksum', CHECKSUMS, name));
  return { transfer: known(transfer), list: known(list), seeded: protocol < 30 && transfer === 'auto' };
}

/** The compression where no names are exchanged. */
export function forcedCompression(options: ServerOptions): Compression {
  if (options.compress === 'none') return 'none';
  return atLevel(chosen('compress', COMPRESSIONS, options.compressChoice ?? 'zlib'), options);
}

/** The compression that was agreed on by name. */
export function negotiatedCompression(options: ServerOptions, clients: string[]): Compression {
  return atLevel(chooseName('compress', COMPRESSIONS, clients), options);
}

/** Level 0 of zlib means that both sides leave compression out. */
function atLevel(algorithm: Compression, { compressLevel }: ServerOptions): Compression {
  return (algorithm === 'zlib' || algorithm === 'zlibx') && compressLevel === 0 ? 'none' : algorithm;
}

function chosen<T extends string>(kind: string, ours: readonly T[], name: string): T {
  const known = find(ours, name);
  if (known === undefined) throw unknown(kind, ours, name);
  return known;
}

function unknown(kind: string, ours: readonly string[], name: string): RefusedError {
  return new RefusedError(
    `ERROR: the option --${kind}-choice is refused: ${brief(name)} is not one of ${ours.join(' ')}`,
  );
}

/** Names are compared without case; xxhash is what 3.2.0 called xxh64 first. */
function find<T extends string>(ours: readonly T[], name: string): T | undefined {
  const plain = name.toLowerCase();
  return ours.find((known) => known === plain || (known === 'xxh64' && plain === 'xxhash'));
}

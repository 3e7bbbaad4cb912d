/** Which checksum and which compression a connection uses (docs/protocol.md, "Negotiation"). */
import { RefusedError } from '../lib/errors.ts';
import { printable } from '../lib/names.ts';
import type { ByteReader } from './bytes.ts';
import type { ServerOptions } from './options.ts';

export type Checksum = 'xxh128' | 'xxh3' | 'xxh64' | 'md5' | 'md4' | 'sha1';
export type Compression = 'none' | 'zlib' | 'zlibx' | 'lz4' | 'zstd';

/** Best first: also the order in which stock servers name theirs. */
export const CHECKSUMS: readonly Checksum[] = ['xxh128', 'xxh3', 'xxh64', 'md5', 'md4', 'sha1'];
export const COMPRESSIONS: readonly Compression[] = ['zstd', 'lz4', 'zlibx', 'zlib', 'none'];

const LONGEST_LIST = 1024;

export interface Negotiation {
  /** checksum of whole files and of blocks; names exchanged when `asksChecksum` */
  asksChecksum: boolean;
  asksCompression: boolean;
}

/** What has to be exchanged by name; the rest is forced by options or by age. */
export function negotiation(options: ServerOptions, byName: boolean): Negotiation {
  return {
    asksChecksum: byName && options.checksumChoice === undefined,
    asksCompression: byName && options.compress === 'negotiated' && options.compressChoice === undefined,
  };
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

/** The first of the client's names that we have. */
export function chooseName<T extends string>(kind: string, ours: readonly T[], clients: string[]): T {
  for (const name of clients) {
    const known = ours.find((o) => o === name || (o === 'xxh64' && name === 'xxhash'));
    if (known !== undefined) return known;
  }
  throw new RefusedError(
    `Failed to negotiate a ${kind} choice. Client list: ${printable(clients.join(' ').slice(0, 200))}. Server list: ${ours.join(' ')}`,
  );
}

/** Checksums forced by --checksum-choice=TRANSFER[,LIST], else md5 and md4 by age. */
export function forcedChecksums(options: ServerOptions, protocol: number): { transfer: Checksum; list: Checksum } {
  if (options.checksumChoice === undefined) {
    const old: Checksum = protocol >= 30 ? 'md5' : 'md4';
    return { transfer: old, list: old };
  }
  const [transfer, list] = options.checksumChoice.split(',', 2);
  const byAge = protocol >= 30 ? 'md5' : 'md4';
  const known = (name: string): Checksum => (name === 'auto' ? byAge : chooseName('checksum', CHECKSUMS, [name]));
  return { transfer: known(transfer), list: known(list ?? transfer) };
}

export function forcedCompression(options: ServerOptions): Compression {
  if (options.compressChoice !== undefined) {
    if (options.compressChoice === 'auto') return 'zlib';
    return chooseName('compress', COMPRESSIONS, [options.compressChoice]);
  }
  return options.compress === 'none' ? 'none' : 'zlib';
}

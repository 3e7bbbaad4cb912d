/** rsync's checksums of whole files and of blocks, in the byte order of the wire (docs/protocol.md, "Checksums"). */
import { createHash, hash } from 'node:crypto';
import { createMD4, createXXHash3, createXXHash64, createXXHash128, type IHasher } from 'hash-wasm';

export type ChecksumName = 'xxh128' | 'xxh3' | 'xxh64' | 'md5' | 'md4' | 'sha1';

const NO_BYTES: Buffer = Buffer.alloc(0);
const LENGTHS: Record<ChecksumName, number> = { xxh128: 16, xxh3: 8, xxh64: 8, md5: 16, md4: 16, sha1: 20 };

/** Bytes of a whole digest on the wire. */
export function digestLength(name: ChecksumName): number {
  return LENGTHS[name];
}

/** A digest that is used again and again: `reset`, `update`…, `digest`. */
export interface Digest {
  reset(): void;
  update(bytes: Buffer): void;
  digest(): Buffer;
}

/**
 * The digest of whole files. It is unseeded, but for the md4 of protocols below 30 that was not negotiated.
 *
 * @param seed of that md4: its bytes go before the file's
 */
export async function createDigest(name: ChecksumName, seed = 0): Promise<Digest> {
  if (name === 'md5' || name === 'sha1') return new NativeDigest(name);
  const first = name === 'md4' ? seedOf(seed) : NO_BYTES;
  return new WasmDigest(await createHasher(name, 0), name !== 'md4', first);
}

/** How the strong sum of a block is made of it and the connection's seed (int32). */
export interface BlockSumKind {
  algorithm: ChecksumName;
  seed: number;
  /** md5: the seed's bytes go before the block, not after; sha1's always go before, md4's after */
  seedFirst: boolean;
}

/** Bytes of strong sum that are kept of a block. */
export function strongLength(kind: BlockSumKind): number {
  return Math.min(16, LENGTHS[kind.algorithm]);
}

/** Bytes of one cached record: rolling sum, then strong sum. */
export function recordLength(kind: BlockSumKind): number {
  return 4 + strongLength(kind);
}

/** The strong sum of one block; the result is valid until the next call. */
export type StrongSum = (block: Buffer) => Uint8Array;

export async function createStrongSum({ algorithm, seed, seedFirst }: BlockSumKind): Promise<StrongSum> {
  if (algorithm === 'md5' || algorithm === 'sha1') {
    const seedBytes = seedOf(seed);
    const first = seedFirst || algorithm === 'sha1';
    return (block) => hash(algorithm, Buffer.concat(first ? [seedBytes, block] : [block, seedBytes]), 'buffer');
  }
  if (algorithm === 'md4') {
    const digest = new WasmDigest(await createHasher('md4', 0), false, NO_BYTES);
    const seedBytes = seedOf(seed);
    return (block) => {
      digest.reset();
      digest.update(block);
      if (seedBytes.length > 0) digest.update(seedBytes);
      return digest.digest();
    };
  }
  const hasher = await createHasher(algorithm, seed);
  return (block) => hasher.init().update(block).digest('binary').reverse();
}

function seedOf(seed: number): Buffer {
  if (seed === 0) return NO_BYTES;
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(seed | 0);
  return bytes;
}

function createHasher(name: ChecksumName, seed: number): Promise<IHasher> {
  // the seed is an int that becomes 64 bits wide: a negative one keeps its sign
  const low = seed >>> 0;
  const high = seed < 0 ? 0xffffffff : 0;
  if (name === 'xxh128') return createXXHash128(low, high);
  if (name === 'xxh3') return createXXHash3(low, high);
  if (name === 'xxh64') return createXXHash64(low, high);
  return createMD4();
}

class WasmDigest implements Digest {
  private readonly hasher: IHasher;
  /** xxHash's canonical form is big-endian, the wire's is little-endian */
  private readonly reversed: boolean;
  /** goes before the content */
  private readonly first: Buffer;

  constructor(hasher: IHasher, reversed: boolean, first: Buffer) {
    this.hasher = hasher;
    this.reversed = reversed;
    this.first = first;
    this.reset();
  }

  reset(): void {
    this.hasher.init();
    if (this.first.length > 0) this.hasher.update(this.first);
  }

  update(bytes: Buffer): void {
    this.hasher.update(bytes);
  }

  digest(): Buffer {
    const bytes = this.hasher.digest('binary');
    return Buffer.from(this.reversed ? bytes.reverse() : bytes);
  }
}

class NativeDigest implements Digest {
  private readonly name: string;
  private current;

  constructor(name: 'md5' | 'sha1') {
    this.name = name;
    this.current = createHash(name);
  }

  reset(): void {
    this.current = createHash(this.name);
  }

  update(bytes: Buffer): void {
    this.current.update(bytes);
  }

  digest(): Buffer {
    return this.current.digest();
  }
}

/**
 * restic's sealing: IV(16) ‖ AES-256-CTR(plaintext) ‖ MAC(16), the MAC being Poly1305-AES over the ciphertext
 * (docs/repository.md, "Sealing"; Bernstein, "The Poly1305-AES message-authentication code", 2005).
 */
import { createCipheriv, createDecipheriv, randomFillSync, timingSafeEqual } from 'node:crypto';
import { createRequire } from 'node:module';

const sodium: { crypto_onetimeauth(out: Buffer, input: Buffer, key: Buffer): void } = createRequire(import.meta.url)(
  'sodium-native',
);

export const IV_BYTES = 16;
export const MAC_BYTES = 16;
export const SEAL_OVERHEAD: number = IV_BYTES + MAC_BYTES;
/** Below this a keystream made by a cipher that is kept is faster than a new CTR cipher per piece. */
const SMALL_BYTES = 32 * 1024;
const RANDOM_POOL_BYTES = 64 * 1024;

/** 32, 16 and 16 bytes. */
export interface MasterKey {
  encrypt: Buffer;
  macK: Buffer;
  macR: Buffer;
}

/** Seals and opens with one key. Holds ciphers that are used again; not to be shared between threads. */
export class Sealer {
  private readonly key: MasterKey;
  private readonly blocks;
  private readonly macBlocks;
  private readonly random = Buffer.allocUnsafe(RANDOM_POOL_BYTES);
  private randomAt = RANDOM_POOL_BYTES;
  private readonly oneTimeKey = Buffer.alloc(32);
  private readonly counters = Buffer.alloc(SMALL_BYTES);
  private readonly counterView = new DataView(this.counters.buffer, this.counters.byteOffset);

  constructor(key: MasterKey) {
    this.key = key;
    this.blocks = createCipheriv('aes-256-ecb', key.encrypt, null).setAutoPadding(false);
    this.macBlocks = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false);
    clampedR(key.macR).copy(this.oneTimeKey, 0);
  }

  /** Writes the sealed form of `plain` into `out` at `offset`; returns its length, plain.length + SEAL_OVERHEAD. */
  sealInto(out: Buffer, offset: number, plain: Buffer): number {
    const iv = out.subarray(offset, offset + IV_BYTES);
    this.nextIv().copy(iv);
    const start = offset + IV_BYTES;
    const cipher = out.subarray(start, start + plain.length);
    if (plain.length < SMALL_BYTES) this.xorSmall(iv, plain, cipher);
    else createCipheriv('aes-256-ctr', this.key.encrypt, iv).update(plain).copy(cipher);
    this.mac(out.subarray(start + plain.length, start + plain.length + MAC_BYTES), iv, cipher);
    return plain.length + SEAL_OVERHEAD;
  }

  seal(plain: Buffer): Buffer {
    const out = Buffer.allocUnsafe(plain.length + SEAL_OVERHEAD);
    this.sealInto(out, 0, plain);
    return out;
  }

  /** The plaintext; undefined when the bytes are damaged or sealed with another key. */
  open(sealed: Buffer): Buffer | undefined {
    if (sealed.length < SEAL_OVERHEAD) return undefined;
    const iv = sealed.subarray(0, IV_BYTES);
    const cipher = sealed.subarray(IV_BYTES, sealed.length - MAC_BYTES);
    const mac = Buffer.allocUnsafe(MAC_BYTES);
    this.mac(mac, iv, cipher);
    if (!timingSafeEqual(mac, sealed.subarray(sealed.length - MAC_BYTES))) return undefined;
    if (cipher.length >= SMALL_BYTES) return createDecipheriv('aes-256-ctr', this.key.encrypt, iv).update(cipher);
    const plain = Buffer.allocUnsafe(cipher.length);
    this.xorSmall(iv, cipher, plain);
    return plain;
  }

  private nextIv(): Buffer {
    if (this.randomAt === RANDOM_POOL_BYTES) {
      randomFillSync(this.random);
      this.randomAt = 0;
    }
    this.randomAt += IV_BYTES;
    return this.random.subarray(this.randomAt - IV_BYTES, this.randomAt);
  }

  private mac(out: Buffer, iv: Buffer, cipher: Buffer): void {
    this.macBlocks.update(iv).copy(this.oneTimeKey, 16);
    sodium.crypto_onetimeauth(out, cipher, this.oneTimeKey);
  }

  /** CTR by hand: AES of IV, IV + 1, … (a big-endian 128-bit counter), XORed to the input. Hot for small blobs. */
  private xorSmall(iv: Buffer, input: Buffer, output: Buffer): void {
    const count = (input.length + 15) >> 4;
    const { counters, counterView: view } = this;
    const [a, b, c] = [iv.readUInt32BE(0), iv.readUInt32BE(4), iv.readUInt32BE(8)];
    const last = iv.readUInt32BE(12);
    if (last + count > 0xffffffff) {
      // the counter's low word overflows (once in some million blobs): leave the carry to the library
      createCipheriv('aes-256-ctr', this.key.encrypt, iv).update(input).copy(output);
      return;
    }
    for (let i = 0, at = 0; i < count; i++, at += 16) {
      view.setUint32(at, a);
      view.setUint32(at + 4, b);
      view.setUint32(at + 8, c);
      view.setUint32(at + 12, last + i);
    }
    // copied first: pieces of a stream begin anywhere, and words can only be taken from where words begin
    input.copy(output);
    xorInPlace(output, this.blocks.update(counters.subarray(0, count * 16)));
  }
}

/** bytes ^= stream; in words where both allow it. */
function xorInPlace(bytes: Buffer, stream: Buffer): void {
  let at = 0;
  if (((bytes.byteOffset | stream.byteOffset) & 3) === 0) {
    const words = bytes.length >> 2;
    const b = new Int32Array(bytes.buffer, bytes.byteOffset, words);
    const s = new Int32Array(stream.buffer, stream.byteOffset, words);
    for (let w = 0; w < words; w++) b[w] ^= s[w];
    at = words * 4;
  }
  for (; at < bytes.length; at++) bytes[at] ^= stream[at];
}

function clampedR(r: Buffer): Buffer {
  const clamped = Buffer.from(r);
  for (const i of [3, 7, 11, 15]) clamped[i] &= 15;
  for (const i of [4, 8, 12]) clamped[i] &= 252;
  return clamped;
}

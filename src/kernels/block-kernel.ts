/**
 * Rolling sums, and XXH3 of whole blocks, in WebAssembly (kernels/wasm/block-program.ts). The plain references are
 * kernels/rolling.ts and hash-wasm; test/kernels/block-kernel.test.ts holds them equal.
 */
import { blockProgram, FREE_AT, LEAST_XXH3, SECRET_AT, SECRET_BYTES } from './wasm/block-program.ts';

/** Bytes of input that are taken in with one call: a block of the protocol's largest length fits, older ones' do not. */
export const KERNEL_BYTES = 256 * 1024;
const PAGE_BYTES = 64 * 1024;
/** Shortest block it hashes. */
export const LEAST_BLOCK: number = LEAST_XXH3;
const LONGEST_RECORD = 20;
const OUT_AT = FREE_AT + KERNEL_BYTES;
const OUT_BYTES = Math.ceil(KERNEL_BYTES / LEAST_BLOCK) * LONGEST_RECORD + 16;

/** XXH3's default secret (doc/xxhash_spec.md, "XXH3 secret"). */
const SECRET = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221' +
    'b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8' +
    'fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb17' +
    '0ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
);

/** The part of the WebAssembly API that is used here: its types come with the browser's only. */
declare const WebAssembly: {
  validate(program: Uint8Array): boolean;
  instantiate(program: Uint8Array): Promise<{ instance: { exports: unknown } }>;
};

interface Exports {
  memory: { buffer: ArrayBuffer };
  rolling(at: number, length: number): number;
  records(input: number, count: number, length: number, out: number, recordLength: number): void;
}

/** One instance, for one thread and one seed. */
export class BlockKernel {
  private readonly exports: Exports;
  private readonly memory: Buffer;

  private constructor(exports: Exports, seed: number) {
    this.exports = exports;
    this.memory = Buffer.from(exports.memory.buffer);
    seededSecret(seed).copy(this.memory, SECRET_AT);
  }

  /** @param seed int32, extended to 64 bits. undefined where WebAssembly lacks what the program needs. */
  static async create(seed: number): Promise<BlockKernel | undefined> {
    const program = blockProgram(Math.ceil((OUT_AT + OUT_BYTES) / PAGE_BYTES));
    if (!WebAssembly.validate(program)) return undefined;
    const { instance } = await WebAssembly.instantiate(program);
    return new BlockKernel(instance.exports as Exports, seed);
  }

  /** As rollingSum. bytes.length <= KERNEL_BYTES. */
  rolling(bytes: Uint8Array): number {
    this.memory.set(bytes, FREE_AT);
    return this.exports.rolling(FREE_AT, bytes.length) >>> 0;
  }

  /**
   * Records of whole blocks: rolling sum, then as much of the XXH3-128 in the wire's byte order as fits recordLength (its
   * first 8 bytes are the XXH3-64). Hot.
   *
   * @param bytes count * blockLength, <= KERNEL_BYTES; LEAST_BLOCK <= blockLength
   * @returns a view that the next call overwrites
   */
  records(bytes: Uint8Array, count: number, blockLength: number, recordLength: number): Buffer {
    this.memory.set(bytes, FREE_AT);
    this.exports.records(FREE_AT, count, blockLength, OUT_AT, recordLength);
    return this.memory.subarray(OUT_AT, OUT_AT + count * recordLength);
  }
}

/** XXH3's secret for a seed: each pair of words, plus and minus the seed. */
function seededSecret(seed: number): Buffer {
  const secret = Buffer.from(SECRET);
  const wide = BigInt.asIntN(64, BigInt(seed | 0));
  for (let at = 0; at < SECRET_BYTES; at += 16) {
    secret.writeBigUInt64LE(BigInt.asUintN(64, SECRET.readBigUInt64LE(at) + wide), at);
    secret.writeBigUInt64LE(BigInt.asUintN(64, SECRET.readBigUInt64LE(at + 8) - wide), at + 8);
  }
  return secret;
}

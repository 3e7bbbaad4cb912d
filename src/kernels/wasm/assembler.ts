/**
 * Just enough of WebAssembly's binary format (webassembly.github.io/spec, "Binary Format") to write a kernel as a list of
 * instructions and load it: no toolchain, no file of bytes that nobody can read.
 */

export type Code = readonly number[];

export const I32 = 0x7f;
export const I64 = 0x7e;
export const V128 = 0x7b;
const NO_VALUE = 0x40;

/** One function: types of its parameters, results and further locals, and its instructions without the final `end`. */
export interface FunctionSource {
  /** exported under this name; undefined: for the module's own use */
  name: string | undefined;
  params: readonly number[];
  results: readonly number[];
  locals: readonly number[];
  body: Code;
}

/** A module of functions that share one memory, exported as `memory`. */
export function assembleModule(functions: readonly FunctionSource[], pages: number): Uint8Array<ArrayBuffer> {
  const types = functions.map((f) => [0x60, ...vector(f.params.map((t) => [t])), ...vector(f.results.map((t) => [t]))]);
  const exported = functions.flatMap((f, i) => (f.name === undefined ? [] : [[...name(f.name), 0, ...unsigned(i)]]));
  const bodies = functions.map((f) => {
    const body = [...vector(f.locals.map((t) => [1, t])), ...f.body, 0x0b];
    return [...unsigned(body.length), ...body];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(3, vector(functions.map((_, i) => unsigned(i)))),
    ...section(5, vector([[0, ...unsigned(pages)]])),
    ...section(7, vector([[...name('memory'), 2, 0], ...exported])),
    ...section(10, vector(bodies)),
  ]);
}

function section(id: number, content: Code): Code {
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: readonly Code[]): Code {
  return [...unsigned(items.length), ...items.flat()];
}

function name(text: string): Code {
  return vector([...Buffer.from(text)].map((b) => [b]));
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: bigint): Code {
  const low = Number(value & 0x7fn);
  const rest = value >> 7n;
  if ((rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40)) return [low];
  return [low | 0x80, ...signed(rest)];
}

const simd = (opcode: number): Code => [0xfd, ...unsigned(opcode)];
const memory = (offset: number): Code => [0, ...unsigned(offset)];

/** Instructions, named as in the specification. Operands come before their instruction, as on WebAssembly's stack. */
export const op = {
  get: (local: number): Code => [0x20, ...unsigned(local)],
  set: (local: number): Code => [0x21, ...unsigned(local)],
  tee: (local: number): Code => [0x22, ...unsigned(local)],
  call: (index: number): Code => [0x10, ...unsigned(index)],
  /** Runs `body` while `condition` (an i32) is not 0. */
  while: (condition: Code, body: Code): Code => [
    ...[0x02, NO_VALUE, 0x03, NO_VALUE],
    ...condition,
    ...[0x45, 0x0d, 1],
    ...body,
    ...[0x0c, 0, 0x0b, 0x0b],
  ],
  if: (body: Code): Code => [0x04, NO_VALUE, ...body, 0x0b],
  i32: (value: number): Code => [0x41, ...signed(BigInt(value | 0))],
  i64: (value: bigint): Code => [0x42, ...signed(BigInt.asIntN(64, value))],
  i32Load8S: (offset = 0): Code => [0x2c, ...memory(offset)],
  i32Store: (offset = 0): Code => [0x36, ...memory(offset)],
  i64Load: (offset = 0): Code => [0x29, ...memory(offset)],
  i64Store: (offset = 0): Code => [0x37, ...memory(offset)],
  i32Eq: [0x46] as Code,
  i32LtU: [0x49] as Code,
  i32Add: [0x6a] as Code,
  i32Sub: [0x6b] as Code,
  i32Mul: [0x6c] as Code,
  i32And: [0x71] as Code,
  i32Or: [0x72] as Code,
  i32Shl: [0x74] as Code,
  i32ShrU: [0x76] as Code,
  i64Add: [0x7c] as Code,
  i64Mul: [0x7e] as Code,
  i64And: [0x83] as Code,
  i64Or: [0x84] as Code,
  i64Xor: [0x85] as Code,
  i64Shl: [0x86] as Code,
  i64ShrU: [0x88] as Code,
  i64ExtendU: [0xad] as Code,
  load: (offset = 0): Code => [...simd(0), ...memory(offset)],
  store: (offset = 0): Code => [...simd(11), ...memory(offset)],
  v128: (bytes: Uint8Array): Code => [...simd(12), ...bytes],
  shuffle: (...lanes: number[]): Code => [...simd(13), ...lanes],
  lane32: (lane: number): Code => [...simd(27), lane],
  splat64: simd(18),
  xor: simd(81),
  add32: simd(174),
  add64: simd(206),
  mul64: simd(213),
  shiftRight64: simd(205),
  /** i32x4.dot_i16x8_s */
  dot: simd(186),
  /** i64x2.extmul_low_i32x4_u */
  multiplyLow32: simd(222),
  /** i16x8.extend_low_i8x16_s, and high */
  widenLow: simd(135),
  widenHigh: simd(136),
  /** i16x8.extadd_pairwise_i8x16_s, and i32x4.extadd_pairwise_i16x8_s */
  pairs8: simd(124),
  pairs16: simd(126),
};

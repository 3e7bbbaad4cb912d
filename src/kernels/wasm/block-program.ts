/**
 * The WebAssembly program behind kernels/block-kernel.ts: rolling sum and XXH3 of blocks, 16 bytes a step.
 * XXH3 as its specification has it for inputs above 240 bytes (github.com/Cyan4973/xxHash, doc/xxhash_spec.md).
 */
import { assembleModule, type Code, I32, I64, op, V128 } from './assembler.ts';

/** Where things lie in the memory: the secret, the accumulators, then the caller's. */
export const SECRET_AT = 0;
export const SECRET_BYTES = 192;
const ACCUMULATORS_AT = 192;
export const FREE_AT = 256;
/** Shortest input of this form of XXH3. */
export const LEAST_XXH3 = 241;

const PRIME32 = [0x9e3779b1n, 0x85ebca77n, 0xc2b2ae3dn];
const PRIME64 = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
];
const STRIPE = 64;
/** Stripes after which the accumulators are scrambled: the secret moves on by 8 bytes with each. */
const STRIPES = (SECRET_BYTES - STRIPE) / 8;
const FOUR = [0, 1, 2, 3];

const [ROLLING, FOLD, MERGE, XXH3] = [0, 1, 2, 3];

/** @param pages of 64 KiB */
export function blockProgram(pages: number): Uint8Array<ArrayBuffer> {
  return assembleModule(
    [
      {
        name: 'rolling',
        params: [I32, I32],
        results: [I32],
        locals: [I32, V128, V128, V128, V128, I32, I32],
        body: rolling(),
      },
      { name: undefined, params: [I64, I64], results: [I64], locals: [I64, I64, I64, I64], body: fold() },
      { name: undefined, params: [I64, I32], results: [I64], locals: [], body: merge() },
      {
        name: undefined,
        params: [I32, I32, I32],
        results: [],
        locals: [I32, I32, I32, V128, V128, V128, V128, V128, V128],
        body: xxh3(),
      },
      { name: 'records', params: [I32, I32, I32, I32, I32], results: [], locals: [], body: records() },
    ],
    pages,
  );
}

/** rolling(input, length): s1 and s2 of kernels/rolling.ts, s1 in the low half. */
function rolling(): Code {
  const [at, length, end, sums, before, weighted, bytes, s1, s2] = FOUR.concat([4, 5, 6, 7, 8]);
  const weights = (from: number) =>
    op.v128(new Uint8Array(Int16Array.from(FOUR.concat(4, 5, 6, 7), (i) => from - i).buffer));
  const step = [
    ...[...op.get(at), ...op.load(), ...op.set(bytes)],
    // every byte so far counts once more for each of these 16
    ...[...op.get(before), ...op.get(sums), ...op.add32, ...op.set(before)],
    ...[...op.get(sums), ...op.get(bytes), ...op.pairs8, ...op.pairs16, ...op.add32, ...op.set(sums)],
    ...[...op.get(bytes), ...op.widenLow, ...weights(16), ...op.dot],
    ...[...op.get(bytes), ...op.widenHigh, ...weights(8), ...op.dot, ...op.add32],
    ...[...op.get(weighted), ...op.add32, ...op.set(weighted)],
    ...advance(at, 16),
  ];
  const rest = [
    ...[...op.get(s1), ...op.get(at), ...op.i32Load8S(), ...op.i32Add, ...op.tee(s1)],
    ...[...op.get(s2), ...op.i32Add, ...op.set(s2)],
    ...advance(at, 1),
  ];
  return [
    ...[...op.get(at), ...op.get(length), ...op.i32(-16), ...op.i32And, ...op.i32Add, ...op.set(end)],
    ...op.while([...op.get(at), ...op.get(end), ...op.i32LtU], step),
    ...[...total32(sums), ...op.set(s1)],
    ...[...total32(before), ...op.i32(4), ...op.i32Shl, ...total32(weighted), ...op.i32Add, ...op.set(s2)],
    ...[...op.get(end), ...op.get(length), ...op.i32(15), ...op.i32And, ...op.i32Add, ...op.set(end)],
    ...op.while([...op.get(at), ...op.get(end), ...op.i32LtU], rest),
    ...[...op.get(s1), ...op.i32(0xffff), ...op.i32And, ...op.get(s2), ...op.i32(16), ...op.i32Shl, ...op.i32Or],
  ];
}

function total32(vector: number): Code {
  const lanes = FOUR.flatMap((lane) => [...op.get(vector), ...op.lane32(lane)]);
  return [...lanes, ...op.i32Add, ...op.i32Add, ...op.i32Add];
}

/** fold(a, b): the 128-bit product's halves, XORed. */
function fold(): Code {
  const [a, b, lowLow, highLow, lowHigh, cross] = FOUR.concat([4, 5]);
  const low = (x: number) => [...op.get(x), ...op.i64(0xffffffffn), ...op.i64And];
  const high = (x: number) => [...op.get(x), ...op.i64(32n), ...op.i64ShrU];
  return [
    ...[...low(a), ...low(b), ...op.i64Mul, ...op.set(lowLow)],
    ...[...high(a), ...low(b), ...op.i64Mul, ...op.set(highLow)],
    ...[...low(a), ...high(b), ...op.i64Mul, ...op.set(lowHigh)],
    ...[...high(lowLow), ...low(highLow), ...op.i64Add, ...op.get(lowHigh), ...op.i64Add, ...op.set(cross)],
    ...[...high(highLow), ...high(cross), ...op.i64Add, ...high(a), ...high(b), ...op.i64Mul, ...op.i64Add],
    ...[...op.get(cross), ...op.i64(32n), ...op.i64Shl, ...low(lowLow), ...op.i64Or, ...op.i64Xor],
  ];
}

/** merge(start, secret): one 64-bit result of the accumulators in memory. */
function merge(): Code {
  const [sum, secret] = FOUR;
  const word = (i: number) => [
    ...[...op.i32(ACCUMULATORS_AT), ...op.i64Load(8 * i), ...op.get(secret), ...op.i64Load(8 * i), ...op.i64Xor],
  ];
  const pairs = FOUR.flatMap((i) => [
    ...[...op.get(sum), ...word(2 * i), ...word(2 * i + 1), ...op.call(FOLD), ...op.i64Add, ...op.set(sum)],
  ]);
  const xorShift = (bits: bigint) => [...op.get(sum), ...op.get(sum), ...op.i64(bits), ...op.i64ShrU, ...op.i64Xor];
  return [
    ...pairs,
    ...[...xorShift(37n), ...op.i64(0x165667919e3779f9n), ...op.i64Mul, ...op.set(sum)],
    ...xorShift(32n),
  ];
}

/** xxh3(input, length, out): the 128 bits, low half first; the low half is XXH3's 64-bit result. length >= LEAST_XXH3. */
function xxh3(): Code {
  const [input, length, out, at, stripes, secret, data, keyed] = FOUR.concat([4, 5, 6, 7]);
  const accumulators = FOUR.map((i) => 8 + i);
  const start = [
    [PRIME32[2], PRIME64[0]],
    [PRIME64[1], PRIME64[2]],
    [PRIME64[3], PRIME32[1]],
    [PRIME64[4], PRIME32[0]],
  ];
  const accumulate = FOUR.flatMap((i) => [
    ...[
      ...op.get(at),
      ...op.load(16 * i),
      ...op.tee(data),
      ...op.get(secret),
      ...op.load(16 * i),
      ...op.xor,
      ...op.set(keyed),
    ],
    // the data itself goes to the neighbour's lane, the product of the keyed data's halves to its own
    ...[...op.get(data), ...op.get(data), ...op.shuffle(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)],
    ...[...op.get(keyed), ...op.get(keyed), ...op.shuffle(0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11)],
    ...[...op.get(keyed), ...op.get(keyed), ...op.shuffle(4, 5, 6, 7, 12, 13, 14, 15, 4, 5, 6, 7, 12, 13, 14, 15)],
    ...[...op.multiplyLow32, ...op.add64, ...op.get(accumulators[i]), ...op.add64, ...op.set(accumulators[i])],
  ]);
  const scramble = accumulators.flatMap((acc, i) => [
    ...[...op.get(acc), ...op.get(acc), ...op.i32(47), ...op.shiftRight64, ...op.xor],
    ...[...op.i32(SECRET_AT), ...op.load(SECRET_BYTES - STRIPE + 16 * i), ...op.xor],
    ...[...op.i64(PRIME32[0]), ...op.splat64, ...op.mul64, ...op.set(acc)],
  ]);
  const result = (offset: number, seed: Code, from: number) => [
    ...[...op.get(out), ...seed, ...op.i32(SECRET_AT + from), ...op.call(MERGE), ...op.i64Store(offset)],
  ];
  const scaled = (prime: bigint) => [...op.get(length), ...op.i64ExtendU, ...op.i64(prime), ...op.i64Mul];
  return [
    ...start.flatMap((words, i) => [
      ...op.v128(new Uint8Array(BigUint64Array.from(words).buffer)),
      ...op.set(accumulators[i]),
    ]),
    ...[...op.get(input), ...op.set(at), ...op.i32(SECRET_AT), ...op.set(secret)],
    ...[...op.get(length), ...op.i32(1), ...op.i32Sub, ...op.i32(6), ...op.i32ShrU, ...op.set(stripes)],
    ...op.while(op.get(stripes), [
      ...accumulate,
      ...advance(at, STRIPE),
      ...advance(secret, 8),
      ...advance(stripes, -1),
      ...[...op.get(secret), ...op.i32(SECRET_AT + 8 * STRIPES), ...op.i32Eq],
      ...op.if([...scramble, ...op.i32(SECRET_AT), ...op.set(secret)]),
    ]),
    // the last stripe ends with the input, whatever was taken in of it before
    ...[...op.get(input), ...op.get(length), ...op.i32Add, ...op.i32(STRIPE), ...op.i32Sub, ...op.set(at)],
    ...[...op.i32(SECRET_AT + SECRET_BYTES - STRIPE - 7), ...op.set(secret)],
    ...accumulate,
    ...accumulators.flatMap((acc, i) => [...op.i32(ACCUMULATORS_AT), ...op.get(acc), ...op.store(16 * i)]),
    ...result(0, scaled(PRIME64[0]), 11),
    ...result(8, [...scaled(PRIME64[1]), ...op.i64(-1n), ...op.i64Xor], SECRET_BYTES - STRIPE - 11),
  ];
}

/** records(input, count, length, out, recordLength): of each block its rolling sum and XXH3; 16 bytes after `out`'s end may be touched. */
function records(): Code {
  const [input, count, length, out, recordLength] = FOUR.concat([4]);
  return op.while(op.get(count), [
    ...[...op.get(out), ...op.get(input), ...op.get(length), ...op.call(ROLLING), ...op.i32Store()],
    ...[...op.get(input), ...op.get(length), ...op.get(out), ...op.i32(4), ...op.i32Add, ...op.call(XXH3)],
    ...[...op.get(input), ...op.get(length), ...op.i32Add, ...op.set(input)],
    ...[...op.get(out), ...op.get(recordLength), ...op.i32Add, ...op.set(out)],
    ...advance(count, -1),
  ]);
}

function advance(local: number, by: number): Code {
  return [...op.get(local), ...op.i32(by), ...op.i32Add, ...op.set(local)];
}

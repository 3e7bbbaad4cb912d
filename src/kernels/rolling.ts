/**
 * rsync's rolling sum of a block (Tridgell, "Efficient Algorithms for Sorting and Synchronization", 1999, section 3.3;
 * docs/protocol.md, "Block sums"): over signed bytes, s1 the sum, s2 the sum of all running s1, 16 bits of each.
 */

/** Plain reference. */
export function rollingSumReference(bytes: Buffer, from: number, to: number): number {
  let s1 = 0;
  let s2 = 0;
  for (let i = from; i < to; i++) {
    s1 += bytes.readInt8(i);
    s2 += s1;
  }
  return (((s2 & 0xffff) << 16) | (s1 & 0xffff)) >>> 0;
}

/** Hot: four bytes a step. The result is an unsigned 32-bit number. */
export function rollingSum(bytes: Int8Array, from: number, to: number): number {
  let s1 = 0;
  let s2 = 0;
  let i = from;
  for (const end = to - 3; i < end; i += 4) {
    const a = bytes[i];
    const b = bytes[i + 1];
    const c = bytes[i + 2];
    const d = bytes[i + 3];
    s2 = (s2 + 4 * (s1 + a) + 3 * b + 2 * c + d) | 0;
    s1 = (s1 + a + b + c + d) | 0;
  }
  for (; i < to; i++) {
    s1 = (s1 + bytes[i]) | 0;
    s2 = (s2 + s1) | 0;
  }
  return (((s2 & 0xffff) << 16) | (s1 & 0xffff)) >>> 0;
}

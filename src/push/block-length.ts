/** Bytes on the wire per block: a rolling sum of 4 and a strong sum of 8. */
const BYTES_PER_SUM = 12;
/** More blocks than this would cost the client more than some 30 MB for its table. */
const MOST_BLOCKS = 1 << 19;
/** The protocol's largest block (docs/protocol.md, "Sum head"). */
const LARGEST_BLOCK = 128 * 1024;
/** Files of fewer blocks are cut evenly. */
const EVEN_BLOCKS = 256;
/** A file we know nothing of is taken to change once per this many bytes. */
const ASSUMED_CHANGE_DISTANCE = 1 << 20;

/**
 * Block length in bytes for the sums of a file: with n separate changes in S bytes, each change costs about a block of
 * literal data and each block k bytes of sums, so about sqrt(k·S/n) is best (design.md, decision 4).
 *
 * @param size bytes of the file
 * @param changes separate literal stretches of its last delta; undefined when it has no history
 * @param minimum the policy's smallest block
 */
export function chooseBlockLength(size: number, changes: number | undefined, minimum: number): number {
  const expected = Math.max(1, changes ?? size / ASSUMED_CHANGE_DISTANCE);
  const best = Math.sqrt((BYTES_PER_SUM * size) / expected);
  let length = powerOfTwoNear(best);
  while (length < LARGEST_BLOCK && size / length > MOST_BLOCKS) length *= 2;
  length = Math.min(LARGEST_BLOCK, Math.max(minimum, length));
  const blocks = Math.floor(size / length);
  return blocks < EVEN_BLOCKS ? evenLength(size, blocks, minimum) : length;
}

/** About as many blocks, the last of which is no shorter than allowed: a shorter one is not offered (push/basis.ts). */
function evenLength(size: number, blocks: number, minimum: number): number {
  for (let count = blocks; count > 1; count--) {
    const length = Math.ceil(size / count);
    if (length > LARGEST_BLOCK) return LARGEST_BLOCK;
    const last = size % length;
    if (last === 0 || last >= minimum) return length;
  }
  return Math.min(LARGEST_BLOCK, Math.max(1, size));
}

/** Powers of two: sums of a large file stay usable while its size drifts. */
function powerOfTwoNear(value: number): number {
  return 2 ** Math.max(0, Math.round(Math.log2(Math.max(1, value))));
}

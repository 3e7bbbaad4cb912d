/** Decoder of one raw LZ4 block (lz4 project, doc/lz4_Block_format.md). */
import { ProtocolError } from '../lib/errors.ts';

const SHORTEST_MATCH = 4;

/**
 * Decompresses `input` into `output` and returns the number of bytes made.
 *
 * @throws ProtocolError when the block is damaged or does not fit
 */
export function decompressLz4Block(input: Buffer, output: Buffer): number {
  let at = 0;
  let made = 0;
  while (at < input.length) {
    const token = input[at++];
    let literals = token >>> 4;
    if (literals === 15) {
      let more: number;
      do {
        if (at >= input.length) throw damaged();
        more = input[at++];
        literals += more;
      } while (more === 255);
    }
    if (literals > input.length - at || literals > output.length - made) throw damaged();
    input.copy(output, made, at, at + literals);
    at += literals;
    made += literals;
    // the last sequence has literals only
    if (at === input.length) return made;
    if (input.length - at < 2) throw damaged();
    const offset = input[at] | (input[at + 1] << 8);
    at += 2;
    let length = (token & 15) + SHORTEST_MATCH;
    if (length === 15 + SHORTEST_MATCH) {
      let more: number;
      do {
        if (at >= input.length) throw damaged();
        more = input[at++];
        length += more;
      } while (more === 255);
    }
    if (offset === 0 || offset > made || length > output.length - made) throw damaged();
    // source and target may overlap: byte by byte repeats what was just made
    for (const end = made + length; made < end; made++) output[made] = output[made - offset];
  }
  throw damaged();
}

function damaged(): ProtocolError {
  return new ProtocolError("the client's compressed data is damaged: not an LZ4 block");
}

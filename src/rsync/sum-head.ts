/** The head of a file's block sums (docs/protocol.md, "Sum head"). */
import { ProtocolError } from '../lib/errors.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

/** Bytes of a rolling sum, before the strong sum of each block. */
export const ROLLING_BYTES = 4;

export interface SumHead {
  /** blocks */
  count: number;
  /** bytes of every block but the last */
  blockLength: number;
  /** bytes of each strong sum as sent */
  strongLength: number;
  /** bytes of the last block; 0 when it is full */
  remainder: number;
}

export function writeSumHead(writer: ByteWriter, head: SumHead): void {
  writer.i32(head.count).i32(head.blockLength).i32(head.strongLength).i32(head.remainder);
}

/** Reads the head a reply repeats; it must be the one that was sent (CVE-2024-12084 came of believing it). */
export function readSumHead(reader: ByteReader, sent: SumHead): void {
  const count = reader.i32();
  const blockLength = reader.i32();
  const strongLength = reader.i32();
  const remainder = reader.i32();
  if (
    count === sent.count &&
    blockLength === sent.blockLength &&
    strongLength === sent.strongLength &&
    remainder === sent.remainder
  )
    return;
  throw new ProtocolError(
    `the client repeats another head of block sums than it was sent: ${count},${blockLength},${strongLength},${remainder} instead of ${sent.count},${sent.blockLength},${sent.strongLength},${sent.remainder}`,
  );
}

import { write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Budget } from './budget.ts';
import { ContentError, loadBlob, locate, type TreeSource } from './tree-source.ts';

/** Bytes of a blob ID. */
const ID = 32;
/** Blobs of one file that are read ahead of the one being written. */
const READ_AHEAD = 8;
/** Runs of zeros this long and aligned so become holes. */
const HOLE_UNIT = 4096;
const HOLE_MINIMUM = 8 * HOLE_UNIT;
const ZEROS = Buffer.alloc(HOLE_UNIT);
/** Smaller writes are done at once: handing them to a thread costs more than they do. */
const ASYNC_WRITE = 128 * 1024;
const writeAsync = promisify(write);

interface Ahead {
  plain: Promise<Buffer>;
  bytes: number;
}

/**
 * A file's plaintext, piece by piece. Several blobs are read at once, within the shared budget; a piece is valid until
 * the next is asked for. A blob repeated at once (a long run of zeros) is read once. `ids` are 32-byte blob IDs one
 * after another.
 */
export async function* readContent(source: TreeSource, ids: Buffer, budget: Budget): AsyncGenerator<Buffer> {
  if (ids.length % ID !== 0) throw new ContentError('ERR_CONTENT', 'the list of its blobs is damaged');
  const count = ids.length / ID;
  const id = (i: number) => ids.subarray(i * ID, i * ID + ID);
  const queue: (Ahead | 'again')[] = [];
  let next = 0;
  let last: Buffer | undefined;
  try {
    for (let done = 0; done < count; done++) {
      for (; next < count && queue.length < READ_AHEAD; next++) {
        if (next > 0 && id(next).equals(id(next - 1))) queue.push('again');
        else {
          const bytes = locate(source, id(next)).plainLength;
          // only a file that holds nothing may wait: two that each hold a part would wait for each other
          if (queue.length === 0) await budget.acquire(bytes);
          else if (!budget.tryAcquire(bytes)) break;
          queue.push({ plain: startLoad(source, id(next)), bytes });
        }
      }
      const first = queue[0];
      if (first !== 'again') last = await first.plain;
      yield last as Buffer;
      queue.shift();
      if (first !== 'again') budget.release(first.bytes);
    }
  } finally {
    for (const rest of queue) if (rest !== 'again') budget.release(rest.bytes);
  }
}

function startLoad(source: TreeSource, id: Buffer): Promise<Buffer> {
  const plain = loadBlob(source, id);
  plain.catch(() => undefined); // its turn comes later; until then nobody awaits it
  return plain;
}

/** Writes a piece at `offset`, leaving holes where it holds long runs of zeros. The caller sets the size at the end. */
export async function writeSparse(fd: number, piece: Buffer, offset: number): Promise<void> {
  let from = 0;
  for (const hole of holes(piece, offset)) {
    await writeAll(fd, piece, from, hole.from, offset);
    from = hole.to;
  }
  await writeAll(fd, piece, from, piece.length, offset);
}

async function writeAll(fd: number, piece: Buffer, from: number, to: number, offset: number): Promise<void> {
  for (let at = from; at < to; ) {
    const length = to - at;
    at +=
      length < ASYNC_WRITE
        ? writeSync(fd, piece, at, length, offset + at)
        : (await writeAsync(fd, piece, at, length, offset + at)).bytesWritten;
  }
}

/**
 * Runs of zeros worth a hole, as positions in `piece`, which begins at `offset` of the file. Units are aligned in the
 * file; those cut by the piece's ends count too, for what is not written reads as zeros.
 */
export function* holes(piece: Buffer, offset: number): Generator<{ from: number; to: number }> {
  let start = -1;
  let end = 0;
  for (let at = 0; at < piece.length; at = end) {
    end = Math.min(piece.length, at + HOLE_UNIT - ((offset + at) % HOLE_UNIT));
    if (isZero(piece, at, end)) {
      if (start < 0) start = at;
    } else {
      if (start >= 0 && at - start >= HOLE_MINIMUM) yield { from: start, to: at };
      start = -1;
    }
  }
  if (start >= 0 && end - start >= HOLE_MINIMUM) yield { from: start, to: end };
}

/** Whether a unit is all zeros; most that are not show it at their first or middle byte. */
function isZero(piece: Buffer, from: number, to: number): boolean {
  if (piece[from] !== 0 || piece[(from + to) >> 1] !== 0) return false;
  return piece.compare(ZEROS, 0, to - from, from, to) === 0;
}

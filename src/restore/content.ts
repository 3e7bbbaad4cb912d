import { write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Budget } from './budget.ts';
import { loadBlob, locate, type TreeSource } from './tree-source.ts';

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
 * the next is asked for. A blob repeated at once (a long run of zeros) is read once.
 */
export async function* readContent(source: TreeSource, ids: readonly Buffer[], budget: Budget): AsyncGenerator<Buffer> {
  const queue: (Ahead | 'again')[] = [];
  let next = 0;
  let last: Buffer | undefined;
  try {
    for (let done = 0; done < ids.length; done++) {
      for (; next < ids.length && queue.length < READ_AHEAD; next++) {
        if (next > 0 && ids[next].equals(ids[next - 1])) queue.push('again');
        else {
          const bytes = locate(source, ids[next]).plainLength;
          // only a file that holds nothing may wait: two that each hold a part would wait for each other
          if (queue.length === 0) await budget.acquire(bytes);
          else if (!budget.tryAcquire(bytes)) break;
          queue.push({ plain: startLoad(source, ids[next]), bytes });
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

/** Runs of zeros worth a hole, as positions in `piece`. Units are aligned in the file, which `piece` begins at `offset`. */
export function* holes(piece: Buffer, offset: number): Generator<{ from: number; to: number }> {
  let start = -1;
  let at = (HOLE_UNIT - (offset % HOLE_UNIT)) % HOLE_UNIT;
  for (; at + HOLE_UNIT <= piece.length; at += HOLE_UNIT) {
    if (isZero(piece, at)) {
      if (start < 0) start = at;
    } else {
      if (start >= 0 && at - start >= HOLE_MINIMUM) yield { from: start, to: at };
      start = -1;
    }
  }
  if (start >= 0 && at - start >= HOLE_MINIMUM) yield { from: start, to: at };
}

/** Whether a unit is all zeros; most that are not show it at their first or middle byte. */
function isZero(piece: Buffer, at: number): boolean {
  return piece[at] === 0 && piece[at + HOLE_UNIT / 2] === 0 && ZEROS.compare(piece, at, at + HOLE_UNIT) === 0;
}

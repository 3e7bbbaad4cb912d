/**
 * Decompressors that take pieces of one stream and give out pieces of bounded size, without awaiting. Node's public
 * classes are streams; the handle below them has the synchronous call that its own `zlib.*Sync` functions use.
 */
import zlib from 'node:zlib';
import { ProtocolError } from '../lib/errors.ts';
import { decompressLz4Block } from './lz4.ts';

/** Most bytes given out at once: a bomb costs time in proportion to what it makes, never memory. */
const PIECE_BYTES = 128 * 1024;
/** Most bytes of one compressed piece: its length has 14 bits. */
const LONGEST_INPUT = 0x3fff;
/** Windows of 32 MiB at most: what zstd uses up to level 20 (options.ts refuses levels above). */
const LARGEST_ZSTD_WINDOW_LOG = 25;

export interface Inflater {
  /** A file begins. */
  start(): void;
  /** More of the stream, copied; all of it must be taken out by `next` before the next `feed`. */
  feed(input: Buffer): void;
  /** The next piece, never empty, valid until the next call; undefined when the input is used up. */
  next(): Buffer | undefined;
  /** The part of the stream before a match or the file's end is over. */
  endOfRun(): void;
  /** The last bytes that were matched, at most a window's, for the inflater that wants them. */
  feedWindow(bytes: Buffer): void;
}

/** The part of Node's zlib handles that is used here; `test/rsync/inflate.test.ts` holds that it is still there. */
interface Handle {
  writeSync(
    flush: number,
    input: Buffer,
    inputOffset: number,
    inputLength: number,
    output: Buffer,
    outputOffset: number,
    outputLength: number,
  ): void;
  reset(): void;
  onerror: (message: string) => void;
}

/** A stream in Node's zlib, driven by hand. */
class StreamInflater {
  private readonly handle: Handle;
  /** set by the handle: bytes of output and of input left */
  private readonly state: Uint32Array;
  private readonly output = Buffer.allocUnsafe(PIECE_BYTES);
  private readonly flush: number;
  private failure: string | undefined;
  private readonly input = Buffer.allocUnsafe(LONGEST_INPUT);
  private inputEnd = 0;
  private at = 0;
  private outputWasFull = false;

  constructor(stream: unknown, flush: number) {
    const inside = stream as { _handle: Handle; _writeState: Uint32Array };
    this.handle = inside._handle;
    this.state = inside._writeState;
    this.flush = flush;
    this.handle.onerror = (message) => {
      this.failure = message;
    };
  }

  reset(): void {
    this.handle.reset();
    this.inputEnd = 0;
    this.at = 0;
    this.outputWasFull = false;
  }

  feed(input: Buffer): void {
    this.inputEnd = input.copy(this.input);
    this.at = 0;
  }

  next(): Buffer | undefined {
    while (this.at < this.inputEnd || this.outputWasFull) {
      const left = this.inputEnd - this.at;
      this.handle.writeSync(this.flush, this.input, this.at, left, this.output, 0, PIECE_BYTES);
      if (this.failure !== undefined)
        throw new ProtocolError(`the client's compressed data cannot be decompressed: ${this.failure}`);
      const [outputLeft, inputLeft] = this.state;
      const produced = PIECE_BYTES - outputLeft;
      this.outputWasFull = outputLeft === 0;
      if (produced === 0 && inputLeft === left && left > 0)
        throw new ProtocolError("the client's compressed data has an end within");
      this.at = this.inputEnd - inputLeft;
      if (produced > 0) return this.output.subarray(0, produced);
    }
    return undefined;
  }
}

/** What deflate writes at a flush and the sender leaves out. */
const FLUSH_TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** zlibx, and zlib without its matches: raw deflate, begun anew for each file. */
class DeflateInflater implements Inflater {
  protected readonly stream = new StreamInflater(zlib.createInflateRaw(), zlib.constants.Z_SYNC_FLUSH);
  private fed = false;

  start(): void {
    this.stream.reset();
    this.fed = false;
  }

  feed(input: Buffer): void {
    this.stream.feed(input);
    this.fed = true;
  }

  next(): Buffer | undefined {
    return this.stream.next();
  }

  endOfRun(): void {
    if (!this.fed) return;
    this.fed = false;
    this.stream.feed(FLUSH_TAIL);
    if (this.stream.next() !== undefined) throw new ProtocolError("the client's compressed data is out of step");
  }

  feedWindow(_bytes: Buffer): void {}
}

/** zlib: the sender's window holds matched bytes too. They go into ours as deflate's stored blocks; what comes out is dropped. */
class WindowedDeflateInflater extends DeflateInflater {
  override feedWindow(bytes: Buffer): void {
    const { length } = bytes;
    this.insert(Buffer.from([0, length, length >> 8, ~length, ~length >> 8]));
    for (let at = 0; at < length; at += LONGEST_INPUT) this.insert(bytes.subarray(at, at + LONGEST_INPUT));
  }

  private insert(bytes: Buffer): void {
    this.stream.feed(bytes);
    while (this.stream.next() !== undefined);
  }
}

/** zstd: one stream for the whole connection, flushed at each file's end. No dictionary is ever loaded. */
class ZstdInflater implements Inflater {
  private readonly stream = new StreamInflater(
    zlib.createZstdDecompress({ params: { [zlib.constants.ZSTD_d_windowLogMax]: LARGEST_ZSTD_WINDOW_LOG } }),
    zlib.constants.ZSTD_e_continue,
  );

  start(): void {}

  feed(input: Buffer): void {
    this.stream.feed(input);
  }

  next(): Buffer | undefined {
    return this.stream.next();
  }

  endOfRun(): void {}

  feedWindow(_bytes: Buffer): void {}
}

/** lz4: every piece is a block of its own. */
class Lz4Inflater implements Inflater {
  private readonly output = Buffer.allocUnsafe(PIECE_BYTES);
  private made = 0;

  start(): void {
    this.made = 0;
  }

  feed(input: Buffer): void {
    this.made = decompressLz4Block(input, this.output);
  }

  next(): Buffer | undefined {
    const { made } = this;
    this.made = 0;
    return made === 0 ? undefined : this.output.subarray(0, made);
  }

  endOfRun(): void {}

  feedWindow(_bytes: Buffer): void {}
}

export function createInflater(algorithm: 'zlib' | 'zlibx' | 'lz4' | 'zstd'): Inflater {
  if (algorithm === 'lz4') return new Lz4Inflater();
  if (algorithm === 'zstd') return new ZstdInflater();
  return algorithm === 'zlib' ? new WindowedDeflateInflater() : new DeflateInflater();
}

/**
 * Decompressors that take pieces of one stream and give out pieces of bounded size, without awaiting. Node's public
 * classes are streams; the handle below them has the synchronous call that its own `zlib.*Sync` functions use.
 */
import zlib from 'node:zlib';
import { ProtocolError } from '../lib/errors.ts';
import { decompressLz4Block } from './lz4.ts';

/** Most bytes given out at once: a bomb costs time in proportion to what it makes, never memory. */
const PIECE_BYTES = 128 * 1024;
/** Windows of 32 MiB at most: what zstd uses up to level 20. */
const LARGEST_ZSTD_WINDOW_LOG = 25;

export interface Inflater {
  /** A file begins. */
  start(): void;
  /** More of the stream; all of it must be taken out by `next` before the next `feed`. */
  feed(input: Buffer): void;
  /** The next piece, valid until the next call; undefined when the input is used up. */
  next(): Buffer | undefined;
  /** The part of the stream before a match or the file's end is over. */
  endOfRun(): void;
}

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
  private input: Buffer = Buffer.alloc(0);
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
    this.input = Buffer.alloc(0);
    this.at = 0;
    this.outputWasFull = false;
  }

  feed(input: Buffer): void {
    this.input = input;
    this.at = 0;
  }

  next(): Buffer | undefined {
    while (this.at < this.input.length || this.outputWasFull) {
      const left = this.input.length - this.at;
      this.handle.writeSync(this.flush, this.input, this.at, left, this.output, 0, PIECE_BYTES);
      if (this.failure !== undefined)
        throw new ProtocolError(`the client's compressed data is damaged: ${this.failure}`);
      const [outputLeft, inputLeft] = this.state;
      const produced = PIECE_BYTES - outputLeft;
      this.outputWasFull = outputLeft === 0;
      if (produced === 0 && inputLeft === left && left > 0)
        throw new ProtocolError("the client's compressed data has an end within");
      this.at = this.input.length - inputLeft;
      if (produced > 0) return this.output.subarray(0, produced);
    }
    return undefined;
  }
}

/** What deflate writes at a flush and the sender leaves out. */
const FLUSH_TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** zlib and zlibx: raw deflate, begun anew for each file. */
class DeflateInflater implements Inflater {
  private readonly stream = new StreamInflater(zlib.createInflateRaw(), zlib.constants.Z_SYNC_FLUSH);
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
}

/** zstd: one stream for the whole connection, flushed at each file's end. */
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
}

/** lz4: every piece is a block of its own. */
class Lz4Inflater implements Inflater {
  private readonly output = Buffer.allocUnsafe(PIECE_BYTES);
  private input: Buffer | undefined;

  start(): void {
    this.input = undefined;
  }

  feed(input: Buffer): void {
    this.input = input;
  }

  next(): Buffer | undefined {
    const { input } = this;
    this.input = undefined;
    if (input === undefined) return undefined;
    return this.output.subarray(0, decompressLz4Block(input, this.output));
  }

  endOfRun(): void {}
}

export function createInflater(algorithm: 'zlib' | 'zlibx' | 'lz4' | 'zstd'): Inflater {
  if (algorithm === 'lz4') return new Lz4Inflater();
  return algorithm === 'zstd' ? new ZstdInflater() : new DeflateInflater();
}

/**
 * zstd at level 1 for many small pieces. Node's `zstdCompressSync` makes a new context per call; one context used again
 * takes half the time on 4-KiB pieces (65,000/s against 38,000/s here). The handle below Node's stream class has the
 * synchronous call; where it is not found, the public function serves.
 */
import zlib from 'node:zlib';

const { ZSTD_c_compressionLevel, ZSTD_c_contentSizeFlag, ZSTD_e_end } = zlib.constants;
const PARAMS = { [ZSTD_c_compressionLevel]: 1, [ZSTD_c_contentSizeFlag]: 1 };

/** One that fits a block of zstd's, one that takes two, and a short one after it. */
const SAMPLES = [5000, 200_000, 100].map((length) => Buffer.alloc(length, `sample of ${length} bytes, `));

/** Bytes of the output buffer that is kept. */
const LARGEST_KEPT = 16 << 20;

/** What lies below Node's stream class: no public interface, so it is tried before it is trusted. */
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

/** Compresses whole frames. Not to be shared between threads. */
export class ZstdCompressor {
  private readonly handle: Handle | undefined;
  private readonly state: Uint32Array | undefined;
  private output = Buffer.allocUnsafeSlow(64 * 1024);
  private failed = false;

  /** @param stream whose handle is used; for tests */
  constructor(stream: object = zlib.createZstdCompress({ params: PARAMS })) {
    const { _handle: handle, _writeState: state } = stream as { _handle?: Handle; _writeState?: unknown };
    if (typeof handle?.writeSync !== 'function' || typeof handle.reset !== 'function') return;
    if (!(state instanceof Uint32Array)) return;
    this.handle = handle;
    this.state = state;
    handle.onerror = () => {
      this.failed = true;
    };
    this.failed = !this.works();
  }

  /** One frame of all of `input`, as a view that the next call overwrites; undefined when it would not be shorter. */
  compress(input: Buffer): Buffer | undefined {
    if (input.length < 32) return undefined;
    if (this.handle === undefined || this.state === undefined || this.failed)
      return shorter(zlib.zstdCompressSync(input, { params: PARAMS }), input);
    // room for what incompressible input grows by, so that one call always ends the frame
    const bound = input.length + (input.length >> 7) + 512;
    const output = this.room(bound);
    this.handle.writeSync(ZSTD_e_end, input, 0, input.length, output, 0, output.length);
    const [outputLeft, inputLeft] = this.state;
    if (this.failed || inputLeft !== 0 || outputLeft === 0) {
      this.handle.reset();
      return shorter(zlib.zstdCompressSync(input, { params: PARAMS }), input);
    }
    return shorter(output.subarray(0, output.length - outputLeft), input);
  }

  /** Whether frames made one after another come back: a Node where the handle means something else would ruin every blob. */
  private works(): boolean {
    try {
      return SAMPLES.every((sample) => {
        const frame = this.compress(sample);
        return frame !== undefined && zlib.zstdDecompressSync(frame).equals(sample);
      });
    } catch {
      return false;
    }
  }

  /** The buffer that is used again; one of its own for a piece of unusual size. */
  private room(length: number): Buffer {
    if (length <= this.output.length) return this.output;
    if (length > LARGEST_KEPT) return Buffer.allocUnsafeSlow(length);
    this.output = Buffer.allocUnsafeSlow(Math.min(LARGEST_KEPT, length * 2));
    return this.output;
  }
}

function shorter(frame: Buffer, input: Buffer): Buffer | undefined {
  return frame.length < input.length ? frame : undefined;
}

/** @throws when the frame is damaged or holds more than `most` bytes */
export function zstdDecompress(frame: Buffer, most: number): Buffer {
  return zlib.zstdDecompressSync(frame, { maxOutputLength: Math.max(1, most) });
}

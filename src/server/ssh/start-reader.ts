import type { Duplex } from 'node:stream';
import { ProtocolError } from '../../lib/errors.ts';
import { Input } from '../../push/input.ts';
import { type ByteReader, NEED_MORE } from '../../rsync/bytes.ts';
import { Demultiplexer } from '../../rsync/mux.ts';

/** Bytes of a line before the push, its end included. */
const LONGEST_LINE = 1024;

/** Reads what a client says before its push; what came beyond that is in `rest()`. */
export class StartReader {
  private readonly stream: Duplex;
  private readonly input: Input;

  constructor(stream: Duplex) {
    this.stream = stream;
    this.input = new Input(stream, new Demultiplexer(() => undefined), Buffer.alloc(0));
  }

  /** Runs `decode` on the bytes at hand, again whenever more have come. @throws ConnectionCutError */
  read<T>(decode: (reader: ByteReader) => T): Promise<T> {
    return this.input.read(decode);
  }

  /** The next line without its newline, as latin1. @throws ProtocolError when it is too long */
  line(): Promise<string> {
    return this.read((reader) => {
      const end = reader.bytes
        .subarray(reader.position, Math.min(reader.end, reader.position + LONGEST_LINE))
        .indexOf(10);
      if (end < 0 && reader.available >= LONGEST_LINE)
        throw new ProtocolError(`a line is longer than ${LONGEST_LINE} bytes`);
      if (end < 0) throw NEED_MORE;
      const line = reader.latin1(end);
      reader.u8();
      return line;
    });
  }

  /** Reads and drops `count` bytes. */
  async skip(count: number): Promise<void> {
    await this.read((reader) => reader.view(count));
  }

  /** Ends every wait with `error`. */
  fail(error: Error): void {
    this.input.fail(error);
  }

  /** Ends the reader: the stream stands still until somebody else reads it. */
  rest(): Buffer {
    this.stream.pause();
    this.input.close();
    const { reader } = this.input;
    return Buffer.from(reader.bytes.subarray(reader.position, reader.end));
  }
}

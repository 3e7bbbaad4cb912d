import { Duplex, type Readable, type Writable } from 'node:stream';

type Done = (error?: Error | null) => void;

/**
 * Standard input and output as one connection. Nothing is held here beyond one chunk and what the kernel has not taken yet,
 * so whoever is slow at either end is waited for. It breaks when either half does.
 */
export class StdioStream extends Duplex {
  private readonly input: Readable;
  private readonly output: Writable;

  constructor(input: Readable, output: Writable) {
    super({ allowHalfOpen: true });
    this.input = input;
    this.output = output;
    input.pause();
    input.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) input.pause();
    });
    input.on('end', () => this.push(null));
    input.on('error', (error) => this.destroy(error));
    output.on('error', (error) => this.destroy(error));
    this.on('error', () => undefined); // whoever reads or writes is told by 'close'
  }

  override _read(): void {
    this.input.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: Done): void {
    this.output.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.output.cork();
    chunks.forEach(({ chunk }, i) => {
      this.output.write(chunk, i === chunks.length - 1 ? done : undefined);
    });
    this.output.uncork();
  }

  override _final(done: Done): void {
    this.output.end(done);
  }

  override _destroy(error: Error | null, done: Done): void {
    this.input.destroy();
    this.output.destroy();
    done(error);
  }
}

import type { Socket } from 'node:net';
import { NightdropError, ProtocolError } from '../lib/errors.ts';

/** Bytes of a line before login, its end included. */
const LONGEST_LINE = 1024;

/** The peer went away before the login was over. Nobody is left to tell. */
export class PeerGoneError extends NightdropError {
  constructor() {
    super('ERR_PEER_GONE', 'the client closed the connection before it had logged in');
  }
}

/**
 * Lines of a socket whose `highWaterMark` is 0: such a socket reads from the kernel once for each time it is asked, and
 * never by itself. So between two lines nothing is read, and when the socket is given to another process, all that was
 * read is in `rest()` and everything else is still in the kernel.
 */
export class LineReader {
  private readonly socket: Socket;
  private buffer: Buffer = Buffer.alloc(0);
  private ended = false;
  private wake: (() => void) | undefined;
  private readonly onReadable = () => this.take();
  private readonly onEnd = () => {
    this.ended = true;
    this.wake?.();
  };

  constructor(socket: Socket) {
    if (socket.readableHighWaterMark !== 0) throw new RangeError('a LineReader needs a socket with highWaterMark 0');
    this.socket = socket;
    socket.on('readable', this.onReadable);
    socket.on('end', this.onEnd);
    socket.on('close', this.onEnd);
  }

  /** The next line without its newline, as latin1. @throws ProtocolError when it is too long, PeerGoneError */
  async line(): Promise<string> {
    for (;;) {
      const end = this.buffer.subarray(0, LONGEST_LINE).indexOf(0x0a);
      if (end >= 0) {
        const line = this.buffer.toString('latin1', 0, end);
        this.buffer = this.buffer.subarray(end + 1);
        return line;
      }
      if (this.buffer.length >= LONGEST_LINE) throw new ProtocolError(`a line is longer than ${LONGEST_LINE} bytes`);
      await this.more();
    }
  }

  /** Waits for the first byte that is unread, and leaves it. @throws PeerGoneError */
  async peek(): Promise<number> {
    while (this.buffer.length === 0) await this.more();
    return this.buffer[0];
  }

  /**
   * What `decode` makes of the bytes at hand, which it is given again whenever there are more. It is to throw before they
   * become too many.
   */
  async decode<T>(decode: (bytes: Buffer) => { value: T; used: number } | undefined): Promise<T> {
    for (;;) {
      const found = this.buffer.length > 0 ? decode(this.buffer) : undefined;
      if (found !== undefined) {
        this.buffer = this.buffer.subarray(found.used);
        return found.value;
      }
      await this.more();
    }
  }

  /** Reads and drops `count` bytes. */
  async skip(count: number): Promise<void> {
    while (this.buffer.length < count) {
      count -= this.buffer.length;
      this.buffer = Buffer.alloc(0);
      await this.more();
    }
    this.buffer = this.buffer.subarray(count);
  }

  /** Ends the reader. Returns what was read beyond the last line; the socket reads nothing until it is asked to. */
  rest(): Buffer {
    this.socket.off('readable', this.onReadable);
    this.socket.off('end', this.onEnd);
    this.socket.off('close', this.onEnd);
    if (this.socket.readableLength > 0) throw new RangeError('the socket has read more than it was asked for');
    return this.buffer;
  }

  private async more(): Promise<void> {
    const before = this.buffer.length;
    while (this.buffer.length === before) {
      if (this.ended || this.socket.destroyed) throw new PeerGoneError();
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        this.socket.read(0);
      });
      this.wake = undefined;
    }
  }

  /** Called once for each time the socket was asked, and at its end. */
  private take(): void {
    const chunk: Buffer | null = this.socket.read();
    if (chunk === null) return;
    this.buffer = this.buffer.length === 0 ? chunk : Buffer.concat([this.buffer, chunk]);
    this.wake?.();
  }
}

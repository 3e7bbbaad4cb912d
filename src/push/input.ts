import type { Duplex } from 'node:stream';
import { NightdropError, RsyncExit } from '../lib/errors.ts';
import { type ByteReader, NEED_MORE } from '../rsync/bytes.ts';
import type { Demultiplexer } from '../rsync/mux.ts';

/** Bytes that may lie here unread before the socket is told to wait. */
const HIGH_WATER = 1 << 20;

/** The client went away, or said nothing for too long: what arrived so far is kept as an incomplete snapshot. */
export class ConnectionCutError extends NightdropError {
  constructor(message: string, rsyncExit: number) {
    super('ERR_CONNECTION_CUT', message, { rsyncExit, forClient: true });
  }
}

/**
 * What comes from the client, as a `ByteReader` over the demultiplexed data. Decoders run on it without awaiting; when
 * they need more, `more()` waits for the socket. At most `HIGH_WATER` bytes and one socket read are held.
 */
export class Input {
  readonly reader: ByteReader;
  bytesRead = 0;
  private readonly socket: Duplex;
  private readonly demultiplexer: Demultiplexer;
  private wake: (() => void) | undefined;
  private failure: Error | undefined;
  private ended = false;
  private gone = false;
  /** set while what comes is dropped: ends that */
  private dropping: (() => void) | undefined;
  private idleSeconds = 0;
  private timer: NodeJS.Timeout | undefined;
  /** milliseconds of the last byte in either direction */
  private lastActivity = Date.now();

  constructor(socket: Duplex, demultiplexer: Demultiplexer, initial: Buffer) {
    this.socket = socket;
    this.demultiplexer = demultiplexer;
    this.reader = demultiplexer.reader;
    if (initial.length > 0) this.feed(initial);
    this.ended = socket.destroyed || socket.readableEnded; // then no event will say so
    socket.on('data', (chunk: Buffer) => this.feed(chunk));
    socket.on('end', () => this.end());
    socket.on('close', () => this.end());
    socket.on('error', (error) =>
      this.fail(new ConnectionCutError(`the connection broke: ${error.message}`, RsyncExit.socketIo)),
    );
  }

  /** Drops the connection when neither side sent anything for `seconds` while we wait for the client; 0: never. */
  setTimeout(seconds: number): void {
    clearInterval(this.timer);
    this.idleSeconds = seconds;
    if (seconds === 0) return;
    const step = Math.min(1000, (seconds * 1000) / 4);
    this.timer = setInterval(() => this.checkIdle(), step);
    this.timer.unref();
  }

  /** Notes activity of the other direction: a client that reads what we send is not idle. */
  noteActivity(): void {
    this.lastActivity = Date.now();
  }

  /** Runs `decode` on the bytes at hand, again from the start of its message whenever more have arrived. */
  async read<T>(decode: (reader: ByteReader) => T): Promise<T> {
    const { reader } = this;
    for (;;) {
      const start = reader.position;
      try {
        return decode(reader);
      } catch (error) {
        if (error !== NEED_MORE) throw error;
        reader.position = start;
      }
      await this.more();
    }
  }

  /** Resolves when bytes have been added; rejects when none will be. */
  async more(): Promise<void> {
    if (this.failure) throw this.failure;
    if (this.ended)
      throw new ConnectionCutError('the client closed the connection before the push was over', RsyncExit.streamIo);
    const before = this.bytesRead;
    this.lastActivity = Date.now();
    while (this.bytesRead === before) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        this.socket.resume();
      });
      if (this.failure) throw this.failure;
      if (this.ended && this.bytesRead === before) return this.more();
    }
  }

  /** Ends every wait with `error`. */
  fail(error: Error): void {
    this.failure ??= error;
    this.wakeUp();
  }

  /**
   * Reads on and drops what comes, until the client is gone or says that it knows of the push's end, and no longer than
   * this: one in the middle of a file would take the end of the connection for the news, and miss what was said before it.
   */
  async dropUntilGone(milliseconds: number): Promise<void> {
    if (this.gone || this.ended || this.socket.destroyed) return;
    await new Promise<void>((resolve) => {
      this.dropping = resolve;
      setTimeout(resolve, milliseconds).unref();
      this.socket.resume();
    });
  }

  get isGone(): boolean {
    return this.gone;
  }

  /** The client knows that the push is over. */
  noteGone(): void {
    this.gone = true;
    this.dropping?.();
  }

  close(): void {
    clearInterval(this.timer);
    this.socket.removeAllListeners('data');
  }

  private feed(chunk: Buffer): void {
    this.bytesRead += chunk.length;
    this.lastActivity = Date.now();
    try {
      this.demultiplexer.feed(chunk);
    } catch (error) {
      this.fail(error as Error);
      this.dropping?.();
      return;
    }
    if (this.dropping !== undefined) {
      this.reader.position = this.reader.end;
      return;
    }
    if (this.reader.available > HIGH_WATER) this.socket.pause();
    this.wakeUp();
  }

  private end(): void {
    this.ended = true;
    this.dropping?.();
    this.wakeUp();
  }

  private wakeUp(): void {
    const { wake } = this;
    this.wake = undefined;
    wake?.();
  }

  private checkIdle(): void {
    if (this.wake === undefined) return;
    if (Date.now() - this.lastActivity < this.idleSeconds * 1000) return;
    this.fail(new ConnectionCutError(`the client was silent for ${this.idleSeconds} seconds`, RsyncExit.timeout));
  }
}

import type { Duplex } from 'node:stream';
import { ByteWriter } from '../rsync/bytes.ts';
import type { Charset } from '../rsync/charset.ts';
import { encodeFrame, MessageTag } from '../rsync/mux.ts';

/** Bytes waiting in the socket above which a writer is asked to wait. */
const HIGH_WATER = 256 * 1024;
/** Payload of one frame; stock clients read any size, small ones keep them responsive. */
const FRAME_BYTES = 32 * 1024;
/**
 * What goes to the client. Requests are gathered in `data` and leave together, at `flush` or at the end of the turn of
 * the event loop: small writes would wait for each other's delayed ACKs.
 */
export class Output {
  /** what names are kept in; clients read text in UTF-8 then */
  charset: Charset | undefined;
  /** payload of the data channel (plain bytes before `startMultiplex`) */
  readonly data = new ByteWriter(FRAME_BYTES);
  bytesWritten = 0;
  private readonly socket: Duplex;
  private multiplexed = false;
  private flushScheduled = false;
  private corked = false;
  private keepAlive: NodeJS.Timeout | undefined;
  private patience = 0;
  private lastWrite = Date.now();
  private readonly onWrite: () => void;
  private readonly protocol: number;

  constructor(socket: Duplex, protocol: number, onWrite: () => void) {
    this.socket = socket;
    this.protocol = protocol;
    this.onWrite = onWrite;
  }

  startMultiplex(): void {
    this.flush();
    this.multiplexed = true;
  }

  /** Drops the connection when a writer has waited so long for the client to read on; 0: never. */
  setTimeout(seconds: number): void {
    this.patience = seconds * 1000;
  }

  /** Sends an empty frame whenever nothing was sent for `seconds`, so that a waiting client does not give up. */
  keepAliveEvery(seconds: number, protocol: number): void {
    clearInterval(this.keepAlive);
    this.keepAlive = setInterval(
      () => {
        if (Date.now() - this.lastWrite < seconds * 1000) return;
        this.message(protocol === 30 ? MessageTag.noop : MessageTag.data, Buffer.alloc(0));
      },
      Math.max(250, seconds * 500),
    );
    this.keepAlive.unref();
  }

  /** Something was put into `data`: it leaves at the end of this turn at the latest. */
  touch(): void {
    if (this.data.length >= FRAME_BYTES) {
      this.flush();
    } else if (!this.flushScheduled) {
      this.flushScheduled = true;
      setImmediate(() => {
        this.flushScheduled = false;
        this.flush();
      });
    }
  }

  flush(): void {
    if (this.data.length === 0) return;
    const bytes = this.data.take();
    if (!this.multiplexed) {
      this.send(bytes);
      return;
    }
    for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
      this.frame(MessageTag.data, bytes.subarray(at, at + FRAME_BYTES));
    }
  }

  /** A line for people, as the client reads it. latin1-tagged. */
  text(line: string): Buffer {
    return this.charset?.toUtf8(line) ?? Buffer.from(line, 'latin1');
  }

  /** A message beside the data: it leaves at once, ahead of what is gathered in `data`. Before `startMultiplex`, text. */
  message(tag: number, payload: Buffer): void {
    if (this.multiplexed) {
      this.frame(this.protocol < 30 ? oldTag(tag) : tag, payload);
    } else {
      this.flush();
      this.send(payload);
    }
  }

  /** The client does not keep up. */
  get isFull(): boolean {
    return this.socket.writableLength >= HIGH_WATER && !this.socket.destroyed;
  }

  /** undefined while the client keeps up, else a promise for when it has caught up (or the connection has ended). */
  drained(): Promise<void> | undefined {
    if (!this.isFull) return undefined;
    return new Promise((resolve) => {
      const timer = this.patience > 0 ? setTimeout(() => this.socket.destroy(), this.patience) : undefined;
      const done = () => {
        clearTimeout(timer);
        this.socket.off('drain', done);
        this.socket.off('close', done);
        resolve();
      };
      this.socket.on('drain', done);
      this.socket.on('close', done);
    });
  }

  close(): void {
    clearInterval(this.keepAlive);
  }

  private frame(tag: number, payload: Buffer): void {
    this.send(encodeFrame(tag, payload));
  }

  /** Frames of one turn leave in one system call. */
  private gather(): void {
    if (this.corked) return;
    this.corked = true;
    this.socket.cork();
    process.nextTick(() => {
      this.corked = false;
      this.socket.uncork();
    });
  }

  private send(bytes: Buffer): void {
    if (this.socket.destroyed || !this.socket.writable || bytes.length === 0) return;
    this.bytesWritten += bytes.length;
    this.lastWrite = Date.now();
    this.onWrite();
    this.gather();
    this.socket.write(bytes);
  }
}

/** Before protocol 30 there are no warnings, and every error is one of the transfer. */
function oldTag(tag: number): number {
  if (tag === MessageTag.warning) return MessageTag.info;
  return tag === MessageTag.error ? MessageTag.errorXfer : tag;
}

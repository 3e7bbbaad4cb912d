/**
 * Frames (docs/protocol.md, "Frames"): one stream carries the data and, beside it, messages. A frame is a little-endian
 * int, (tag + 7) << 24 | length, and that many bytes.
 */
import { ProtocolError } from '../lib/errors.ts';
import { ByteReader } from './bytes.ts';

export const MessageTag = {
  data: 0,
  errorXfer: 1,
  info: 2,
  error: 3,
  warning: 4,
  errorSocket: 5,
  log: 6,
  client: 7,
  errorUtf8: 8,
  redo: 9,
  stats: 10,
  ioError: 22,
  ioTimeout: 33,
  noop: 42,
  errorExit: 86,
  success: 100,
  deleted: 101,
  noSend: 102,
} as const;

const MUX_BASE = 7;
/** Bytes a message beside the data may have; data frames go up to what 24 bits hold. */
const LONGEST_MESSAGE = 64 * 1024;

/** What a client may send beside its data. */
const FROM_CLIENT: ReadonlySet<number> = new Set([
  MessageTag.errorXfer,
  MessageTag.info,
  MessageTag.error,
  MessageTag.warning,
  MessageTag.errorSocket,
  MessageTag.client,
  MessageTag.errorUtf8,
  MessageTag.ioError,
  MessageTag.noop,
  MessageTag.errorExit,
  MessageTag.noSend,
]);

export type MessageHandler = (tag: number, payload: Buffer) => void;

/**
 * Takes the connection apart: the data lies in `reader`, in one piece; messages go to the handler as they come. Until
 * `start` everything is data. Nothing is looked at twice, and every byte is copied once.
 */
export class Demultiplexer {
  readonly reader = new ByteReader(Buffer.allocUnsafe(128 * 1024), 0, 0);
  private readonly onMessage: MessageHandler;
  private multiplexed = false;
  /** bytes of the current data frame still to come */
  private dataLeft = 0;
  private readonly header = Buffer.alloc(4);
  private headerLength = 0;
  private message: { tag: number; payload: Buffer; length: number } | undefined;

  constructor(onMessage: MessageHandler) {
    this.onMessage = onMessage;
  }

  /** From here on the peer sends frames; what was read ahead and not used yet is taken apart too. */
  start(): void {
    const { reader } = this;
    const ahead = Buffer.from(reader.bytes.subarray(reader.position, reader.end));
    reader.position = 0;
    reader.end = 0;
    this.multiplexed = true;
    if (ahead.length > 0) this.feed(ahead);
  }

  feed(chunk: Buffer): void {
    if (!this.multiplexed) {
      this.append(chunk, 0, chunk.length);
      return;
    }
    let at = 0;
    while (at < chunk.length) {
      if (this.dataLeft > 0) {
        const length = Math.min(this.dataLeft, chunk.length - at);
        this.append(chunk, at, at + length);
        this.dataLeft -= length;
        at += length;
      } else if (this.message !== undefined) {
        at = this.fillMessage(this.message, chunk, at);
      } else {
        this.header[this.headerLength++] = chunk[at++];
        if (this.headerLength === 4) this.openFrame();
      }
    }
  }

  private openFrame(): void {
    this.headerLength = 0;
    const word = this.header.readUInt32LE(0);
    const tag = (word >>> 24) - MUX_BASE;
    const length = word & 0xffffff;
    if (tag === MessageTag.data) {
      this.dataLeft = length;
      return;
    }
    if (!FROM_CLIENT.has(tag))
      throw new ProtocolError(`the client sends a frame with the tag ${tag}, which it may not`);
    if (length > LONGEST_MESSAGE) throw new ProtocolError(`the client sends a message of ${length} bytes`);
    if (length === 0) this.onMessage(tag, Buffer.alloc(0));
    else this.message = { tag, payload: Buffer.allocUnsafe(length), length: 0 };
  }

  private fillMessage(message: { tag: number; payload: Buffer; length: number }, chunk: Buffer, at: number): number {
    const copied = chunk.copy(message.payload, message.length, at);
    message.length += copied;
    if (message.length === message.payload.length) {
      this.message = undefined;
      this.onMessage(message.tag, message.payload);
    }
    return at + copied;
  }

  private append(chunk: Buffer, from: number, to: number): void {
    const { reader } = this;
    const length = to - from;
    if (reader.end + length > reader.bytes.length) this.makeRoom(length);
    chunk.copy(reader.bytes, reader.end, from, to);
    reader.end += length;
  }

  /** Moves what is unread to the front, into a larger buffer when it must be. */
  private makeRoom(length: number): void {
    const { reader } = this;
    const unread = reader.end - reader.position;
    let target = reader.bytes;
    if (unread + length > target.length) target = Buffer.allocUnsafe(Math.max((unread + length) * 2, 128 * 1024));
    reader.bytes.copy(target, 0, reader.position, reader.end);
    reader.bytes = target;
    reader.position = 0;
    reader.end = unread;
  }
}

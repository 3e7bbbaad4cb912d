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

/** Added to a tag on the wire. */
const MUX_BASE = 7;
const HEADER_BYTES = 4;
const LONGEST_FRAME = 0xffffff;
/** Bytes of a message of text; stock peers take 5 KiB. Data frames go up to what 24 bits hold. */
const LONGEST_TEXT = 8 * 1024;
/** Payload of the frames we make: stock clients read any size, small ones keep them responsive. */
const FRAME_BYTES = 32 * 1024;

/** What a client may send beside its data, and the lengths that may have; undefined: text. */
const FROM_CLIENT: ReadonlyMap<number, readonly number[] | undefined> = new Map<number, readonly number[] | undefined>([
  [MessageTag.errorXfer, undefined],
  [MessageTag.info, undefined],
  [MessageTag.error, undefined],
  [MessageTag.warning, undefined],
  [MessageTag.ioError, [4]],
  [MessageTag.noop, [0]],
  [MessageTag.errorExit, [0, 4]],
  [MessageTag.noSend, [4]],
]);

/** @param payload the handler's to keep; its length is one that the tag allows */
export type MessageHandler = (tag: number, payload: Buffer) => void;

/** One frame with its header. @param payload at most 16 MiB - 1 */
export function encodeFrame(tag: number, payload: Uint8Array): Buffer {
  if (payload.length > LONGEST_FRAME) throw new RangeError('a frame holds less than 16 MiB');
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  frame.writeUInt32LE((((tag + MUX_BASE) << 24) | payload.length) >>> 0, 0);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** Data of any length as frames, one after the other; an empty one (a keep-alive) when there is none. */
export function encodeData(data: Buffer): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < data.length; at += FRAME_BYTES) {
    frames.push(encodeFrame(MessageTag.data, data.subarray(at, at + FRAME_BYTES)));
  }
  return frames.length === 1 ? frames[0] : Buffer.concat(frames);
}

/** Bytes the reader's buffer has at least. */
const READER_BYTES = 128 * 1024;

/**
 * Takes the connection apart: the data lies in `reader`, in one piece; messages go to the handler as they come. Until
 * `start` everything is data. Nothing is looked at twice, and every byte is copied once.
 */
export class Demultiplexer {
  readonly reader = new ByteReader(Buffer.allocUnsafe(READER_BYTES), 0, 0);
  private readonly onMessage: MessageHandler;
  private multiplexed = false;
  /** bytes of the current data frame still to come */
  private dataLeft = 0;
  private readonly header = Buffer.alloc(HEADER_BYTES);
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

  /** @throws ProtocolError on a frame that no client sends, and what the handler throws */
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
        if (this.headerLength === HEADER_BYTES) this.openFrame();
      }
    }
  }

  private openFrame(): void {
    this.headerLength = 0;
    const word = this.header.readUInt32LE(0);
    const tag = (word >>> 24) - MUX_BASE;
    const length = word & LONGEST_FRAME;
    if (tag === MessageTag.data) {
      this.dataLeft = length;
      return;
    }
    checkMessage(tag, length);
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
    // what is all read makes room without a copy, and keeps to the start of the buffer, which is in the processor's cache
    if (reader.position === reader.end) {
      reader.position = 0;
      reader.end = 0;
    }
    if (reader.end + length > reader.bytes.length) this.makeRoom(length);
    chunk.copy(reader.bytes, reader.end, from, to);
    reader.end += length;
  }

  /** Moves what is unread to the front, into a larger buffer when it must be. */
  private makeRoom(length: number): void {
    const { reader } = this;
    const unread = reader.end - reader.position;
    let target = reader.bytes;
    if (unread + length > target.length) target = Buffer.allocUnsafe((unread + length) * 2);
    reader.bytes.copy(target, 0, reader.position, reader.end);
    reader.bytes = target;
    reader.position = 0;
    reader.end = unread;
  }
}

function checkMessage(tag: number, length: number): void {
  if (!FROM_CLIENT.has(tag)) throw new ProtocolError(`the client sends a frame with the tag ${tag}, which it may not`);
  const lengths = FROM_CLIENT.get(tag);
  if (lengths === undefined ? length > LONGEST_TEXT : !lengths.includes(length))
    throw new ProtocolError(`the client sends a message with the tag ${tag} and ${length} bytes, which cannot be`);
}

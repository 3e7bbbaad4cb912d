/** Tokens of a compressed connection (docs/protocol.md, "Compressed tokens"). */
import { ProtocolError } from '../lib/errors.ts';
import type { ByteReader } from './bytes.ts';
import { DeflateWindow } from './deflate-window.ts';
import { createInflater, type Inflater } from './inflate.ts';
import type { Compression } from './negotiate.ts';
import type { SumHead } from './sum-head.ts';
import { newToken, type Token, type TokenDecoder } from './tokens.ts';

const END = 0x00;
const TOKEN_LONG = 0x20;
const TOKEN_RUN_LONG = 0x21;
const DEFLATED_DATA = 0x40;
const RELATIVE = 0x80;
const RELATIVE_RUN = 0xc0;

const NOTHING = Buffer.alloc(0);

export class CompressedTokens implements TokenDecoder {
  private readonly token = newToken();
  private readonly inflater: Inflater;
  private blocks = 0;
  /** the last block of the last match */
  private lastBlock = 0;
  /** the inflater may have more to give out of the piece it was fed */
  private inflating = false;
  /** zlib: what of the matched bytes the inflater's window lacks */
  private readonly window: DeflateWindow | undefined;
  private awaitsWindow = false;

  constructor(algorithm: Exclude<Compression, 'none'>, protocol: number) {
    this.inflater = createInflater(algorithm);
    if (algorithm === 'zlib') this.window = new DeflateWindow(protocol);
  }

  start(head: SumHead): void {
    this.blocks = head.count;
    this.lastBlock = 0;
    this.inflating = false;
    this.awaitsWindow = false;
    this.window?.start(head);
    this.inflater.start();
  }

  next(reader: ByteReader): Token {
    if (this.awaitsWindow) throw new Error('next() before the window was fed');
    if (this.inflating) {
      const piece = this.inflater.next();
      if (piece !== undefined) return this.literal(piece);
      this.inflating = false;
    }
    const flag = reader.u8();
    if ((flag & 0xc0) === DEFLATED_DATA) {
      if (!this.window?.isBehind) return this.compressed(reader, flag);
      reader.position--;
      return this.wanted(this.window);
    }
    return flag === END ? this.end() : this.match(reader, flag);
  }

  feedWindow(bytes: Buffer): void {
    if (!this.awaitsWindow) throw new Error('the window wants no bytes');
    this.awaitsWindow = false;
    this.inflater.feedWindow(bytes);
  }

  private wanted(window: DeflateWindow): Token {
    this.awaitsWindow = true;
    this.token.kind = 'window';
    this.token.ranges = window.take();
    return this.token;
  }

  /**
   * A piece of the compressed stream. It is used up now, so a token is handed out even when nothing has come out of it:
   * a decoder that threw NEED_MORE instead would be given the same piece again.
   */
  private compressed(reader: ByteReader, flag: number): Token {
    const length = ((flag & 0x3f) << 8) | reader.u8();
    const piece = reader.view(length);
    if (length === 0) throw new ProtocolError('the client sends an empty piece of compressed data');
    this.inflater.feed(piece);
    this.inflating = true;
    return this.literal(this.inflater.next() ?? NOTHING);
  }

  private literal(data: Buffer): Token {
    this.token.kind = 'literal';
    this.token.data = data;
    return this.token;
  }

  private end(): Token {
    this.inflater.endOfRun();
    this.token.kind = 'end';
    return this.token;
  }

  private match(reader: ByteReader, flag: number): Token {
    const relative = (flag & RELATIVE) !== 0;
    if (!relative && flag !== TOKEN_LONG && flag !== TOKEN_RUN_LONG)
      throw new ProtocolError(`the client sends the unknown token ${flag}`);
    const block = relative ? this.lastBlock + (flag & 0x3f) : reader.i32();
    const hasRun = relative ? (flag & RELATIVE_RUN) === RELATIVE_RUN : flag === TOKEN_RUN_LONG;
    const run = hasRun ? reader.u16() : 0;
    if (block < 0 || block + run >= this.blocks) {
      throw new ProtocolError(`blocks ${block} to ${block + run} are matched, of ${this.blocks} that were offered`);
    }
    if (hasRun && run === 0) throw new ProtocolError('the client sends an empty run of matches');
    this.inflater.endOfRun();
    this.lastBlock = block + run;
    this.window?.match(block, run + 1);
    const { token } = this;
    token.kind = 'match';
    token.block = block;
    token.count = run + 1;
    return token;
  }
}

/** Tokens of a compressed connection (docs/protocol.md, "Compressed tokens"). */
import { ProtocolError } from '../lib/errors.ts';
import type { ByteReader } from './bytes.ts';
import { createInflater, type Inflater } from './inflate.ts';
import type { Compression } from './negotiate.ts';
import { newToken, type Token, type TokenDecoder } from './tokens.ts';

const END = 0x00;
const TOKEN_LONG = 0x20;
const TOKEN_RUN_LONG = 0x21;
const DEFLATED_DATA = 0x40;
const RELATIVE = 0x80;
const RELATIVE_RUN = 0xc0;

export class CompressedTokens implements TokenDecoder {
  private readonly token = newToken();
  private readonly inflater: Inflater;
  private blocks = 0;
  /** the last block of the last match */
  private lastBlock = 0;
  private inflating = false;

  constructor(algorithm: Exclude<Compression, 'none'>) {
    this.inflater = createInflater(algorithm);
  }

  start(blocks: number): void {
    this.blocks = blocks;
    this.lastBlock = 0;
    this.inflating = false;
    this.inflater.start();
  }

  next(reader: ByteReader): Token {
    const { token, inflater } = this;
    for (;;) {
      if (this.inflating) {
        const piece = inflater.next();
        if (piece !== undefined) {
          token.kind = 'literal';
          token.data = piece;
          return token;
        }
        this.inflating = false;
      }
      const flag = reader.u8();
      if ((flag & 0xc0) === DEFLATED_DATA) {
        const length = ((flag & 0x3f) << 8) | reader.u8();
        // the reader's bytes may move before all of it is inflated
        inflater.feed(Buffer.from(reader.view(length)));
        this.inflating = true;
        continue;
      }
      return flag === END ? this.end() : this.match(reader, flag);
    }
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
    const { token } = this;
    token.kind = 'match';
    token.block = block;
    token.count = run + 1;
    return token;
  }
}

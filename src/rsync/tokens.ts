/** The content of a file as literals and matched blocks (docs/protocol.md, "Tokens"). */
import { ProtocolError } from '../lib/errors.ts';
import type { ByteReader } from './bytes.ts';
import type { BasisRange } from './deflate-window.ts';
import type { Compression } from './negotiate.ts';
import type { SumHead } from './sum-head.ts';
import { CompressedTokens } from './tokens-compressed.ts';

export interface Token {
  kind: 'literal' | 'match' | 'window' | 'end';
  /** literal bytes, valid until the next call; may be empty while a decompressor waits for more input */
  data: Buffer;
  /** first matched block, and how many in a row */
  block: number;
  count: number;
  /** 'window': the next literal may refer to these bytes of the basis; `feedWindow` wants them before `next` is called again */
  ranges: BasisRange[];
}

/**
 * One connection's tokens: `start` for each file, then `next` until it says 'end'. The token handed out is one object,
 * filled anew by every call. A call uses up bytes of the reader only when it hands out a token.
 */
export interface TokenDecoder {
  /** @param head of the sums that were offered of this file's basis */
  start(head: SumHead): void;
  /** @throws NEED_MORE, ProtocolError */
  next(reader: ByteReader): Token;
  /** The bytes that a token of the kind 'window' asked for, in its order. */
  feedWindow(bytes: Buffer): void;
}

/** Stock senders cut literals at 32 KiB, others at 64; an int could say 2 GiB. */
const LONGEST_LITERAL = 1 << 20;

/** @param protocol older ones than 31 repeat the start of long blocks in the window of 'zlib' */
export function createTokenDecoder(compression: Compression, protocol = 32): TokenDecoder {
  return compression === 'none' ? new PlainTokens() : new CompressedTokens(compression, protocol);
}

export function newToken(): Token {
  return { kind: 'end', data: Buffer.alloc(0), block: 0, count: 0, ranges: [] };
}

/** Without compression: an int, and for literals as many bytes, handed out as they arrive. */
class PlainTokens implements TokenDecoder {
  private readonly token = newToken();
  private blocks = 0;
  private literalLeft = 0;

  start(head: SumHead): void {
    this.blocks = head.count;
    this.literalLeft = 0;
  }

  next(reader: ByteReader): Token {
    const { token } = this;
    if (this.literalLeft === 0) {
      const word = reader.i32();
      if (word === 0) {
        token.kind = 'end';
        return token;
      }
      if (word < 0) return this.match(-(word + 1));
      if (word > LONGEST_LITERAL) throw new ProtocolError(`a literal of ${word} bytes is longer than any client sends`);
      // the length is taken only together with a first byte, so that no state changes before NEED_MORE
      if (reader.available === 0) reader.view(1);
      this.literalLeft = word;
    }
    const length = Math.min(this.literalLeft, Math.max(1, reader.available));
    token.kind = 'literal';
    token.data = reader.view(length);
    this.literalLeft -= length;
    return token;
  }

  feedWindow(): void {}

  private match(block: number): Token {
    const { token } = this;
    if (block >= this.blocks) throw new ProtocolError(`block ${block} is matched, of ${this.blocks} that were offered`);
    token.kind = 'match';
    token.block = block;
    token.count = 1;
    return token;
  }
}

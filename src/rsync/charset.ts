/** --iconv: names come in UTF-8 and are kept in another character set (docs/protocol.md, "Character sets"). */
import iconv from 'iconv-lite';
import { CHARSET_OPTIONS, isCharsetForNames } from '../lib/charset-name.ts';
import { RefusedError } from '../lib/errors.ts';
import { brief } from '../lib/names.ts';

/** The server's own. */
const OWN = new Set(['', '.', '-']);
const PLAIN = /^[\x01-\x7f]*$/;
const LONGEST_NAME = 255;
const LONGEST_PATH = 4095;

/** Converts latin1-tagged bytes. What has no counterpart is not converted, and never replaced by something alike. */
export class Charset {
  readonly name: string;
  private readonly utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  private constructor(name: string) {
    this.name = name;
  }

  /**
   * The character set that a client names; undefined when names stay as they are.
   *
   * @throws RefusedError for one that is not known, or in which the bytes of ASCII mean something else: slashes would move
   */
  static open(name: string | undefined): Charset | undefined {
    if (name === undefined || name === '-') return undefined;
    const wanted = OWN.has(name) ? 'utf-8' : name;
    if (!isCharsetForNames(wanted))
      throw new RefusedError(`ERROR: the option --iconv is refused: ${brief(name)} is no character set for names`);
    return new Charset(wanted);
  }

  /** UTF-8 to this; undefined when it cannot be, or would be no path or target that a file can have. */
  fromUtf8(bytes: string): string | undefined {
    if (PLAIN.test(bytes)) return bytes;
    let text: string;
    try {
      text = this.utf8.decode(Buffer.from(bytes, 'latin1'));
    } catch {
      return undefined;
    }
    const encoded = iconv.encode(text, this.name, CHARSET_OPTIONS);
    if (iconv.decode(encoded, this.name, CHARSET_OPTIONS) !== text) return undefined;
    const result = encoded.toString('latin1');
    return isLikePath(bytes, result) ? result : undefined;
  }

  /** This to UTF-8, for people: bytes that are no text go as they are. */
  toUtf8(bytes: string): Buffer {
    const raw = Buffer.from(bytes, 'latin1');
    if (PLAIN.test(bytes)) return raw;
    const text = iconv.decode(raw, this.name, CHARSET_OPTIONS);
    return text.includes('\ufffd') ? raw : Buffer.from(text, 'utf8');
  }
}

/** Slashes and dots stand where they stood, and no part has become too long. */
function isLikePath(before: string, after: string): boolean {
  if (after.includes('\0') || after.length > LONGEST_PATH) return false;
  const old = before.split('/');
  const parts = after.split('/');
  if (old.length !== parts.length) return false;
  return parts.every(
    (part, i) => part.length <= LONGEST_NAME && isDots(part) === isDots(old[i]) && (part === '') === (old[i] === ''),
  );
}

const isDots = (part: string): boolean => part === '.' || part === '..';

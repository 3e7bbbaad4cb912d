/** Names in trees: as Go quotes a string, without the quotes, so that any bytes fit into JSON (docs/repository.md, "Names"). */
import { isUtf8 } from 'node:buffer';

/** What can stand as it is, in Go's quoting and in Go's JSON alike (which escapes < > &). */
const PLAIN = /^[\x20\x21\x23-\x25\x27-\x3b\x3d\x3f-\x5b\x5d-\x7e]*$/;
/** ASCII without a backslash: nothing to undo. */
const UNQUOTED = /^[\x00-\x5b\x5d-\x7f]*$/;
/** What Go prints: letters, marks, numbers, punctuation, symbols, and of spaces the ASCII one. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const SHORT: Record<string, string> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** Of text: what Go does not print, and what it escapes all the same. */
const TO_ESCAPE = /["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

/** The JSON string, quotes included, of a latin1-tagged name. */
export function toGoQuoted(name: string): string {
  if (PLAIN.test(name)) return `"${name}"`;
  return goJson(goQuote(name));
}

function goQuote(name: string): string {
  const bytes = Buffer.from(name, 'latin1');
  if (isUtf8(bytes)) return bytes.toString('utf8').replace(TO_ESCAPE, quoteChar);
  let quoted = '';
  for (let at = 0; at < name.length; ) {
    const length = sequenceLength(name, at);
    if (length === 0) {
      quoted += `\\x${name.charCodeAt(at).toString(16).padStart(2, '0')}`;
      at++;
      continue;
    }
    const char = Buffer.from(name.slice(at, at + length), 'latin1').toString('utf8');
    quoted += quoteChar(char);
    at += length;
  }
  return quoted;
}

function quoteChar(char: string): string {
  if (char in SHORT) return SHORT[char];
  if (PRINTABLE.test(char)) return char;
  const code = char.codePointAt(0)!;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** Bytes of the valid UTF-8 sequence at `at`; 0 when there is none. */
function sequenceLength(name: string, at: number): number {
  const first = name.charCodeAt(at);
  const length =
    first < 0x80
      ? 1
      : first >= 0xc2 && first < 0xe0
        ? 2
        : first >= 0xe0 && first < 0xf0
          ? 3
          : first >= 0xf0 && first < 0xf5
            ? 4
            : 0;
  if (length <= 1) return length;
  const bytes = Buffer.from(name.slice(at, at + length), 'latin1');
  return bytes.length === length && isUtf8(bytes) ? length : 0;
}

const ESCAPES: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

/** The latin1-tagged name that Go's quoting stands for. */
export function fromGoQuoted(quoted: string): string {
  if (UNQUOTED.test(quoted)) return quoted;
  let bytes = '';
  const pattern =
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv\\"']))|([^\\]+)|(\\)/g;
  for (const [, x, u, U, octal, short, rest, stray] of quoted.matchAll(pattern)) {
    if (x !== undefined) bytes += String.fromCharCode(Number.parseInt(x, 16));
    else if (octal !== undefined) bytes += String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
    else if (u !== undefined || U !== undefined) bytes += utf8(String.fromCodePoint(Number.parseInt(u ?? U, 16)));
    else if (short !== undefined) bytes += ESCAPES[short];
    else if (rest !== undefined) bytes += utf8(rest);
    else if (stray !== undefined) bytes += '\\';
  }
  return bytes;
}

function utf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** A JSON string of bytes that ought to be UTF-8; every byte that is not becomes U+FFFD, as in Go. */
export function jsonText(bytes: string): string {
  if (PLAIN.test(bytes)) return `"${bytes}"`;
  const raw = Buffer.from(bytes, 'latin1');
  if (isUtf8(raw)) return goJson(raw.toString('utf8'));
  let json = '';
  let start = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      json += `${inner(bytes.slice(start, at))}\\ufffd`;
      start = at + 1;
    }
    at += length || 1;
  }
  return `"${json}${inner(bytes.slice(start))}"`;
}

/** JSON of latin1-tagged valid UTF-8, without the quotes. */
function inner(bytes: string): string {
  return goJson(Buffer.from(bytes, 'latin1').toString('utf8')).slice(1, -1);
}

/**
 * JSON byte for byte as Go's encoder writes it (encoding/json, HTML escaping on): a tool that reads one of our trees and
 * writes it again must arrive at the same blob ID, or `restic rewrite` refuses the tree as not understood.
 */
function goJson(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

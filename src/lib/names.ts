/**
 * Names of files on clients are bytes. Inside nightdrop they are latin1-tagged strings: one UTF-16 unit per byte, so
 * that they compare, sort and hash as bytes. Only the edge that shows a name to a person decodes it, here.
 */

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Latin1-tagged bytes to text for a terminal, a log or an error: UTF-8 where valid, everything unprintable escaped. */
export function printable(name: string): string {
  let text: string;
  try {
    text = utf8.decode(Buffer.from(name, 'latin1'));
  } catch {
    return name.replace(/[^\x20-\x5b\x5d-\x7e]/g, escapeByte);
  }
  return text.replace(/[\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu, (c) => {
    if (c === '\\') return '\\\\';
    return Buffer.from(c, 'utf8')
      .toString('latin1')
      .replace(/[\s\S]/g, escapeByte);
  });
}

/** Bytes of a name that an error shows at most. */
const BRIEF = 200;

/** As `printable`, of a name from a client that goes into an error: what is too long for one is cut. */
export function brief(name: string): string {
  return name.length > BRIEF ? `${printable(name.slice(0, BRIEF))}…` : printable(name);
}

function escapeByte(c: string): string {
  if (c === '\n') return '\\n';
  if (c === '\\') return '\\\\';
  return `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** A real string (from argv, a config file) to the latin1-tagged form of its UTF-8 bytes. */
export function fromText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** Byte order of two latin1-tagged names. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

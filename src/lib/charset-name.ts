import iconv from 'iconv-lite';

/** Byte order marks are characters like others. */
export const CHARSET_OPTIONS = { stripBOM: false, addBOM: false } as const;

/** Whether names can be kept in a character set: it is known, and the bytes of ASCII mean in it what they mean in paths. */
export function isCharsetForNames(name: string): boolean {
  if (!iconv.encodingExists(name)) return false;
  const ascii = Buffer.from(Array.from({ length: 126 }, (_, i) => i + 1));
  return iconv.encode(ascii.toString('latin1'), name, CHARSET_OPTIONS).equals(ascii);
}

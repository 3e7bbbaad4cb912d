/** Public keys as ssh-keygen writes them: type, base64, comment. What they mean is sshd's business. */
import { NightdropError } from '../../lib/errors.ts';
import { printable } from '../../lib/names.ts';

const TYPES = new Set([
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
]);
const LONGEST_FILE = 1 << 20;
const MOST_KEYS = 1000;
const LENGTH_BYTES = 4;

export interface PublicKey {
  type: string;
  /** as it stands in the file */
  base64: string;
  /** printable ASCII or UTF-8; may be empty */
  comment: string;
}

/** A key file is not one; the sentence names it, the line, and what is wrong. */
export class KeyFileError extends NightdropError {
  constructor(message: string) {
    super('ERR_KEY_FILE', message);
  }
}

/** @param name of the file, for errors @throws KeyFileError */
export function parsePublicKeys(content: Buffer, name: string): PublicKey[] {
  if (content.length > LONGEST_FILE) throw new KeyFileError(`${name} is no file of public keys: it is too long`);
  const text = content.toString('utf8');
  if (/^-----BEGIN [A-Z ]*PRIVATE KEY-----/m.test(text))
    throw new KeyFileError(
      `${name} holds a private key, which belongs on the client only; give the .pub file beside it`,
    );
  const keys: PublicKey[] = [];
  text.split('\n').forEach((line, i) => {
    const trimmed = line.trim();
    if (trimmed !== '' && !trimmed.startsWith('#')) keys.push(parseLine(trimmed, `${name}:${i + 1}`));
  });
  if (keys.length === 0) throw new KeyFileError(`${name} holds no public key`);
  if (keys.length > MOST_KEYS) throw new KeyFileError(`${name} holds more than ${MOST_KEYS} keys`);
  return keys;
}

function parseLine(line: string, at: string): PublicKey {
  const [type, base64 = '', ...comment] = line.split(/[ \t]+/);
  if (!TYPES.has(type)) {
    const withOptions = line.split(/\s+/).some((word, i) => i > 0 && TYPES.has(word));
    if (withOptions)
      throw new KeyFileError(`${at}: options stand in front of the key; give the key alone (nightdrop sets its own)`);
    throw new KeyFileError(`${at}: ${printable(type.slice(0, 60))} is no type of key that sshd takes`);
  }
  if (!holdsType(base64, type)) throw new KeyFileError(`${at}: the key is damaged or not whole`);
  return { type, base64, comment: comment.join(' ').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}"\\]/gu, '?') };
}

/** The bytes begin with the type again, and something follows. */
function holdsType(base64: string, type: string): boolean {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) return false;
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length <= LENGTH_BYTES + type.length) return false;
  return (
    bytes.readUInt32BE(0) === type.length && bytes.toString('latin1', LENGTH_BYTES, LENGTH_BYTES + type.length) === type
  );
}

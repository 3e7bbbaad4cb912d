/** Challenge and answer of the login (docs/protocol.md, "Daemon conversation"). */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { LoginDigest } from '../config/settings.ts';

const CHALLENGE_BYTES = 24;

/** Never the same twice: what answered one is worth nothing for another. */
export function newChallenge(): string {
  return randomBytes(CHALLENGE_BYTES).toString('base64');
}

/** What a client that knows the secret answers: base64 without padding of H(secret ‖ challenge). */
export async function expectedAnswer(digest: LoginDigest, secret: Buffer, challenge: string): Promise<string> {
  const message = Buffer.concat([secret, Buffer.from(challenge, 'latin1')]);
  const value = digest === 'md4' ? await md4(message) : createHash(digest).update(message).digest();
  return value.toString('base64').replace(/=+$/, '');
}

/** OpenSSL has no MD4 any more; ours is loaded only for a client that knows nothing better. */
async function md4(message: Buffer): Promise<Buffer> {
  const { createDigest } = await import('../kernels/checksum.ts');
  const digest = await createDigest('md4');
  digest.reset();
  digest.update(message);
  return Buffer.from(digest.digest());
}

/** Whether two texts are equal, in a time that does not tell where they differ or how long they are. */
export function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text, 'latin1').digest();
  return timingSafeEqual(digest(a), digest(b));
}

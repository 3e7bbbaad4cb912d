/** Challenge and answer of the login (docs/protocol.md, "Login"). */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { RefusedError } from '../lib/errors.ts';

export type AuthDigest = 'sha512' | 'sha256' | 'sha1' | 'md5' | 'md4';

/** Best first, as stock servers list them. */
export const AUTH_DIGESTS: readonly AuthDigest[] = ['sha512', 'sha256', 'sha1', 'md5', 'md4'];

/** 'md4-old' is what clients without a list use before protocol 30: four zero bytes go before the secret. */
export type AnswerDigest = AuthDigest | 'md4-old';

const CHALLENGE_BYTES = 32;

/** Digests at least as good as `weakest`, best first: the ones to list and to accept. */
export function acceptedDigests(weakest: AuthDigest): AuthDigest[] {
  return AUTH_DIGESTS.slice(0, AUTH_DIGESTS.indexOf(weakest) + 1);
}

/**
 * The first of ours that the client lists; a client without a list does md5, or before protocol 30 the old md4.
 *
 * @throws RefusedError when that is weaker than what is accepted
 */
export function chooseDigest(
  accepted: readonly AuthDigest[],
  listed: readonly string[] | undefined,
  protocol: number,
): AnswerDigest {
  const names = listed?.map((name) => name.toLowerCase()) ?? [protocol >= 30 ? 'md5' : 'md4'];
  const chosen = accepted.find((name) => names.includes(name));
  if (chosen === undefined) {
    throw new RefusedError(`no login digest in common: this server accepts ${accepted.join(' ')}`);
  }
  return chosen === 'md4' && listed === undefined ? 'md4-old' : chosen;
}

/** Never the same twice: what answered one is worth nothing for another. Base64 without padding. */
export function newChallenge(): string {
  return unpadded(randomBytes(CHALLENGE_BYTES));
}

/** What a client that knows the secret answers: base64 without padding of H(secret ‖ challenge). */
export async function answerFor(digest: AnswerDigest, secret: Uint8Array, challenge: string): Promise<string> {
  const message = Buffer.concat([secret, Buffer.from(challenge, 'latin1')]);
  if (digest === 'md4') return unpadded(await md4(message));
  if (digest === 'md4-old') return unpadded(await md4(Buffer.concat([Buffer.alloc(4), message])));
  return unpadded(createHash(digest).update(message).digest());
}

/** Stands in for the secret of a module that does not exist; nobody knows it. */
const NOBODYS_SECRET = randomBytes(32);

/**
 * Whether `answer` is the right one. Takes the same steps, and as long, for a wrong secret, no secret and an answer that
 * is not one at all.
 *
 * @param secret undefined: there is no such module, and no answer is right
 */
export async function verifyAnswer(
  digest: AnswerDigest,
  secret: Uint8Array | undefined,
  challenge: string,
  answer: string,
): Promise<boolean> {
  const expected = await answerFor(digest, secret ?? NOBODYS_SECRET, challenge);
  const equal = sameText(answer, expected);
  return equal && secret !== undefined;
}

/** Whether two texts are equal, in a time that does not tell where they differ or how long the known one is. */
export function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text, 'latin1').digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** The line `USER ANSWER`; the answer is base64 and holds no blank. Without one it is ''. */
export function splitAnswer(line: string): { user: string; answer: string } {
  const blank = line.lastIndexOf(' ');
  return blank < 0 ? { user: line, answer: '' } : { user: line.slice(0, blank), answer: line.slice(blank + 1) };
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

/** OpenSSL has no MD4 any more; ours is loaded only for a client that knows nothing better. */
async function md4(message: Buffer): Promise<Buffer> {
  const { createDigest } = await import('../kernels/checksum.ts');
  const digest = await createDigest('md4');
  digest.reset();
  digest.update(message);
  return Buffer.from(digest.digest());
}

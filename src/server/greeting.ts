/** The first line of both sides (docs/protocol.md, "Daemon conversation"). Text in, values out. */
import { LOGIN_DIGESTS, type LoginDigest } from '../config/settings.ts';
import { ProtocolError, RefusedError } from '../lib/errors.ts';
import { printable } from '../lib/names.ts';

/** Protocols spoken: 30 came with rsync 3.0. */
export const NEWEST_PROTOCOL = 32;
export const OLDEST_PROTOCOL = 30;
/** Numbers beyond which a greeting is not believed to be one: what stock rsync takes. */
const LEAST_BELIEVED = 20;
const MOST_BELIEVED = 40;

export interface ClientGreeting {
  /** the number both sides will speak */
  protocol: number;
  /** names of login digests as the client listed them; undefined from clients before 3.2.7 */
  digests: string[] | undefined;
}

/** Digests that may be used when `weakest` is the weakest accepted; best first. */
export function acceptedDigests(weakest: LoginDigest): LoginDigest[] {
  return LOGIN_DIGESTS.slice(0, LOGIN_DIGESTS.indexOf(weakest) + 1);
}

export function serverGreeting(digests: readonly LoginDigest[]): string {
  return `@RSYNCD: ${NEWEST_PROTOCOL}.0 ${digests.join(' ')}\n`;
}

/** @throws ProtocolError when the line is none, RefusedError when the client is too old */
export function parseGreeting(line: string): ClientGreeting {
  const found = /^@RSYNCD: (\d{1,9})(?:\.(\d{1,9}))?(?: ([\x20-\x7e]*))?$/.exec(line);
  if (!found) throw new ProtocolError('protocol startup error: the first line is not an rsync greeting');
  const [remote, sub] = [Number(found[1]), found[2] === undefined ? undefined : Number(found[2])];
  if (remote < LEAST_BELIEVED || remote > MOST_BELIEVED || (remote >= 30 && sub === undefined)) {
    throw new ProtocolError(`protocol startup error: no rsync speaks protocol ${printable(found[0].slice(9, 29))}`);
  }
  const protocol = commonProtocol(remote, sub ?? 0);
  if (protocol < OLDEST_PROTOCOL) {
    throw new RefusedError(
      `protocol ${protocol} is too old: this server speaks ${OLDEST_PROTOCOL} to ${NEWEST_PROTOCOL}, which is rsync 3.0 and later`,
    );
  }
  return { protocol, digests: found[3]?.split(' ').filter((name) => name !== '') };
}

/** The smaller number; one less where the client's is a pre-release of it (its sub-number is not ours, 0). */
function commonProtocol(remote: number, sub: number): number {
  if (remote > NEWEST_PROTOCOL) return NEWEST_PROTOCOL;
  return sub === 0 ? remote : remote - 1;
}

/** The first of ours that the client lists; of a client without a list, md5. @throws RefusedError */
export function chooseDigest(accepted: readonly LoginDigest[], { digests }: ClientGreeting): LoginDigest {
  const listed = digests ?? ['md5'];
  const chosen = accepted.find((name) => listed.includes(name));
  if (chosen !== undefined) return chosen;
  throw new RefusedError(`no login digest in common: this server accepts ${accepted.join(' ')}`);
}

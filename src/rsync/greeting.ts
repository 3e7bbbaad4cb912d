/**
 * The text before the login (docs/protocol.md, "Daemon conversation"): greeting and the line that names a module. Text
 * in, values out.
 */
import { ProtocolError, RefusedError } from '../lib/errors.ts';
import { printable } from '../lib/names.ts';
import { AUTH_DIGESTS, type AuthDigest } from './auth.ts';

/** Protocols spoken: 27 is rsync 2.6.0 of 2004, 30 came with 3.0, 32 with 3.4. */
export const NEWEST_PROTOCOL = 32;
export const OLDEST_PROTOCOL = 27;
/** Numbers outside are no protocol but noise; stock peers draw the line at the same. */
const LEAST_BELIEVED = 20;
const MOST_BELIEVED = 40;
/** From here on the greeting has to list digests. */
const LISTS_DIGESTS = 32;

/** Bytes of --early-input that are read, and dropped. */
const LONGEST_EARLY_INPUT = 5 * 1024;

/** Whether a peer's number can be that of a protocol at all. */
export function isProtocolNumber(protocol: number): boolean {
  return protocol >= LEAST_BELIEVED && protocol <= MOST_BELIEVED;
}

export interface Greeting {
  /** the number both sides will speak */
  protocol: number;
  /** the client's own number, and that of its pre-release (0: a release) */
  remote: number;
  sub: number;
  /** login digests the client knows; undefined from clients before 3.2.7, which do not say */
  digests: string[] | undefined;
}

/** @param digests that are accepted, best first */
export function formatGreeting(digests: readonly AuthDigest[] = AUTH_DIGESTS, protocol = NEWEST_PROTOCOL): string {
  return `@RSYNCD: ${protocol}.0 ${digests.join(' ')}\n`;
}

/**
 * @param line without its newline
 * @throws ProtocolError when it is no greeting, RefusedError when the client is too old; the message may be told to it
 */
export function parseGreeting(line: string): Greeting {
  const found = /^@RSYNCD: (\d{1,3})(?:\.(\d{1,5}))?(?: ([\x20-\x7e]*))?\r?$/.exec(line);
  if (found === null) throw new ProtocolError('protocol startup error: the first line is not an rsync greeting');
  const remote = Number(found[1]);
  if (!isProtocolNumber(remote)) throw new ProtocolError(`protocol startup error: no rsync speaks protocol ${remote}`);
  if (found[2] === undefined && remote >= 30)
    throw new ProtocolError('protocol startup error: the greeting lacks the number of the pre-release');
  const digests = found[3]?.split(' ').filter((name) => name !== '');
  if (digests === undefined && remote >= LISTS_DIGESTS)
    throw new ProtocolError('protocol startup error: the greeting lacks the names of login digests');
  const sub = Number(found[2] ?? 0);
  const protocol = commonProtocol(remote, sub);
  if (protocol < OLDEST_PROTOCOL) {
    throw new RefusedError(
      `protocol ${protocol} is too old: this server speaks ${OLDEST_PROTOCOL} to ${NEWEST_PROTOCOL}, which is rsync 2.6 and later`,
    );
  }
  return { protocol, remote, sub, digests };
}

/** The smaller number; one less where the client's is a pre-release of it, which may differ from what it became. */
function commonProtocol(remote: number, sub: number): number {
  if (remote > NEWEST_PROTOCOL) return NEWEST_PROTOCOL;
  return sub === 0 ? remote : remote - 1;
}

export type ModuleRequest =
  | { kind: 'list' }
  /** that many bytes follow, then another line */
  | { kind: 'early-input'; length: number }
  /** `valid`: it could be a module's name; if not, it is answered like one that does not exist */
  | { kind: 'module'; name: string; valid: boolean };

/** What a module may be called; also what a vault's folder may. */
const MODULE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The line after the greeting. @throws ProtocolError, RefusedError for a command that is not known */
export function parseModuleRequest(line: string): ModuleRequest {
  if (line === '' || line === '#list') return { kind: 'list' };
  const early = /^#early_input=(.*)$/.exec(line);
  if (early !== null) {
    const length = /^\d{1,6}$/.test(early[1]) ? Number(early[1]) : 0;
    if (length < 1 || length > LONGEST_EARLY_INPUT)
      throw new ProtocolError(
        `early input of ${printable(early[1].slice(0, 20))} bytes; at most ${LONGEST_EARLY_INPUT} are taken`,
      );
    return { kind: 'early-input', length };
  }
  if (line.startsWith('#')) throw new RefusedError(`Unknown command '${printable(line.slice(0, 100))}'`);
  return { kind: 'module', name: line, valid: MODULE_NAME.test(line) };
}

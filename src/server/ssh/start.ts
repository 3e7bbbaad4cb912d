/**
 * What a push over ssh begins with, until its arguments are there (docs/protocol.md, "Over ssh"). Whoever gets here has
 * been let in by sshd, as the client whose vault it is.
 */
import type { ServerSettings } from '../../config/settings.ts';
import { ProtocolError, RsyncExit } from '../../lib/errors.ts';
import { ConnectionCutError } from '../../push/input.ts';
import { ArgumentsDecoder, asksForSecond } from '../../rsync/arguments.ts';
import { isProtocolNumber, NEWEST_PROTOCOL, OLDEST_PROTOCOL } from '../../rsync/greeting.ts';
import { converse, LOGIN_CONFIRMED } from '../conversation.ts';
import { EVERYBODY } from '../host-rules.ts';
import type { StartReader } from './start-reader.ts';

export interface Start {
  protocol: number;
  /** undefined in the daemon's form: the client sends them next */
  args: string[] | undefined;
  /** what came beyond */
  initial: Buffer;
}

/**
 * The number that we say first. A pre-release says its version among its capabilities, and the two speak the protocol
 * before the one that is not final yet.
 */
export function ourProtocol(args: readonly string[]): number {
  const found = args.map((argument) => /^-[^-e]*e(\d{1,9})\.(\d{1,9})/.exec(argument)).find((match) => match !== null);
  const [theirs, sub] = [Number(found?.[1] ?? 0), Number(found?.[2] ?? 0)];
  return sub !== 0 && theirs <= NEWEST_PROTOCOL ? theirs - 1 : NEWEST_PROTOCOL;
}

/** The plain form: arguments came with the command, the real ones with -s as the first thing on the connection. */
export async function startPlain(reader: StartReader, args: string[], ours: number): Promise<Start> {
  const all = asksForSecond(args) ? await readSecluded(reader, args) : args;
  const theirs = await reader.read((bytes) => bytes.i32());
  if (!isProtocolNumber(theirs))
    throw new ProtocolError(
      'what came is no protocol number of rsync: does something on the way write to the connection?',
    );
  const protocol = Math.min(ours, theirs);
  if (protocol < OLDEST_PROTOCOL)
    throw new ProtocolError(
      `protocol ${protocol} is too old: ${OLDEST_PROTOCOL} to ${NEWEST_PROTOCOL} are spoken here`,
    );
  return { protocol, args: all, initial: reader.rest() };
}

async function readSecluded(reader: StartReader, first: string[]): Promise<string[]> {
  const decoder = new ArgumentsDecoder(NEWEST_PROTOCOL, first);
  for (;;) {
    const args = await reader.read((bytes) => decoder.read(bytes));
    if (args !== undefined) return args;
  }
}

/**
 * The daemon's form: its conversation without the login.
 *
 * @param say to the client, in the conversation
 * @param refusal why it is not let in: thrown where a stock client listens
 * @returns undefined when the client only wanted the list of modules, which is its own
 */
export async function startDaemon(
  reader: StartReader,
  vault: string,
  settings: ServerSettings,
  say: (text: string) => void,
  refusal?: string,
): Promise<Start | undefined> {
  const login = await converse(reader, {
    settings: { ...settings, listModules: true },
    say,
    provenVault: vault,
    refusal,
    address: '',
    verdict: Promise.resolve(EVERYBODY), // this peer has been judged already
    secretOf: () => Promise.resolve(undefined),
    modules: () => Promise.resolve([vault]),
    loginDelay: () => 0,
    signal: new AbortController().signal,
  });
  if (login === undefined) return undefined;
  say(LOGIN_CONFIRMED);
  return { protocol: login.protocol, args: undefined, initial: login.initial };
}

/** Ends every wait of the reader when `work` takes too long. */
export async function withinDeadline<T>(reader: StartReader, seconds: number, work: Promise<T>): Promise<T> {
  const late = () =>
    reader.fail(
      new ConnectionCutError(`the client took longer than ${seconds} seconds to say what it wants`, RsyncExit.timeout),
    );
  const timer = setTimeout(late, seconds * 1000);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * What is said before a push, step by step: greeting, module, login (docs/protocol.md, "Daemon conversation"). Nothing
 * here depends on whether the module exists until the answer to the challenge is there, and what a client is told of a
 * wrong answer, and when, is the same for every reason it can be wrong.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerSettings } from '../config/settings.ts';
import { NightdropError, ProtocolError, RefusedError, RsyncExit } from '../lib/errors.ts';
import { printable } from '../lib/names.ts';
import { expectedAnswer, newChallenge, sameText } from './challenge.ts';
import { acceptedDigests, type ClientGreeting, chooseDigest, parseGreeting, serverGreeting } from './greeting.ts';
import type { HostVerdict } from './host-rules.ts';
import type { LineReader } from './line-reader.ts';

/** What tells a client that its arguments are expected now. */
export const LOGIN_CONFIRMED = '@RSYNCD: OK\n';
/** A refusal leaves this many milliseconds after the answer came in, however long it took to find it wrong. */
const REFUSAL_MILLISECONDS = 60;
const LONGEST_EARLY_INPUT = 5 * 1024;
/** Stands in for the secret of a module that does not exist. */
const NO_SECRET = Buffer.alloc(32);

export interface ConversationContext {
  settings: ServerSettings;
  say(text: string): void;
  /** as people write it */
  address: string;
  /** what the rules about hosts say of this peer; never rejects */
  verdict: Promise<HostVerdict>;
  /** the user's secret for the module; undefined when there is no such module or user, or it must not be used */
  secretOf(module: string, user: string): Promise<Buffer | undefined>;
  modules(): Promise<string[]>;
  /** milliseconds this client has to wait before its answer is looked at */
  loginDelay(): number;
  /** ends every wait when the connection ends */
  signal: AbortSignal;
}

export interface Login {
  vault: string;
  protocol: number;
  /** what arrived after the answer */
  initial: Buffer;
}

/**
 * The answer to the challenge was wrong, the user is not one of the module's, there is no such module, or rules keep this peer
 * from it: all the same to the peer.
 */
export class LoginFailedError extends NightdropError {
  /** printable, as the client gave them */
  readonly module: string;
  readonly user: string;
  /** the secret was right, but the peer's address is not; for the log */
  readonly wrongHost: boolean;

  constructor(module: string, user: string, wrongHost: boolean) {
    super('ERR_LOGIN_FAILED', `auth failed on module ${printable(module)}`, { rsyncExit: RsyncExit.startClient });
    this.module = printable(module);
    this.user = printable(user);
    this.wrongHost = wrongHost;
  }
}

/** No vault's rules let this peer in, so it is told of none whether it exists. */
export class AccessDeniedError extends NightdropError {
  constructor(module: string, host: string, address: string) {
    super('ERR_ACCESS_DENIED', `access denied to ${printable(module)} from ${host} (${address})`, {
      rsyncExit: RsyncExit.startClient,
    });
  }
}

/**
 * Returns the login, which the caller confirms with LOGIN_CONFIRMED, or undefined when the client only wanted the list.
 * Throws what the client is to be told.
 */
export async function converse(lines: LineReader, context: ConversationContext): Promise<Login | undefined> {
  const accepted = acceptedDigests(context.settings.weakestDigest);
  context.say(serverGreeting(accepted));
  const greeting = parseGreeting(await lines.line());
  const module = await readModule(lines);
  const isList = module === '' || module === '#list';
  const { anywhere, host } = await context.verdict;
  if (!anywhere && !isList) throw new AccessDeniedError(module, host, context.address);
  sayMotd(context);
  if (isList) return sayModules(context, anywhere);
  if (module.startsWith('#')) throw new RefusedError(`unknown command ${printable(module)}`);
  await login(lines, context, greeting, module);
  return { vault: module, protocol: greeting.protocol, initial: lines.rest() };
}

async function readModule(lines: LineReader): Promise<string> {
  const line = await lines.line();
  const early = /^#early_input=(\d{1,9})$/.exec(line);
  if (!early) return line;
  const length = Number(early[1]);
  if (length < 1 || length > LONGEST_EARLY_INPUT) {
    throw new ProtocolError(`early input of ${length} bytes; at most ${LONGEST_EARLY_INPUT} are taken`);
  }
  await lines.skip(length);
  return lines.line();
}

function sayMotd({ settings: { motd }, say }: ConversationContext): void {
  if (motd === '') return;
  // a line of it must not be read as one of ours
  for (const line of motd.replace(/\n$/, '').split('\n')) say(`${line.replace(/^@/, ' @')}\n`);
}

async function sayModules({ settings, modules, say }: ConversationContext, welcome: boolean): Promise<undefined> {
  if (settings.listModules && welcome) {
    for (const name of await modules()) say(`${name.padEnd(15)}\t\n`);
  }
  say('@RSYNCD: EXIT\n');
  return undefined;
}

async function login(
  lines: LineReader,
  context: ConversationContext,
  greeting: ClientGreeting,
  module: string,
): Promise<void> {
  const digest = chooseDigest(acceptedDigests(context.settings.weakestDigest), greeting);
  const challenge = newChallenge();
  context.say(`@RSYNCD: AUTHREQD ${challenge}\n`);
  const line = await lines.line();
  const arrived = performance.now();
  await pause(context.loginDelay(), context.signal);
  const [user, answer] = splitAnswer(line);
  const secret = await context.secretOf(module, user);
  const expected = await expectedAnswer(digest, secret ?? NO_SECRET, challenge);
  // every part is looked at, whatever the others were
  const isRight = sameText(answer, expected) && secret !== undefined;
  const isWelcome = (await context.verdict).allows(module);
  if (isRight && isWelcome) return;
  const since = performance.now() - arrived;
  await pause(REFUSAL_MILLISECONDS - (since % REFUSAL_MILLISECONDS), context.signal);
  throw new LoginFailedError(module, user, isRight && !isWelcome);
}

/** 'USER ANSWER'; the answer is base64 and holds no blank. */
function splitAnswer(line: string): [user: string, answer: string] {
  const blank = line.lastIndexOf(' ');
  return blank < 0 ? [line, ''] : [line.slice(0, blank), line.slice(blank + 1)];
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds > 0) await sleep(milliseconds, undefined, { signal });
}

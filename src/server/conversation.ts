/**
 * What is said before a push, step by step: greeting, module, login (docs/protocol.md, "Daemon conversation"). Nothing
 * here depends on whether the module exists until the answer to the challenge is there, and what a client is told of a
 * wrong answer, and when, is the same for every reason it can be wrong.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerSettings } from '../config/settings.ts';
import { NightdropError, RefusedError, RsyncExit } from '../lib/errors.ts';
import { printable } from '../lib/names.ts';
import { acceptedDigests, chooseDigest, newChallenge, splitAnswer, verifyAnswer } from '../rsync/auth.ts';
import { formatGreeting, type Greeting, parseGreeting, parseModuleRequest } from '../rsync/greeting.ts';
import type { HostVerdict } from './host-rules.ts';

/** What tells a client that its arguments are expected now. */
export const LOGIN_CONFIRMED = '@RSYNCD: OK\n';
/** A refusal leaves this many milliseconds after the answer came in, however long it took to find it wrong. */
const REFUSAL_MILLISECONDS = 60;

/** What the client says, line by line. */
export interface Lines {
  line(): Promise<string>;
  /** reads and drops so many bytes */
  skip(count: number): Promise<void>;
  /** ends the reading; what was read beyond the last line */
  rest(): Buffer;
}

export interface ConversationContext {
  settings: ServerSettings;
  /** the vault whose client this is, where the connection itself has shown it (ssh): no login, and no other module */
  provenVault?: string;
  /** vaults that the client's certificate names, which stands for a secret; undefined where it showed none */
  certified?: string[] | undefined;
  /** whether there is a client of this name that may push: one that was removed may not, whatever it shows */
  mayPush?(vault: string): boolean;
  /** why nobody who came this way is let in: told when a stock client listens */
  refusal?: string | undefined;
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
 * from it, or its certificate names another: all the same to the peer.
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
export async function converse(lines: Lines, context: ConversationContext): Promise<Login | undefined> {
  context.say(formatGreeting(acceptedDigests(context.settings.weakestDigest)));
  const greeting = parseGreeting(await lines.line());
  const module = await readModule(lines);
  if (context.refusal !== undefined) throw new RefusedError(context.refusal);
  const { anywhere, host } = await context.verdict;
  if (!anywhere && module !== undefined) throw new AccessDeniedError(module, host, context.address);
  sayMotd(context);
  if (module === undefined) return sayModules(context, anywhere);
  if (context.certified !== undefined) await certifiedLogin(context, context.certified, module);
  else if (context.provenVault === undefined) await login(lines, context, greeting, module);
  else if (module !== context.provenVault) throw new LoginFailedError(module, context.provenVault, false);
  return { vault: module, protocol: greeting.protocol, initial: lines.rest() };
}

/** The module's name; undefined when the list of modules is wanted. */
async function readModule(lines: Lines): Promise<string | undefined> {
  for (;;) {
    const request = parseModuleRequest(await lines.line());
    if (request.kind === 'list') return undefined;
    if (request.kind === 'module') return request.name;
    await lines.skip(request.length);
  }
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

async function login(lines: Lines, context: ConversationContext, greeting: Greeting, module: string): Promise<void> {
  const { digests, protocol } = greeting;
  const digest = chooseDigest(acceptedDigests(context.settings.weakestDigest), digests, protocol);
  const challenge = newChallenge();
  context.say(`@RSYNCD: AUTHREQD ${challenge}\n`);
  const line = await lines.line();
  const arrived = performance.now();
  await pause(context.loginDelay(), context.signal);
  const { user, answer } = splitAnswer(line);
  const secret = await context.secretOf(module, user);
  // every part is looked at, whatever the others were
  const isRight = await verifyAnswer(digest, secret, challenge, answer);
  const isWelcome = (await context.verdict).allows(module);
  if (isRight && isWelcome) return;
  await pauseBeforeRefusal(arrived, context.signal);
  throw new LoginFailedError(module, user, isRight && !isWelcome);
}

/** Nothing is asked. */
async function certifiedLogin(context: ConversationContext, names: string[], module: string): Promise<void> {
  const asked = performance.now();
  await pause(context.loginDelay(), context.signal);
  const isRight = names.includes(module) && context.mayPush?.(module) === true;
  const isWelcome = (await context.verdict).allows(module);
  if (isRight && isWelcome) return;
  await pauseBeforeRefusal(asked, context.signal);
  throw new LoginFailedError(module, `certificate of ${names.join(' ') || 'no client'}`, isRight && !isWelcome);
}

async function pauseBeforeRefusal(since: number, signal: AbortSignal): Promise<void> {
  const passed = performance.now() - since;
  await pause(REFUSAL_MILLISECONDS - (passed % REFUSAL_MILLISECONDS), signal);
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds > 0) await sleep(milliseconds, undefined, { signal });
}

/**
 * One session of the ssh door, a process of its own that sshd starts: from the command that the client wants to the end of
 * its push. Standard input and output are the connection, standard error is the client's.
 */
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { policyOf, type Settings } from '../../config/settings.ts';
import { NightdropError, RefusedError, RsyncExit } from '../../lib/errors.ts';
import { brief } from '../../lib/names.ts';
import { clientSentence } from '../../push/client-sentence.ts';
import type { PushReport } from '../../push/request.ts';
import { parseRemoteCommand, type RemoteCommand } from '../../rsync/remote-command.ts';
import { mayPush, vaultLayout } from '../../vault/layout.ts';
import { Access } from '../access.ts';
import { LoginFailedError } from '../conversation.ts';
import { checkSlot, type Slot, takeSlot } from './slots.ts';
import { ourProtocol, type Start, startDaemon, startPlain, withinDeadline } from './start.ts';
import { StartReader } from './start-reader.ts';

/** Before the settings are known, and where they have mistakes. */
const PLAIN_LOG: Settings['log'] = { level: 'info', format: 'json' };

/** What a client that is not let in has to say whom it greets, and what it wants. */
const REFUSAL_SECONDS = 2;

export interface SessionOrder {
  dataDir: string;
  vault: string;
  /** what the client wants to run, latin1-tagged; undefined: a shell */
  command: string | undefined;
  address: string;
  /** the connection; not asked for before the command is known to be a push */
  connect(): Duplex;
  /** a line for the client, on its standard error; resolves when it is on its way */
  say(line: string): Promise<void>;
}

/** What is known of a session so far: decides how its client is told of an error. */
interface Progress {
  settings?: Settings;
  remote?: RemoteCommand;
  stream?: Duplex;
  /** the conversation of the daemon's form has begun */
  greeted?: boolean;
  slot?: Slot;
}

/** Returns the exit code for sshd: 0 only when a push was complete, or the list of modules was told. */
export async function serveSession(order: SessionOrder): Promise<number> {
  const progress: Progress = {};
  try {
    return await serve(order, progress);
  } catch (error) {
    return await refuse(order, error, progress);
  } finally {
    progress.slot?.lease.release();
  }
}

async function serve(order: SessionOrder, progress: Progress): Promise<number> {
  const { dataDir, vault } = order;
  const remote = readCommand(vault, order.command);
  progress.remote = remote;
  checkClient(order);
  const slot = await takeSlot(vaultLayout(dataDir, vault));
  progress.slot = slot;
  const stream = order.connect();
  progress.stream = stream;
  const reader = new StartReader(stream);
  const ours = remote.kind === 'server' ? ourProtocol(remote.args) : undefined;
  // at once: the client reads it while the rest is loaded here
  if (ours !== undefined) stream.write(int32(ours));
  const settings = await loadedSettings(dataDir);
  progress.settings = settings;
  checkSlot(slot, policyOf(settings, vault).maxConnections);
  await checkHost(order, settings);
  const say = (text: string) => void stream.write(text, 'utf8');
  progress.greeted = true;
  const begun =
    remote.kind === 'server'
      ? startPlain(reader, remote.args, ours!)
      : startDaemon(reader, vault, settings.server, say);
  const start = await withinDeadline(reader, settings.server.handshakeTimeout, begun);
  if (start !== undefined) return push(order, stream, start, settings);
  await ended(stream);
  return RsyncExit.ok;
}

function readCommand(vault: string, command: string | undefined): RemoteCommand {
  if (command !== undefined) return parseRemoteCommand(command);
  throw new RefusedError(`this key is for rsync pushes into ${vault} only; there is no shell here`, {
    rsyncExit: RsyncExit.syntax,
  });
}

/** A client that was removed has no secret: its key is worth nothing either. */
function checkClient({ dataDir, vault }: SessionOrder): void {
  if (mayPush(vaultLayout(dataDir, vault))) return;
  throw new RefusedError(`there is no client ${vault}, or it was removed`, { rsyncExit: RsyncExit.startClient });
}

/** The rules about hosts hold here, too. Whoever has the key of the vault may know that they are why. */
async function checkHost({ vault, address }: SessionOrder, settings: Settings): Promise<void> {
  const verdict = await new Access().judge(address, settings);
  if (verdict.allows(vault)) return;
  throw new RefusedError(`access denied to ${vault} from ${verdict.host} (${address})`, {
    rsyncExit: RsyncExit.startClient,
  });
}

async function loadedSettings(dataDir: string): Promise<Settings> {
  const { loadSettings } = await import('../../config/load.ts');
  return loadSettings(path.join(dataDir, 'nightdrop.toml'));
}

async function push(order: SessionOrder, stream: Duplex, start: Start, settings: Settings): Promise<number> {
  const { dataDir, vault, address } = order;
  process.title = `nightdrop: push ${vault} (ssh)`;
  const { servePush } = await import('../../push/push.ts');
  const said: Promise<void>[] = [];
  const report = await servePush({
    socket: stream,
    initial: start.initial,
    protocol: start.protocol,
    ...(start.args === undefined ? {} : { args: start.args }),
    sayEarly: (sentence) => void said.push(order.say(`nightdrop: ${plain(sentence)}`)),
    vault,
    vaultDir: vaultLayout(dataDir, vault).folder,
    address,
    policy: policyOf(settings, vault),
    limits: {
      ioTimeout: settings.server.ioTimeout,
      handshakeTimeout: settings.server.handshakeTimeout,
      workers: settings.push.workers,
      leaseWait: settings.push.leaseWait,
    },
  });
  await Promise.all(said);
  await logReport(order, report, settings);
  return report.exitCode;
}

async function logReport({ dataDir, vault, address }: SessionOrder, report: PushReport, { log }: Settings) {
  const [{ openSessionLog }, { logPush }] = await Promise.all([import('./log.ts'), import('../push-log.ts')]);
  logPush(openSessionLog(dataDir, log), vault, address, report);
}

/** A line for the client, one for the log. */
async function refuse(order: SessionOrder, error: unknown, progress: Progress): Promise<number> {
  const { dataDir, vault, address, command } = order;
  await tell(order, error, progress);
  const { openSessionLog } = await import('./log.ts');
  const log = openSessionLog(dataDir, progress.settings?.log ?? PLAIN_LOG);
  const wanted = command === undefined ? undefined : brief(command);
  if (error instanceof NightdropError)
    log.warn({ vault, address, command: wanted, reason: error.message }, 'session refused');
  else log.error({ vault, address, stack: (error as Error).stack }, 'a session ended by a defect or a fault');
  return (error instanceof NightdropError ? error.rsyncExit : undefined) || RsyncExit.streamIo;
}

/** In the daemon's form where the conversation has words for it, else on standard error. */
async function tell(order: SessionOrder, error: unknown, progress: Progress): Promise<void> {
  const sentence = error instanceof LoginFailedError ? error.message : plain(clientSentence(error));
  if (progress.remote?.kind === 'daemon') progress.stream ??= connection(order);
  if (progress.remote?.kind === 'daemon' && progress.stream !== undefined)
    await tellInConversation(order, sentence, progress, progress.stream);
  else await order.say(`nightdrop: ${sentence}`);
  if (progress.stream !== undefined) await ended(progress.stream);
}

/** undefined where there is none, which is what the client is told. */
function connection(order: SessionOrder): Duplex | undefined {
  try {
    return order.connect();
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return undefined;
  }
}

/** Where a stock client listens for it: after its greeting and the module that it names. */
async function tellInConversation(
  order: SessionOrder,
  sentence: string,
  { greeted, settings }: Progress,
  stream: Duplex,
): Promise<void> {
  const say = (text: string) => void stream.write(text, 'utf8');
  if (!greeted) {
    const { parseSettings } = await import('../../config/load.ts');
    const reader = new StartReader(stream);
    const { server } = settings ?? parseSettings('', '');
    const conversation = startDaemon(reader, order.vault, server, say, sentence);
    await withinDeadline(reader, REFUSAL_SECONDS, conversation).catch(() => undefined);
  }
  say(`@ERROR: ${sentence}\n`);
}

/** Resolves when all that was written is on its way, or nobody takes it any more. */
function ended(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) return resolve();
    stream.once('close', () => resolve());
    stream.end(() => resolve());
  });
}

function plain(sentence: string): string {
  return sentence.replace(/^ERROR: /, '');
}
function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

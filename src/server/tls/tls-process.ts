/**
 * A TLS process: takes connections from the listener, does their handshakes, and passes on what their peers say in clear,
 * through the end of a socket pair whose other end the listener reads, and after the login a session process. It holds the key
 * of the server's certificate, and no secret of a client or a vault. Started by processes.ts; it ends when the listener has
 * ended, or let go of it, and its last connection is over.
 */
import type { Socket } from 'node:net';
import { HandshakeError, TlsAcceptor } from './acceptor.ts';
import { loadTlsFiles, type TlsFiles, TlsFilesError, versionOf } from './files.ts';
import type { FromTls, ToTls } from './messages.ts';
import { relay } from './relay.ts';

/** Milliseconds that connections have when the listener is gone: somewhat more than their sessions have. */
const ORPHAN_MILLISECONDS = 70_000;

interface Arrival {
  raw: Socket | undefined;
  files: TlsFiles;
  initial: Buffer;
}

/** Connections whose clear end has not come yet. */
const arrivals = new Map<number, Arrival>();
let acceptor: TlsAcceptor | undefined;
let triedVersion = '';
let loading: Promise<void> = Promise.resolve();
let open = 0;

process.title = 'nightdrop: tls';
// a terminal and a service manager signal the whole group; it is the listener that says when to stop
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => {
  endIfIdle();
  setTimeout(() => process.exit(1), ORPHAN_MILLISECONDS).unref();
});
process.on('message', (message: ToTls, socket?: Socket) => {
  if (message.type === 'load')
    void load(message.files, message.always).catch(() => undefined); // told by the connections that need it
  else if (message.type === 'raw') arrive(message, socket);
  else void serve(message.id, socket);
});

function arrive({ id, files, initial }: ToTls & { type: 'raw' }, raw: Socket | undefined): void {
  open++;
  raw?.on('error', () => undefined); // 'close' follows
  arrivals.set(id, { raw, files, initial: Buffer.from(initial, 'base64') });
}

async function serve(id: number, clear: Socket | undefined): Promise<void> {
  const arrival = arrivals.get(id);
  arrivals.delete(id);
  clear?.on('error', () => undefined);
  try {
    if (arrival?.raw === undefined || clear === undefined) throw new HandshakeError('the peer is gone', true);
    await secure(id, arrival.raw, clear, arrival);
  } catch (error) {
    const gone = error instanceof HandshakeError && error.gone;
    tell({ type: 'failed', id, reason: (error as Error).message, gone });
  } finally {
    arrival?.raw?.destroy();
    clear?.destroy();
    tell({ type: 'ended', id });
    open--;
    endIfIdle();
  }
}

async function secure(id: number, raw: Socket, clear: Socket, { files, initial }: Arrival): Promise<void> {
  await load(files, false);
  if (acceptor === undefined) throw new HandshakeError('there is no certificate that can be used', false);
  if (initial.length > 0) raw.unshift(initial);
  // nobody waits for it any more: the listener's time is up
  const giveUp = () => raw.destroy();
  clear.once('close', giveUp);
  const secured = await acceptor.accept(raw);
  clear.off('close', giveUp);
  tell({ type: 'secured', id, handshake: acceptor.told(secured) });
  await relay(secured, clear);
}

/** Takes up the files as they are now, one call after another. What cannot be used changes nothing, and is told once. */
function load(files: TlsFiles, always: boolean): Promise<void> {
  // what went wrong with one call is no matter of the next
  loading = loading.catch(() => undefined).then(() => loadNow(files, always));
  return loading;
}

async function loadNow(files: TlsFiles, always: boolean): Promise<void> {
  const version = await versionOf(files);
  if (version === triedVersion && !always) return;
  triedVersion = version;
  try {
    const { options, subject, notAfter } = await loadTlsFiles(files);
    acceptor = new TlsAcceptor(options, files.clientCertificates);
    tell({ type: 'loaded', version, certificate: files.certificate, subject, notAfter });
  } catch (error) {
    if (!(error instanceof TlsFilesError)) {
      triedVersion = ''; // nobody was told: it is tried again
      throw error;
    }
    tell({ type: 'unusable', version, message: error.message });
  }
}

function tell(message: FromTls): void {
  // a listener that has just ended hears nothing: 'disconnect' follows
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
}

function endIfIdle(): void {
  if (!process.connected && open === 0) process.exit(0);
}

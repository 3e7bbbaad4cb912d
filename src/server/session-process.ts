/**
 * A session process: waits for one order, carries it out, tells the listener, and ends. It also ends when the listener
 * does. Started by sessions.ts; everything a push needs is loaded while it waits.
 */
import type { Socket } from 'node:net';
import { NightdropError } from '../lib/errors.ts';
import type { FromSession, PushOrder, ToSession } from './session-messages.ts';

/** Milliseconds a client has to close the connection after we are done with it. */
const LINGER_MILLISECONDS = 5_000;
/** Milliseconds a push has to keep what it has when the listener is gone. */
const ORPHAN_MILLISECONDS = 60_000;

const push = import('../push/push.ts');
push.catch(() => undefined); // told when there is an order
let connection: Socket | undefined;
let ordered = false;

// a terminal and a service manager signal the whole group; it is the listener that says when to stop
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('uncaughtException', (error) => fail(error));
process.on('disconnect', () => orphaned());
process.on('message', (message: ToSession, socket?: Socket) => {
  if (message.type === 'cut') cut(message.reason);
  else if (!ordered) {
    ordered = true;
    if (message.type === 'push') void run(() => servePushOrder(message.order, socket));
    else void run(() => recoverVaults(message.dataDir, message.vault));
  }
});

async function run(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    fail(error);
  }
  process.exit(0);
}

async function servePushOrder(order: PushOrder, socket: Socket | undefined): Promise<void> {
  if (socket === undefined)
    throw new NightdropError('ERR_PEER_GONE', 'the client closed the connection after its login');
  process.title = `nightdrop: push ${order.vault}`;
  connection = socket;
  socket.on('error', () => undefined); // whoever reads or writes is told by 'close'
  const { servePush } = await push;
  const report = await servePush({ ...order, socket, initial: Buffer.from(order.initial, 'base64') });
  await tell({ type: 'report', report });
  await closed(socket);
}

async function recoverVaults(dataDir: string, only: string | undefined): Promise<void> {
  process.title = 'nightdrop: recovery';
  const { recoverVault } = await import('./recovery.ts');
  const { listVaults } = await import('../vault/vault.ts');
  for (const vault of only === undefined ? await listVaults(dataDir) : [only]) {
    try {
      const notes = await recoverVault(dataDir, vault);
      if (notes.length > 0) await tell({ type: 'recovered', vault, notes });
    } catch (error) {
      await tell({ type: 'failed', vault, message: (error as Error).message });
    }
  }
}

/** Lets the client read our last words: it closes when it has them. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    const timer = setTimeout(() => socket.destroy(), LINGER_MILLISECONDS);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.removeAllListeners('data');
    socket.resume();
    socket.end();
  });
}

function cut(reason: string): void {
  if (connection === undefined) process.exit(0);
  connection.destroy(new NightdropError('ERR_CUT', reason));
}

function orphaned(): void {
  if (connection === undefined) process.exit(0);
  cut('the server has ended');
  setTimeout(() => process.exit(1), ORPHAN_MILLISECONDS).unref();
}

function tell(message: FromSession): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected || process.send === undefined) return resolve();
    process.send(message, undefined, {}, () => resolve());
  });
}

function fail(error: unknown): void {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  void tell({ type: 'failed', message, stack }).then(() => process.exit(1));
}

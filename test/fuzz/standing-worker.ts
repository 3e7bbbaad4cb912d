/**
 * A thread takes a tenth of a second to start: with thousands of pushes that is most of the time. Here the pushes of a
 * process share one thread that stays; each has its own port and its own desk, as in threads of its own. What a push
 * does is the same, byte for byte.
 */
import { EventEmitter } from 'node:events';
import { registerHooks } from 'node:module';
import { MessageChannel, type MessagePort, Worker as Thread, type Transferable } from 'node:worker_threads';

let thread: Thread | undefined;

/** What pool-worker.ts uses of node's Worker. */
export class Worker extends EventEmitter {
  private readonly port: MessagePort;

  constructor(_file: URL, { workerData }: { workerData: unknown }) {
    super();
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port1.on('message', (message) => this.emit('message', message));
    port1.on('close', () => this.emit('exit', 0));
    thread ??= start();
    thread.postMessage({ port: port2, setup: workerData }, [port2]);
  }

  postMessage(message: unknown, transfer: Transferable[]): void {
    this.port.postMessage(message, transfer);
  }

  async terminate(): Promise<void> {
    this.port.close();
  }
}

function start(): Thread {
  const started = new Thread(new URL('./standing-thread.ts', import.meta.url));
  started.on('error', (error) => {
    throw error;
  });
  started.unref();
  return started;
}

/** Has pool-worker.ts, when it is loaded after this, get the Worker above. */
export function useStandingWorkers(): void {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'node:worker_threads' && context.parentURL?.endsWith('/ingest/pool-worker.ts')
        ? { url: import.meta.url, shortCircuit: true }
        : next(specifier, context),
  });
}

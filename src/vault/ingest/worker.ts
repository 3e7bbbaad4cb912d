/** An ingest worker: the thread that holds the repository's key, and everything that needs it. */
import { parentPort, workerData } from 'node:worker_threads';
import { NightdropError } from '../../lib/errors.ts';
import { commitSnapshot } from '../commit.ts';
import { layoutOf } from '../layout.ts';
import { ensureState } from '../prepare.ts';
import { openRepository } from '../vault.ts';
import { Ingest } from './ingest.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './messages.ts';

const port = parentPort!;
const setup = workerData as WorkerSetup;
const layout = layoutOf(setup.vaultDir, setup.vault);
const repository = openRepository(layout);
repository.catch(() => {});
let ingest: Promise<Ingest> | undefined;

function opened(): Promise<Ingest> {
  ingest ??= repository.then((r) => Ingest.open(r, layout, setup, post));
  return ingest;
}

function post(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

async function handle(message: ToWorker): Promise<void> {
  switch (message.type) {
    case 'batch':
      return (await opened()).batch(message.batch);
    case 'sums':
      await (await opened()).computeSums(message.blobs, message.blockLength, (records) =>
        post({ type: 'records', request: message.request, records }),
      );
      return post({ type: 'answer', request: message.request, value: undefined });
    case 'digest':
      return post({
        type: 'answer',
        request: message.request,
        value: await (await opened()).computeDigest(message.blobs, message.algorithm),
      });
    case 'flush':
      if (ingest !== undefined) await (await ingest).flush();
      return post({ type: 'answer', request: message.request, value: undefined });
    case 'prepare':
      return post({
        type: 'answer',
        request: message.request,
        value: { notes: await ensureState(layout, await repository) },
      });
    case 'commit':
      return post({
        type: 'answer',
        request: message.request,
        value: await commitSnapshot(await repository, layout, message.meta),
      });
    case 'close':
      await ingest?.then((i) => i.close()).catch(() => {});
      await repository.then((r) => r.backend.close()).catch(() => {});
      port.close();
  }
}

/** Messages are worked off one after another, whatever awaits lie within. */
let queue: Promise<void> = Promise.resolve();
port.on('message', (message: ToWorker) => {
  queue = queue.then(() => handle(message)).catch((error: Error) => fail(message, error));
});

function fail(message: ToWorker, error: Error): void {
  const code = error instanceof NightdropError ? error.code : ((error as NodeJS.ErrnoException).code ?? 'ERR_INGEST');
  post({ type: 'failed', request: 'request' in message ? message.request : undefined, code, message: explain(error) });
}

function explain(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return `the server's disk is full; nothing of what was stored before is affected`;
  return error.message;
}

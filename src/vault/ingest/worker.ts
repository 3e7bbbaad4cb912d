/** An ingest worker: the thread that holds the repository's key, and everything that needs it. */
import { parentPort, workerData } from 'node:worker_threads';
import { NightdropError } from '../../lib/errors.ts';
import { RepositoryLock } from '../../repository/lock.ts';
import { commitSnapshot } from '../commit.ts';
import { layoutOf } from '../layout.ts';
import { ensureState } from '../prepare.ts';
import { openRepository } from '../vault.ts';
import { Ingest } from './ingest.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './messages.ts';

type Value = Extract<FromWorker, { type: 'answer' }>['value'];

const port = parentPort!;
const setup = workerData as WorkerSetup;
const layout = layoutOf(setup.vaultDir, setup.vault);
const repository = openRepository(layout);
// whoever needs it first gets the error
repository.catch(() => {});
let lock: Promise<RepositoryLock> | undefined;
let ingest: Promise<Ingest> | undefined;
/** The first thing that went wrong with what is written: after it nothing more is. */
let broken: Error | undefined;
let closing = false;

/** Keeps restic's prune away from what is written, and from what new versions refer to. */
async function locked(): Promise<void> {
  lock ??= repository.then((opened) => RepositoryLock.take(opened, false));
  if (!(await lock).lost) return;
  throw new NightdropError('ERR_LOCK_LOST', 'the lock of the repository could not be kept up; nothing more is written');
}

async function opened(): Promise<Ingest> {
  await locked();
  ingest ??= repository.then((r) => Ingest.open(r, layout, setup, post));
  return ingest;
}

function post(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

async function handle(message: ToWorker): Promise<void> {
  if (message.type === 'close') return close();
  if (closing) return;
  if (broken !== undefined) throw broken;
  if (message.type === 'batch') await (await opened()).batch(message.batch);
  else if (message.type === 'distrust') (await opened()).distrust(message.ids);
  else post({ type: 'answer', request: message.request, value: await answerTo(message) });
}

async function answerTo(message: Extract<ToWorker, { request: number }>): Promise<Value> {
  switch (message.type) {
    case 'sums':
      await (await opened()).computeSums(message.request, Buffer.from(message.blobs), message.blockLength);
      return undefined;
    case 'digest':
      return (await opened()).computeDigest(Buffer.from(message.blobs), message.algorithm);
    case 'content':
      return (await opened()).readSmall(Buffer.from(message.blobs), message.most);
    case 'flush':
      await (await ingest)?.flush();
      return undefined;
    case 'prepare':
      return { notes: await ensureState(layout, await repository) };
    case 'commit':
      await locked();
      return commitSnapshot(await repository, layout, message.meta);
  }
}

/** An unfinished pack leaves nothing behind, the lock is given back, and the thread ends by itself. */
async function close(): Promise<void> {
  await ingest?.then((i) => i.close()).catch(() => {});
  await lock?.then((l) => l.release()).catch(() => {});
  await repository.then((r) => r.backend.close()).catch(() => {});
  port.close();
}

function fail(message: ToWorker, error: Error): void {
  // a request that cannot be answered is one thing; content that was taken and cannot be stored is the end
  if (message.type === 'batch' || message.type === 'flush') broken ??= error;
  const code = error instanceof NightdropError ? error.code : ((error as NodeJS.ErrnoException).code ?? 'ERR_INGEST');
  const request = 'request' in message ? message.request : undefined;
  post({ type: 'failed', request, code, message: explain(error, code) });
}

function explain(error: Error, code: string): string {
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return 'the disk of the server is full: this push cannot be stored; what was stored before is safe';
  if (code === 'EIO' || code === 'EROFS')
    return 'the server cannot write to its disk: this push cannot be stored; look at the server before the next one';
  return error.message;
}

/** Messages are worked off one after another, whatever awaits lie within. */
let queue: Promise<void> = Promise.resolve();
port.on('message', (message: ToWorker) => {
  if (message.type === 'close') {
    closing = true;
    ingest?.then((i) => i.stop()).catch(() => {});
  }
  queue = queue.then(() => handle(message)).catch((error: Error) => fail(message, error));
});

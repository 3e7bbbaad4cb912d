import type { MessagePort } from 'node:worker_threads';
import { NightdropError } from '../../lib/errors.ts';
import { RepositoryLock } from '../../repository/lock.ts';
import type { Repository } from '../../repository/repository.ts';
import { commitSnapshot } from '../commit.ts';
import { layoutOf, type VaultLayout } from '../layout.ts';
import { ensureState } from '../prepare.ts';
import { openRepository } from '../vault.ts';
import { Ingest } from './ingest.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './messages.ts';

type Value = Extract<FromWorker, { type: 'answer' }>['value'];

const FULL = 'the disk of the server is full: this push cannot be stored; what was stored before is safe';
const UNWRITABLE =
  'the server cannot write to its disk: this push cannot be stored; look at the server before the next one';
/** What the system's error codes mean for a push. */
const EXPLANATIONS: Record<string, string | undefined> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EIO: UNWRITABLE,
  EROFS: UNWRITABLE,
};

/** What an ingest worker does for one push: it holds the repository's key, and everything that needs it. */
export class IngestDesk {
  private readonly port: MessagePort;
  private readonly setup: WorkerSetup;
  private readonly layout: VaultLayout;
  private readonly repository: Promise<Repository>;
  private lock: Promise<RepositoryLock> | undefined;
  private ingest: Promise<Ingest> | undefined;
  /** The first thing that went wrong with what is written: after it nothing more is. */
  private broken: Error | undefined;
  private closing = false;
  /** Messages are worked off one after another, whatever awaits lie within. */
  private queue: Promise<void> = Promise.resolve();

  /** Serves the port until it is told to close, and closes it then. */
  constructor(port: MessagePort, setup: WorkerSetup) {
    this.port = port;
    this.setup = setup;
    this.layout = layoutOf(setup.vaultDir, setup.vault);
    this.repository = openRepository(this.layout);
    // whoever needs it first gets the error
    this.repository.catch(() => {});
    port.on('message', (message: ToWorker) => this.receive(message));
  }

  private receive(message: ToWorker): void {
    if (message.type === 'close') {
      this.closing = true;
      this.ingest?.then((i) => i.stop()).catch(() => {});
    }
    this.queue = this.queue.then(() => this.handle(message)).catch((error: Error) => this.fail(message, error));
  }

  private async handle(message: ToWorker): Promise<void> {
    if (message.type === 'close') return this.close();
    if (this.closing) return;
    if (this.broken !== undefined) throw this.broken;
    if (message.type === 'batch') await (await this.opened()).batch(message.batch);
    else if (message.type === 'distrust') (await this.opened()).distrust(message.ids);
    else this.post({ type: 'answer', request: message.request, value: await this.answerTo(message) });
  }

  private async answerTo(message: Extract<ToWorker, { request: number }>): Promise<Value> {
    switch (message.type) {
      case 'sums':
        await (await this.opened()).computeSums(message.request, Buffer.from(message.blobs), message.blockLength);
        return undefined;
      case 'digest':
        return (await this.opened()).computeDigest(Buffer.from(message.blobs), message.algorithm);
      case 'content':
        return (await this.opened()).readSmall(Buffer.from(message.blobs), message.most);
      case 'basis':
        return (await this.opened()).readBasis(message.file, message.ranges);
      case 'flush':
        await (await this.ingest)?.flush();
        return undefined;
      case 'prepare':
        return { notes: await ensureState(this.layout, await this.repository) };
      case 'commit':
        await this.locked();
        return commitSnapshot(await this.repository, this.layout, message.meta);
    }
  }

  /** Keeps restic's prune away from what is written, and from what new versions refer to. */
  private async locked(): Promise<void> {
    this.lock ??= this.repository.then((repository) => RepositoryLock.take(repository, false));
    if (!(await this.lock).lost) return;
    throw new NightdropError(
      'ERR_LOCK_LOST',
      'the lock of the repository could not be kept up; nothing more is written',
      { forClient: true },
    );
  }

  private async opened(): Promise<Ingest> {
    await this.locked();
    this.ingest ??= this.repository.then((repository) =>
      Ingest.open(repository, this.layout, this.setup, (message, transfer) => this.post(message, transfer)),
    );
    return this.ingest;
  }

  /** An unfinished pack leaves nothing behind, the lock is given back, and the thread ends by itself. */
  private async close(): Promise<void> {
    await this.ingest?.then((ingest) => ingest.close()).catch(() => {});
    await this.lock?.then((lock) => lock.release()).catch(() => {});
    await this.repository.then((repository) => repository.backend.close()).catch(() => {});
    this.port.close();
  }

  private post(message: FromWorker, transfer: ArrayBuffer[] = []): void {
    this.port.postMessage(message, transfer);
  }

  private fail(message: ToWorker, error: Error): void {
    // a request that cannot be answered is one thing; content that was taken and cannot be stored is the end
    if (message.type === 'batch' || message.type === 'flush') this.broken ??= error;
    const code = error instanceof NightdropError ? error.code : ((error as NodeJS.ErrnoException).code ?? 'ERR_INGEST');
    const request = 'request' in message ? message.request : undefined;
    this.post({ type: 'failed', request, code, ...explain(error, code) });
  }
}

function explain(error: Error, code: string): { message: string; forClient: boolean } {
  const known = EXPLANATIONS[code];
  if (known !== undefined) return { message: known, forClient: true };
  return { message: error.message, forClient: error instanceof NightdropError && error.forClient };
}

import { type ErrorOptions, NightdropError, RsyncExit } from '../../lib/errors.ts';
import { BATCH_BYTES, BatchBuilder } from './batch-builder.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './messages.ts';
import { PoolWorker } from './pool-worker.ts';

/** Batches that are with the workers, in all, before the client has to wait. */
const MOST_BATCHES = 6;
/** Batches waiting at every worker from which on another one is worth starting. */
const BUSY_BATCHES = 2;
/** What a small file needs in a batch beside its content. */
const SPARE_BYTES = 1024;

export interface CrewOptions {
  setup: WorkerSetup;
  /** threads at most */
  most: number;
  onMessage: (worker: PoolWorker, message: FromWorker) => void;
  onFailure: (error: Error) => void;
}

/** The workers, and the batches on their way to them and back. */
export class Crew {
  private readonly options: CrewOptions;
  readonly workers: PoolWorker[] = [];
  private readonly spare: ArrayBuffer[] = [];
  /** what workers that start later have to know too */
  private readonly standing: ToWorker[] = [];
  private waiting: (() => void)[] = [];
  /** the worker that gets the next file */
  private current: PoolWorker;
  private inFlight = 0;
  private idleCheck = false;
  private stopped = false;

  /** The first worker starts at once, the others when there is work for them. */
  constructor(options: CrewOptions) {
    this.options = options;
    this.current = this.start();
  }

  /** undefined while there is room for more content; else a promise for when there is. */
  room(): Promise<void> | undefined {
    if (this.inFlight < MOST_BATCHES || this.stopped) return undefined;
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Who takes a file: small ones go where the last one went while its batch has room for all of them. */
  workerFor(size: number): PoolWorker {
    const { batch } = this.current;
    if (batch !== undefined && size + SPARE_BYTES <= batch.room) return this.current;
    this.post(this.current);
    this.current = this.leastBusy();
    return this.current;
  }

  leastBusy(): PoolWorker {
    let least = this.workers[0];
    for (const worker of this.workers) if (worker.inFlight < least.inFlight) least = worker;
    const more = this.workers.length < this.options.most && !this.stopped;
    return more && least.ready && least.inFlight >= BUSY_BATCHES ? this.start() : least;
  }

  /** Hot. */
  data(worker: PoolWorker, code: number, id: number, bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.stopped; ) {
      const batch = this.batchOf(worker);
      if (batch.room === 0) this.post(worker);
      else at += batch.data(code, id, bytes, at);
    }
  }

  /** As data, for bytes that must not be cut in two. */
  whole(worker: PoolWorker, code: number, id: number, bytes: Buffer): void {
    if (this.batchOf(worker).room < bytes.length) this.post(worker);
    this.data(worker, code, id, bytes);
  }

  copy(worker: PoolWorker, id: number, offset: number, length: number): void {
    this.batchWithRoom(worker).copy(id, offset, length);
  }

  operation(worker: PoolWorker, ...numbers: number[]): void {
    this.batchWithRoom(worker).operation(...numbers);
  }

  /** Tells all workers, also those that start later, but for the one it comes from. */
  tellAll(message: ToWorker, from: PoolWorker): void {
    this.standing.push(message);
    for (const worker of this.workers) if (worker !== from) worker.post(message);
  }

  /** Sends what was gathered for the worker. */
  post(worker: PoolWorker): void {
    if (worker.batch === undefined) return;
    const batch = worker.batch.finish();
    worker.batch = undefined;
    if (this.stopped) return;
    worker.inFlight++;
    this.inFlight++;
    worker.post({ type: 'batch', batch }, [batch.buffer, batch.ops.buffer]);
  }

  /** A batch came back. */
  done(worker: PoolWorker, buffer: ArrayBuffer): void {
    worker.ready = true;
    worker.inFlight--;
    this.inFlight--;
    this.spare.push(buffer);
    if (worker.inFlight === 0) this.post(worker);
    if (this.inFlight < MOST_BATCHES) this.wake();
  }

  /** Nothing is sent any more; who waits for room is let go. */
  stop(): void {
    this.stopped = true;
    this.wake();
  }

  async close(): Promise<void> {
    this.stop();
    await Promise.all(this.workers.map((worker) => worker.close()));
  }

  private batchWithRoom(worker: PoolWorker): BatchBuilder {
    if (this.batchOf(worker).room === 0) this.post(worker);
    return this.batchOf(worker);
  }

  private batchOf(worker: PoolWorker): BatchBuilder {
    if (worker.batch === undefined) {
      worker.batch = new BatchBuilder(this.spare.pop() ?? new ArrayBuffer(BATCH_BYTES));
      this.checkIdle();
    }
    return worker.batch;
  }

  /** A batch that is not full leaves when its worker has nothing else to do. */
  private checkIdle(): void {
    if (this.idleCheck) return;
    this.idleCheck = true;
    setImmediate(() => {
      this.idleCheck = false;
      for (const worker of this.workers) if (worker.inFlight === 0) this.post(worker);
    });
  }

  private start(): PoolWorker {
    const { setup, onMessage, onFailure } = this.options;
    const worker: PoolWorker = new PoolWorker(setup, (message) => onMessage(worker, message), onFailure);
    for (const message of this.standing) worker.post(message);
    this.workers.push(worker);
    return worker;
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** What went wrong in a worker, for whoever waits for it. */
export function workerError(code: string, message: string, options: ErrorOptions = {}): NightdropError {
  return new NightdropError(code, message, { rsyncExit: RsyncExit.fileIo, ...options });
}

import { Worker } from 'node:worker_threads';
import type { BatchBuilder } from './batch-builder.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './messages.ts';

/**
 * V8's limits; most of what a worker needs lies outside of its heap, but for the tree of a directory with as much in it as one
 * can have (push/bulk.ts). A session's own limit (server/sessions.ts) is the same, and V8 would take it for this one.
 */
const HEAP_MEBIBYTES = 512;
const YOUNG_MEBIBYTES = 8;
/** Milliseconds a worker may take to end: it may be in the middle of reading a blob, or of flushing a pack. */
const CLOSE_MILLISECONDS = 30_000;

/** One worker as the protocol thread sees it. */
export class PoolWorker {
  private readonly thread: Worker;
  private readonly exited: Promise<void>;
  private closing = false;
  /** batches it has not given back */
  inFlight = 0;
  /** it has given back one at least: it is open, and keeps up with its work or not */
  ready = false;
  /** the batch that is being filled for it */
  batch: BatchBuilder | undefined;

  constructor(setup: WorkerSetup, onMessage: (message: FromWorker) => void, onFailure: (error: Error) => void) {
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';
    this.thread = new Worker(new URL(file, import.meta.url), {
      workerData: setup,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEBIBYTES, maxYoungGenerationSizeMb: YOUNG_MEBIBYTES },
    });
    this.thread.on('message', onMessage);
    this.thread.on('error', onFailure);
    this.exited = new Promise((resolve) => {
      this.thread.once('exit', () => {
        if (!this.closing) onFailure(new Error('an ingest worker ended by itself'));
        resolve();
      });
    });
  }

  post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.thread.postMessage(message, transfer);
  }

  /** Has it end; by force when it does not. */
  async close(): Promise<void> {
    this.closing = true;
    this.post({ type: 'close' });
    const timer = setTimeout(() => void this.thread.terminate(), CLOSE_MILLISECONDS);
    await this.exited;
    clearTimeout(timer);
  }
}

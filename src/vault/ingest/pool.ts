import { Worker } from 'node:worker_threads';
import type { ChecksumName } from '../../kernels/checksum.ts';
import { NightdropError, RsyncExit } from '../../lib/errors.ts';
import type { PackRecord } from '../../repository/blob.ts';
import type { CommitResult, SnapshotMeta } from '../commit.ts';
import { NO_BLOBS } from '../entry.ts';
import {
  type Basis,
  type Batch,
  type Done,
  type FromWorker,
  Op,
  type PrepareResult,
  type ToWorker,
  type WorkerSetup,
} from './messages.ts';

const BATCH_BYTES = 512 * 1024;
/** Batches that are with the workers, in all, before the client has to wait. */
const MOST_BATCHES = 6;
/** Batches waiting at the workers from which on another one is worth starting. */
const BUSY_BATCHES = 2;
/** Operations of a batch: empty files have no bytes. */
const MOST_OPS = 40_000;
const HEAP_MEBIBYTES = 192;
const YOUNG_MEBIBYTES = 8;

export interface PoolOptions extends WorkerSetup {
  workers: number;
  /** told of every pack when it is durable */
  onPack: (pack: PackRecord) => void;
}

export interface OpenFile {
  /** bytes announced */
  size: number;
  /** stored content that copies refer to */
  basis?: Basis;
  /** recompute the whole-file digest also when parts are copied */
  verify: boolean;
  /** of the sums to be made of the new content; 0: none */
  blockLength: number;
  onSums?: (records: Buffer) => void;
}

export interface FileResult {
  ok: boolean;
  /** why not */
  reason: string;
  /** whether asking for the content again may help */
  retry: boolean;
  blobs: Buffer;
  size: number;
  literalBytes: number;
  matchedBytes: number;
  /** separate stretches of literal bytes */
  literalRuns: number;
}

/** One file's content on its way in. */
export interface FileSink {
  /** The bytes are copied. */
  write(bytes: Buffer): void;
  /** A matched stretch of the basis. */
  copy(offset: number, length: number): void;
  /** @param digest of the whole file, as the client computed it */
  end(digest: Buffer): Promise<FileResult>;
  /** The client went away: what came is kept as it is. */
  endPartial(): Promise<FileResult>;
  abort(): void;
}

interface PendingFile {
  onSums: ((records: Buffer) => void) | undefined;
  resolve: (result: FileResult) => void;
  reject: (error: Error) => void;
}

interface PoolWorker {
  thread: Worker;
  inFlight: number;
}

/**
 * The ingest workers of one push, seen from the protocol thread. Content is gathered into batches, so that a message
 * carries many small files; a file stays with one worker. Only the workers hold the repository's key.
 */
export class IngestPool {
  private readonly options: PoolOptions;
  private readonly workers: PoolWorker[] = [];
  private readonly files = new Map<number, PendingFile>();
  private readonly requests = new Map<
    number,
    { resolve: (value: never) => void; reject: (error: Error) => void; onRecords?: (records: Buffer) => void }
  >();
  private readonly spare: ArrayBuffer[] = [];
  private readonly waiting: (() => void)[] = [];
  private nextId = 1;
  private current: PoolWorker;
  private batch: Batch | undefined;
  private bytes: Buffer = NO_BLOBS;
  private filled = 0;
  private inFlight = 0;
  private flushScheduled = false;
  private failure: Error | undefined;
  private closing = false;

  constructor(options: PoolOptions) {
    this.options = options;
    this.current = this.startWorker();
  }

  openFile(file: OpenFile): FileSink {
    const id = this.nextId++;
    if (this.batch === undefined) this.current = this.leastBusy();
    this.operation(Op.open, id, file.size, file.verify ? 1 : 0, file.blockLength, this.addBasis(file.basis));
    const ended = (code: number, from: number, to: number): Promise<FileResult> => {
      if (this.failure !== undefined) return Promise.reject(this.failure);
      return new Promise((resolve, reject) => {
        this.files.set(id, { onSums: file.onSums, resolve, reject });
        if (code === Op.end) this.operation(code, id, from, to);
        else this.operation(code, id);
      });
    };
    // sums may come before the end
    if (file.onSums !== undefined) this.files.set(id, { onSums: file.onSums, resolve: () => {}, reject: () => {} });
    return {
      write: (bytes) => this.write(id, bytes),
      copy: (offset, length) => this.operation(Op.copy, id, offset, length),
      end: (digest) => {
        const from = this.reserve(digest.length);
        digest.copy(this.bytes, from);
        return ended(Op.end, from, from + digest.length);
      },
      endPartial: () => ended(Op.endPartial, 0, 0),
      abort: () => {
        this.files.delete(id);
        this.operation(Op.abort, id);
      },
    };
  }

  /** undefined while there is room for more content; else a promise for when there is. */
  room(): Promise<void> | undefined {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (this.inFlight < MOST_BATCHES) return undefined;
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Sums of stored content, read once: after a rebuild, or for another checksum. */
  async computeSums(o: {
    blobs: Buffer;
    size: number;
    blockLength: number;
    onSums: (records: Buffer) => void;
  }): Promise<void> {
    const blobs = Buffer.from(o.blobs);
    await this.request<undefined>(
      this.leastBusy(),
      (request) => ({ type: 'sums', request, blobs, size: o.size, blockLength: o.blockLength }),
      o.onSums,
    );
  }

  /** Whole-file digest of stored content. */
  async computeDigest(o: { blobs: Buffer; algorithm: ChecksumName }): Promise<Buffer> {
    const blobs = Buffer.from(o.blobs);
    return Buffer.from(
      await this.request<Buffer>(this.leastBusy(), (request) => ({
        type: 'digest',
        request,
        blobs,
        algorithm: o.algorithm,
      })),
    );
  }

  /** Makes sure that the state is the repository's: rebuilds or recovers it where it is not. Before the state is opened. */
  prepare(): Promise<PrepareResult> {
    return this.request<PrepareResult>(this.workers[0], (request) => ({ type: 'prepare', request }));
  }

  /** Resolves when every file that has ended lies in durable packs, all of them told of. */
  async flush(): Promise<void> {
    this.post();
    await Promise.all(
      this.workers.map((worker) => this.request<undefined>(worker, (request) => ({ type: 'flush', request }))),
    );
  }

  /** Writes trees and snapshot of the state as it was checkpointed; nothing may be written to it meanwhile. */
  commit(meta: SnapshotMeta): Promise<CommitResult> {
    return this.request<CommitResult>(this.workers[0], (request) => ({ type: 'commit', request, meta }));
  }

  async close(): Promise<void> {
    this.closing = true;
    await Promise.all(
      this.workers.map(({ thread }) => {
        const exited = new Promise((resolve) => thread.once('exit', resolve));
        thread.postMessage({ type: 'close' } satisfies ToWorker);
        return exited;
      }),
    );
  }

  private write(id: number, bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.filled === BATCH_BYTES) this.post();
      this.ensureBatch();
      const copied = bytes.copy(this.bytes, this.filled, at, at + BATCH_BYTES - this.filled);
      const from = this.filled;
      this.filled += copied;
      at += copied;
      this.operation(Op.data, id, from, this.filled);
    }
  }

  private reserve(length: number): number {
    if (this.filled + length > BATCH_BYTES) this.post();
    this.ensureBatch();
    this.filled += length;
    return this.filled - length;
  }

  private addBasis(basis: Basis | undefined): number {
    if (basis === undefined) return -1;
    // a copy of its own: a view would take along the memory it is a view of
    return (
      this.ensureBatch().bases.push({
        blobs: Buffer.from(Uint8Array.prototype.slice.call(basis.blobs).buffer),
        size: basis.size,
      }) - 1
    );
  }

  private operation(...numbers: number[]): void {
    const { ops } = this.ensureBatch();
    for (const n of numbers) ops.push(n);
    if (ops.length > MOST_OPS) this.post();
    else if (!this.flushScheduled) this.scheduleFlush();
  }

  private ensureBatch(): Batch {
    if (this.batch === undefined) {
      const buffer = this.spare.pop() ?? new ArrayBuffer(BATCH_BYTES);
      this.batch = { buffer, ops: [], bases: [] };
      this.bytes = Buffer.from(buffer);
      this.filled = 0;
    }
    return this.batch;
  }

  /** A batch that is not full leaves when its worker has nothing else to do. */
  private scheduleFlush(): void {
    this.flushScheduled = true;
    setImmediate(() => {
      this.flushScheduled = false;
      if (this.current.inFlight === 0) this.post();
    });
  }

  private post(): void {
    const { batch, current } = this;
    if (batch === undefined || batch.ops.length === 0) return;
    this.batch = undefined;
    this.filled = 0;
    this.inFlight++;
    current.inFlight++;
    current.thread.postMessage({ type: 'batch', batch } satisfies ToWorker, [batch.buffer]);
  }

  private leastBusy(): PoolWorker {
    let least = this.workers[0];
    for (const worker of this.workers) if (worker.inFlight < least.inFlight) least = worker;
    if (least.inFlight >= BUSY_BATCHES && this.workers.length < this.options.workers) least = this.startWorker();
    return least;
  }

  private startWorker(): PoolWorker {
    const { vaultDir, vault, kind, digest } = this.options;
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';
    const thread = new Worker(new URL(file, import.meta.url), {
      workerData: { vaultDir, vault, kind, digest } satisfies WorkerSetup,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEBIBYTES, maxYoungGenerationSizeMb: YOUNG_MEBIBYTES },
    });
    const worker: PoolWorker = { thread, inFlight: 0 };
    thread.on('message', (message: FromWorker) => this.receive(worker, message));
    thread.on('error', (error) => this.fail(error as Error));
    thread.on('exit', () => {
      if (!this.closing)
        this.fail(
          new NightdropError('ERR_INGEST', 'an ingest worker ended by itself; the log has more', {
            rsyncExit: RsyncExit.fileIo,
          }),
        );
    });
    this.workers.push(worker);
    return worker;
  }

  private request<T>(
    worker: PoolWorker,
    message: (request: number) => ToWorker,
    onRecords?: (records: Buffer) => void,
  ): Promise<T> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const request = this.nextId++;
    return new Promise<T>((resolve, reject) => {
      this.requests.set(request, { resolve: resolve as (value: never) => void, reject, onRecords });
      worker.thread.postMessage(message(request));
    });
  }

  private receive(worker: PoolWorker, message: FromWorker): void {
    if (message.type === 'done') this.done(worker, message);
    else if (message.type === 'pack') this.options.onPack(revivePack(message.pack));
    else if (message.type === 'records') this.requests.get(message.request)?.onRecords?.(Buffer.from(message.records));
    else if (message.type === 'answer') {
      this.requests.get(message.request)?.resolve(message.value as never);
      this.requests.delete(message.request);
    } else {
      const error = new NightdropError(message.code, message.message, { rsyncExit: RsyncExit.fileIo });
      if (message.request === undefined) {
        this.fail(error);
        return;
      }
      this.requests.get(message.request)?.reject(error);
      this.requests.delete(message.request);
    }
  }

  private done(worker: PoolWorker, { buffer, bytes, ends, sums }: Done): void {
    worker.inFlight--;
    this.inFlight--;
    this.spare.push(buffer);
    for (let i = 0; i < sums.length; i += 3)
      this.files.get(sums[i])?.onSums?.(Buffer.from(bytes, sums[i + 1], sums[i + 2] - sums[i + 1]));
    for (const end of ends) {
      const file = this.files.get(end.id);
      this.files.delete(end.id);
      file?.resolve({ ...end, blobs: Buffer.from(bytes, end.blobsFrom, end.blobsTo - end.blobsFrom) });
    }
    if (this.current === worker && worker.inFlight === 0) this.post();
    if (this.inFlight < MOST_BATCHES) for (const resolve of this.waiting.splice(0)) resolve();
  }

  /** A worker cannot go on: everything that waits for one fails. */
  private fail(error: Error): void {
    this.failure ??= error;
    for (const file of this.files.values()) file.reject(this.failure);
    for (const request of this.requests.values()) request.reject(this.failure);
    this.files.clear();
    this.requests.clear();
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

/** Structured clone makes plain Uint8Arrays of Buffers. */
function revivePack(pack: PackRecord): PackRecord {
  return {
    ...pack,
    id: Buffer.from(pack.id),
    blobs: pack.blobs.map((blob) => ({ ...blob, id: Buffer.from(blob.id) })),
  };
}

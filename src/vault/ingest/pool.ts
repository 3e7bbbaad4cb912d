import type { ChecksumName } from '../../kernels/checksum.ts';
import type { CommitResult, SnapshotMeta } from '../commit.ts';
import { type FileEnd, readPart } from './answer.ts';
import { Crew, workerError } from './crew.ts';
import type { FileSink, OpenFile, PoolOptions } from './file-sink.ts';
import { type FromWorker, Op, type Part, type PrepareResult, type Stretch, type ToWorker } from './messages.ts';
import { decodePack } from './pack-codec.ts';
import { PoolFile } from './pool-file.ts';
import type { PoolWorker } from './pool-worker.ts';

export type { Basis, FileResult, FileSink, OpenFile, PoolOptions } from './file-sink.ts';

interface PendingRequest {
  resolve: (value: never) => void;
  reject: (error: Error) => void;
  onSums: ((records: Buffer) => void) | undefined;
}

/**
 * The ingest workers of one push, seen from the protocol thread. Content is gathered into batches, so that a message
 * carries many small files; a file stays with one worker. Only the workers hold the repository's key.
 */
export class IngestPool {
  private readonly options: PoolOptions;
  private readonly crew: Crew;
  private readonly files: Map<number, PoolFile> = new Map();
  private readonly requests = new Map<number, PendingRequest>();
  private nextId = 1;
  private failure: Error | undefined;
  private closed: Promise<void> | undefined;

  constructor(options: PoolOptions) {
    const { vaultDir, vault, kind, digest, digestSeed, workers } = options;
    this.options = options;
    this.crew = new Crew({
      setup: { vaultDir, vault, kind, digest, digestSeed },
      most: workers,
      onMessage: (worker, message) => this.receive(worker, message),
      onFailure: (error) =>
        this.fail(workerError('ERR_INGEST', `an ingest worker failed: ${error.message}`, { cause: error })),
    });
  }

  openFile(file: OpenFile): FileSink {
    const { crew } = this;
    const { size, verify, blockLength, basis, onSums } = file;
    const id = this.nextId++;
    const worker = crew.workerFor(size);
    crew.operation(worker, Op.open, id, size, verify ? 1 : 0, blockLength, basis?.size ?? -1, basis?.blockLength ?? 0);
    if (basis !== undefined) crew.data(worker, Op.basis, id, basis.blobs);
    const open = new PoolFile(crew, worker, id, onSums, (stretches) => this.readBasis(worker, id, stretches));
    if (this.failure === undefined) this.files.set(id, open);
    else open.reject(this.failure);
    return open;
  }

  /** undefined while there is room for more content; else a promise for when there is. Rejects when a worker has failed. */
  room(): Promise<void> | undefined {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return this.crew.room()?.then(() => {
      if (this.failure !== undefined) throw this.failure;
    });
  }

  /** Sums of stored content, by reading it once: after a rebuild, or for another checksum. */
  async computeSums(o: {
    blobs: Buffer;
    size: number;
    blockLength: number;
    onSums: (records: Buffer) => void;
  }): Promise<{ count: number }> {
    const { size, blockLength, onSums } = o;
    const blobs = own(o.blobs);
    await this.request<undefined>(
      this.crew.leastBusy(),
      (request) => ({ type: 'sums', request, blobs, blockLength }),
      onSums,
    );
    return { count: Math.ceil(size / blockLength) };
  }

  /** Whole-file digest of stored content. */
  async computeDigest(o: { blobs: Buffer; algorithm: ChecksumName }): Promise<Buffer> {
    const { algorithm } = o;
    const blobs = own(o.blobs);
    const digest = await this.request<Uint8Array>(this.crew.leastBusy(), (request) => ({
      type: 'digest',
      request,
      blobs,
      algorithm,
    }));
    return Buffer.from(digest);
  }

  /**
   * Content of a small stored file. It is for the filter, whose merge files are read where they are stored, and never goes to
   * the socket. Together with FileSink.readBasis these are the ways by which content comes back into the protocol thread.
   *
   * @param most bytes; longer content is an error
   */
  async readSmall(o: { blobs: Buffer; most: number }): Promise<Buffer> {
    const { most } = o;
    const blobs = own(o.blobs);
    const content = await this.request<Uint8Array>(this.crew.leastBusy(), (request) => ({
      type: 'content',
      request,
      blobs,
      most,
    }));
    return Buffer.from(content.buffer, content.byteOffset, content.length);
  }

  /** Makes sure that the state is the repository's: rebuilds or recovers it where it is not. Before the state is opened. */
  prepare(): Promise<PrepareResult> {
    return this.request<PrepareResult>(this.crew.workers[0], (request) => ({ type: 'prepare', request }));
  }

  /** Resolves when every file that has ended lies in durable packs, all of them told of. */
  async flush(): Promise<void> {
    const { crew } = this;
    for (const worker of crew.workers) crew.post(worker);
    await Promise.all(
      crew.workers.map((worker) => this.request<undefined>(worker, (request) => ({ type: 'flush', request }))),
    );
  }

  /** Writes trees and snapshot of the state as it was checkpointed; nothing may be written to it meanwhile. */
  commit(meta: SnapshotMeta): Promise<CommitResult> {
    return this.request<CommitResult>(this.crew.workers[0], (request) => ({ type: 'commit', request, meta }));
  }

  /** What is under way is given up. Resolves when the threads have ended. */
  close(): Promise<void> {
    this.closed ??= this.crew.close().then(() => this.fail(workerError('ERR_INGEST', 'the push has ended')));
    return this.closed;
  }

  /** What was gathered for the worker goes first: it holds the file's basis. */
  private async readBasis(worker: PoolWorker, file: number, ranges: Stretch[]): Promise<Buffer> {
    this.crew.post(worker);
    const bytes = await this.request<Uint8Array>(worker, (request) => ({ type: 'basis', request, file, ranges }));
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  private request<T>(
    worker: PoolWorker,
    message: (request: number) => ToWorker,
    onSums?: (records: Buffer) => void,
  ): Promise<T> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const request = this.nextId++;
    return new Promise<T>((resolve, reject) => {
      this.requests.set(request, { resolve: resolve as (value: never) => void, reject, onSums });
      worker.post(message(request));
    });
  }

  /** What is told of is written into the state at once: when that fails, so does the push. */
  private receive(worker: PoolWorker, message: FromWorker): void {
    try {
      this.handle(worker, message);
    } catch (error) {
      this.fail(error as Error);
    }
  }

  private handle(worker: PoolWorker, message: FromWorker): void {
    switch (message.type) {
      case 'pack':
        this.options.onPack(decodePack(message.pack));
        break;
      case 'damaged':
        this.distrust(worker, Buffer.from(message.ids));
        break;
      case 'part':
        this.take(message.part);
        break;
      case 'done':
        this.take(message.part);
        this.crew.done(worker, message.buffer);
        break;
      case 'answer':
        this.requests.get(message.request)?.resolve(message.value as never);
        this.requests.delete(message.request);
        break;
      case 'failed':
        this.failed(message.request, workerError(message.code, message.message, { forClient: message.forClient }));
    }
  }

  private failed(request: number | undefined, error: Error): void {
    if (request === undefined) {
      this.fail(error);
      return;
    }
    this.requests.get(request)?.reject(error);
    this.requests.delete(request);
  }

  private take(part: Part): void {
    readPart(
      part,
      (id, records) => (this.files.get(id) ?? this.requests.get(id))?.onSums?.(records),
      (end) => this.settle(end),
    );
  }

  /** Whichever worker gets the content when it comes again has to store it. */
  private distrust(finder: PoolWorker, ids: Buffer): void {
    this.crew.tellAll({ type: 'distrust', ids }, finder);
    this.options.onDamaged?.(ids);
  }

  private settle({ id, failure, ...numbers }: FileEnd): void {
    const file = this.files.get(id);
    this.files.delete(id);
    file?.resolve({
      ...numbers,
      ok: failure === undefined,
      reason: failure?.reason ?? '',
      retry: failure?.retry ?? false,
      damaged: Buffer.from(failure?.damaged ?? []),
    });
  }

  /** Nothing can go on: everything that waits fails. */
  private fail(error: Error): void {
    this.failure ??= error;
    this.crew.stop();
    for (const file of this.files.values()) file.reject(this.failure);
    for (const request of this.requests.values()) request.reject(this.failure);
    this.files.clear();
    this.requests.clear();
  }
}

/** In memory of its own: a view would take along all it is a view of. */
function own(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

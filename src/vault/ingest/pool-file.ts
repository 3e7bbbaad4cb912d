import type { Crew } from './crew.ts';
import type { FileResult, FileSink } from './file-sink.ts';
import { Op, type Stretch } from './messages.ts';
import type { PoolWorker } from './pool-worker.ts';

/** A file on its way to its worker. */
export class PoolFile implements FileSink {
  readonly onSums: ((records: Buffer) => void) | undefined;
  private readonly crew: Crew;
  private readonly worker: PoolWorker;
  private readonly id: number;
  private readonly ask: (stretches: Stretch[]) => Promise<Buffer>;
  private waiting: PromiseWithResolvers<FileResult> | undefined;
  private failure: Error | undefined;

  constructor(
    crew: Crew,
    worker: PoolWorker,
    id: number,
    onSums: ((records: Buffer) => void) | undefined,
    ask: (stretches: Stretch[]) => Promise<Buffer>,
  ) {
    this.crew = crew;
    this.worker = worker;
    this.id = id;
    this.onSums = onSums;
    this.ask = ask;
  }

  write(bytes: Buffer): void {
    this.crew.data(this.worker, Op.data, this.id, bytes);
  }

  copy(offset: number, length: number): void {
    this.crew.copy(this.worker, this.id, offset, length);
  }

  readBasis(stretches: Stretch[]): Promise<Buffer> {
    return this.ask(stretches);
  }

  end(digest: Buffer): Promise<FileResult> {
    this.crew.whole(this.worker, Op.end, this.id, digest);
    return this.result();
  }

  endPartial(): Promise<FileResult> {
    this.crew.operation(this.worker, Op.endPartial, this.id);
    return this.result();
  }

  abort(): void {
    this.crew.operation(this.worker, Op.abort, this.id);
  }

  /** What became of it. */
  resolve(result: FileResult): void {
    this.waiting?.resolve(result);
  }

  /** Nothing becomes of it. */
  reject(error: Error): void {
    this.failure = error;
    this.waiting?.reject(error);
  }

  private result(): Promise<FileResult> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.waiting = Promise.withResolvers();
    return this.waiting.promise;
  }
}

import { BlockSummer, BlockSums } from '../../kernels/block-sums.ts';
import { type ChecksumName, createDigest } from '../../kernels/checksum.ts';
import { gearTable } from '../../kernels/chunker.ts';
import { RepositoryDamagedError } from '../../repository/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import type { VaultLayout } from '../layout.ts';
import { StateStore } from '../state/store.ts';
import { BasisContent } from './basis.ts';
import { BlobSink } from './blob-sink.ts';
import { FileStream } from './file-stream.ts';
import { type Basis, type Batch, type FileEnd, type FromWorker, Op, type WorkerSetup } from './messages.ts';

type Post = (message: FromWorker, transfer?: ArrayBuffer[]) => void;

interface OpenStream {
  stream: FileStream;
  verify: boolean;
  /** the first thing that went wrong; what follows of the file is passed over */
  failure: Error | undefined;
}

/** Works batches off: one stream at a time grows, and what has ended is told with the batch's answer. */
export class Ingest {
  private readonly repository: Repository;
  private readonly store: StateStore;
  private readonly sink: BlobSink;
  private readonly gear: Int32Array;
  private readonly sums: BlockSums;
  private readonly digest;
  private readonly post: Post;
  private readonly streams = new Map<number, OpenStream>();
  private answer = new Answer();

  private constructor(
    repository: Repository,
    store: StateStore,
    sums: BlockSums,
    digest: Awaited<ReturnType<typeof createDigest>>,
    post: Post,
  ) {
    this.repository = repository;
    this.store = store;
    this.sums = sums;
    this.digest = digest;
    this.post = post;
    this.gear = gearTable(repository.config.chunker_polynomial + repository.config.id);
    this.sink = new BlobSink(repository, store, (pack) => post({ type: 'pack', pack }));
  }

  static async open(repository: Repository, layout: VaultLayout, setup: WorkerSetup, post: Post): Promise<Ingest> {
    const [sums, digest] = await Promise.all([BlockSums.create(setup.kind), createDigest(setup.digest)]);
    return new Ingest(repository, StateStore.open(layout.stateFile, { readOnly: true }), sums, digest, post);
  }

  async batch({ buffer, ops, bases }: Batch): Promise<void> {
    const bytes = Buffer.from(buffer);
    this.answer = new Answer();
    for (let i = 0; i < ops.length; ) {
      const id = ops[i + 1];
      switch (ops[i]) {
        case Op.open:
          this.open(id, ops[i + 3] === 1, ops[i + 4], ops[i + 5] < 0 ? undefined : bases[ops[i + 5]]);
          i += 6;
          break;
        case Op.data:
          await this.guard(id, (s) => s.write(bytes.subarray(ops[i + 2], ops[i + 3])));
          i += 4;
          break;
        case Op.copy:
          await this.guard(id, (s) => s.copy(ops[i + 2], ops[i + 3]));
          i += 4;
          break;
        case Op.end:
          await this.end(id, bytes.subarray(ops[i + 2], ops[i + 3]));
          i += 4;
          break;
        case Op.endPartial:
          await this.end(id, undefined);
          i += 2;
          break;
        default:
          this.streams.delete(id);
          i += 2;
      }
    }
    const { bytes: answerBytes, ends, sums } = this.answer.take();
    this.post({ type: 'done', buffer, bytes: answerBytes, ends, sums }, [buffer, answerBytes]);
  }

  /** Sums of stored content, by reading it. */
  async computeSums(blobs: Buffer, blockLength: number, onRecords: (records: Buffer) => void): Promise<void> {
    const summer = new BlockSummer(this.sums, blockLength, onRecords);
    for await (const plain of this.readContent(blobs)) summer.update(plain);
    summer.end();
  }

  async computeDigest(blobs: Buffer, algorithm: ChecksumName): Promise<Buffer> {
    const digest = await createDigest(algorithm);
    digest.reset();
    for await (const plain of this.readContent(blobs)) digest.update(plain);
    return digest.digest();
  }

  /** Everything that has ended is durable when this resolves. */
  flush(): Promise<void> {
    return this.sink.flush();
  }

  async close(): Promise<void> {
    await this.sink.abort();
    this.store.close();
  }

  private async *readContent(blobs: Buffer): AsyncGenerator<Buffer> {
    const content = new BasisContent(this.repository, this.store, Buffer.from(blobs));
    for (let i = 0; i < content.blobs.length; i++) yield await content.load(i);
  }

  private open(id: number, verify: boolean, blockLength: number, basis: Basis | undefined): void {
    let content: BasisContent | undefined;
    let failure: Error | undefined;
    try {
      content = basis && new BasisContent(this.repository, this.store, Buffer.from(basis.blobs));
    } catch (error) {
      failure = error as Error;
    }
    const sums =
      blockLength === 0
        ? undefined
        : { machine: this.sums, blockLength, onRecords: (records: Buffer) => this.answer.addSums(id, records) };
    const stream = new FileStream({
      sink: this.sink,
      gear: this.gear,
      digest: this.digest,
      sums,
      basis: content,
      verify,
    });
    this.streams.set(id, { stream, verify, failure });
  }

  /** A damaged basis spoils one file, which is asked for again; whatever else goes wrong ends the push. */
  private async guard(id: number, step: (stream: FileStream) => Promise<void>): Promise<void> {
    const open = this.streams.get(id);
    if (open === undefined || open.failure !== undefined) return;
    try {
      await step(open.stream);
    } catch (error) {
      if (!(error instanceof RepositoryDamagedError) && !(error instanceof RangeError)) throw error;
      open.failure = error;
    }
  }

  /** @param expected the client's digest; undefined: the file was cut short */
  private async end(id: number, expected: Buffer | undefined): Promise<void> {
    let blobs: Buffer = Buffer.alloc(0);
    await this.guard(id, async (stream) => {
      blobs = await stream.end(expected === undefined);
    });
    const open = this.streams.get(id);
    this.streams.delete(id);
    if (open === undefined) return;
    const { stream, failure } = open;
    const verdict =
      failure === undefined
        ? judge(stream, expected)
        : `the stored content it is built from cannot be read: ${failure.message}`;
    const { size, literalBytes, matchedBytes, literalRuns } = stream;
    this.answer.addEnd(
      { id, ok: verdict === '', reason: verdict, retry: true, size, literalBytes, matchedBytes, literalRuns },
      blobs,
    );
  }
}

/** '' when the file is what the client has. */
function judge(stream: FileStream, expected: Buffer | undefined): string {
  if (expected === undefined) return '';
  // a client that could not read its file to the end sends zeros: all of them, or all but a last 1 where that would be right
  if (isFailureMark(expected)) return 'the client could not read all of it';
  if (stream.digestIsKnown && !stream.digest().equals(expected))
    return 'its checksum is not the one the client computed';
  return '';
}

function isFailureMark(digest: Buffer): boolean {
  return digest.subarray(0, -1).every((b) => b === 0) && digest[digest.length - 1] <= 1;
}

/** Gathers what a batch's answer carries in one piece of memory, so that it is moved, not copied. */
class Answer {
  private parts: Buffer[] = [];
  private length = 0;
  private readonly ends: FileEnd[] = [];
  private readonly sums: number[] = [];

  addSums(id: number, records: Buffer): void {
    this.sums.push(id, this.length, this.length + records.length);
    this.add(records);
  }

  addEnd(end: Omit<FileEnd, 'blobsFrom' | 'blobsTo'>, blobs: Buffer): void {
    this.ends.push({ ...end, blobsFrom: this.length, blobsTo: this.length + blobs.length });
    this.add(blobs);
  }

  take(): { bytes: ArrayBuffer; ends: FileEnd[]; sums: number[] } {
    const bytes = new ArrayBuffer(this.length);
    const target = Buffer.from(bytes);
    let at = 0;
    for (const part of this.parts) at += part.copy(target, at);
    return { bytes, ends: this.ends, sums: this.sums };
  }

  private add(bytes: Buffer): void {
    this.parts.push(bytes);
    this.length += bytes.length;
  }
}

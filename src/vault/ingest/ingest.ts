import { BlockSummer, BlockSums } from '../../kernels/block-sums.ts';
import { type ChecksumName, createDigest, type Digest } from '../../kernels/checksum.ts';
import { gearTable } from '../../kernels/chunker.ts';
import { NightdropError } from '../../lib/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import { ID_BYTES } from '../content.ts';
import type { VaultLayout } from '../layout.ts';
import { StateStore } from '../state/store.ts';
import { Answer } from './answer.ts';
import { Assembly, ChunkBuffer } from './assembly.ts';
import { BasisContent } from './basis.ts';
import { BasisBlobs, BasisDamagedError } from './basis-blobs.ts';
import { BlobSink } from './blob-sink.ts';
import { CachedRecords } from './cached-records.ts';
import { FileStream } from './file-stream.ts';
import {
  type Batch,
  type FileFailure,
  type FromWorker,
  OP_LENGTHS,
  Op,
  type Stretch,
  type WorkerSetup,
} from './messages.ts';
import { NewSums } from './new-sums.ts';
import { encodePack } from './pack-codec.ts';
import { failureOf, judge } from './verdict.ts';

type Post = (message: FromWorker, transfer?: ArrayBuffer[]) => void;

const NOTHING = new Uint8Array();
/** What a decompressor's window holds. */
const MOST_BASIS_BYTES = 32 * 1024;

/** What the client sends with a file before its content. */
interface Announced {
  size: number;
  verify: boolean;
  blockLength: number;
  /** -1: no basis */
  basisSize: number;
  basisBlockLength: number;
}

interface OpenFile {
  announced: Announced;
  /** the basis's blob IDs, until the first byte of content */
  basisIds: Buffer[];
  digest: Digest;
  buffer: ChunkBuffer;
  /** made with the first byte of content */
  stream: FileStream | undefined;
  /** the first thing that went wrong; what follows of the file is passed over */
  failure: FileFailure | undefined;
}

/** Works batches off: file after file grows, and what has ended is told with the batch's answer. */
export class Ingest {
  private readonly setup: WorkerSetup;
  private readonly store: StateStore;
  private readonly sink: BlobSink;
  private readonly blobs: BasisBlobs;
  private readonly gear: Int32Array;
  private readonly sums: BlockSums;
  private readonly post: Post;
  private readonly files = new Map<number, OpenFile>();
  /** for the next file: most often only one is open at a time */
  private readonly spareDigests: Digest[] = [];
  private readonly spareBuffers: ChunkBuffer[] = [];
  private readonly answer = new Answer();
  private stopped = false;

  private constructor(repository: Repository, store: StateStore, setup: WorkerSetup, sums: BlockSums, post: Post) {
    this.setup = setup;
    this.store = store;
    this.sums = sums;
    this.post = post;
    this.gear = gearTable(repository.config.chunker_polynomial + repository.config.id);
    this.blobs = new BasisBlobs(repository);
    this.sink = new BlobSink(repository, store, (pack) => {
      const packed = encodePack(pack);
      post({ type: 'pack', pack: packed }, [packed.blobs]);
    });
  }

  static async open(repository: Repository, layout: VaultLayout, setup: WorkerSetup, post: Post): Promise<Ingest> {
    const sums = await BlockSums.create(setup.kind);
    return new Ingest(repository, StateStore.open(layout.stateFile, { readOnly: true }), setup, sums, post);
  }

  async batch({ buffer, ops }: Batch): Promise<void> {
    const bytes = Buffer.from(buffer);
    for (let i = 0; i < ops.length && !this.stopped; i += OP_LENGTHS[ops[i]]) {
      try {
        const wait = this.perform(ops, i, bytes);
        if (wait !== undefined) await wait;
      } catch (error) {
        await this.spoil(ops[i + 1], error, ops[i] === Op.end || ops[i] === Op.endPartial);
      }
      if (this.answer.full) this.postPart();
    }
    const part = this.answer.take();
    this.post({ type: 'done', part, buffer }, [buffer, part.bytes]);
  }

  /** Sums of stored content, by reading it. */
  async computeSums(request: number, ids: Buffer, blockLength: number): Promise<void> {
    const summer = new BlockSummer(this.sums, blockLength, (records) => this.answer.addSums(request, records));
    await this.readContent(ids, (bytes) => {
      summer.update(bytes);
      if (this.answer.full) this.postPart();
    });
    summer.end();
    this.postPart();
  }

  async computeDigest(ids: Buffer, algorithm: ChecksumName): Promise<Buffer> {
    const digest = await createDigest(algorithm);
    await this.readContent(ids, (bytes) => digest.update(bytes));
    return digest.digest();
  }

  /** Stored content of `most` bytes at most. */
  async readSmall(ids: Buffer, most: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let length = 0;
    await this.readContent(ids, (bytes) => {
      length += bytes.length;
      if (length > most) throw new NightdropError('ERR_TOO_LONG', `stored content has more than ${most} bytes`);
      pieces.push(bytes);
    });
    // in memory of its own: the rest of a shared piece would go along
    const content = Buffer.allocUnsafeSlow(length);
    for (let i = 0, at = 0; i < pieces.length; i++) at += pieces[i].copy(content, at);
    return content;
  }

  /** Bytes of what an open file is built from; zeros where they cannot be read, which spoils the file. */
  async readBasis(id: number, stretches: Stretch[]): Promise<Buffer> {
    const length = stretches.reduce((sum, stretch) => sum + stretch.length, 0);
    if (length > MOST_BASIS_BYTES) throw new RangeError('more bytes of a basis are wanted than a window holds');
    const bytes = Buffer.alloc(length);
    const file = this.files.get(id);
    if (file === undefined || file.failure !== undefined) return bytes;
    try {
      let at = 0;
      await this.streamOf(id, file).readBasis(stretches, (piece) => {
        at += piece.copy(bytes, at);
      });
    } catch (error) {
      await this.spoil(id, error, false);
    }
    return bytes;
  }

  /** Blobs that are stored but cannot be read: when they come again they are stored again. */
  distrust(ids: Uint8Array): void {
    for (let at = 0; at < ids.length; at += ID_BYTES) this.sink.distrust(Buffer.from(ids.subarray(at, at + ID_BYTES)));
  }

  /** Everything that has ended is durable when this resolves. */
  flush(): Promise<void> {
    return this.sink.flush();
  }

  /** What is under way ends soon, with nothing to show for it. */
  stop(): void {
    this.stopped = true;
    this.blobs.stop();
  }

  async close(): Promise<void> {
    await this.sink.abort();
    this.store.close();
  }

  private async readContent(ids: Buffer, take: (bytes: Buffer) => void): Promise<void> {
    let at = 0;
    try {
      const content = new BasisContent(this.blobs, this.store, ids);
      for (; at < content.count && !this.stopped; at++) take(await content.load(at));
    } catch (error) {
      await this.reportDamage(failureOf(error)?.damaged ?? NOTHING, ids.subarray(at * ID_BYTES));
      throw error;
    }
  }

  /**
   * The content may come again, to any of the workers, and all of it that cannot be read has to be stored then: not only
   * the blob that was met first.
   *
   * @param rest IDs of blobs that nobody has tried to read yet
   */
  private async reportDamage(first: Uint8Array, rest: Buffer): Promise<void> {
    if (first.length === 0) return;
    const damaged = [first];
    for (let at = 0; at < rest.length && !this.stopped; at += ID_BYTES) {
      const id = rest.subarray(at, at + ID_BYTES);
      if (!id.equals(first) && !(await this.isReadable(id))) damaged.push(id);
    }
    const ids = Uint8Array.from(Buffer.concat(damaged));
    this.distrust(ids);
    this.post({ type: 'damaged', ids });
  }

  private async isReadable(id: Buffer): Promise<boolean> {
    const at = this.store.findBlob(id);
    if (at === undefined) return false;
    try {
      await this.blobs.load(at);
      return true;
    } catch (error) {
      if (error instanceof BasisDamagedError) return false;
      throw error;
    }
  }

  /** Carries out the operation at `i`. Hot: no promise where nothing has to be waited for. */
  private perform(ops: Float64Array, i: number, bytes: Buffer): Promise<void> | undefined {
    const id = ops[i + 1];
    const code = ops[i];
    if (code === Op.open)
      return this.open(id, {
        size: ops[i + 2],
        verify: ops[i + 3] === 1,
        blockLength: ops[i + 4],
        basisSize: ops[i + 5],
        basisBlockLength: ops[i + 6],
      });
    const file = this.files.get(id);
    if (file === undefined) return undefined;
    if (code === Op.abort) this.giveUp(id, file);
    else if (code === Op.end) return this.end(id, file, bytes.subarray(ops[i + 2], ops[i + 3]));
    else if (code === Op.endPartial) return this.end(id, file, undefined);
    else if (file.failure !== undefined) return undefined;
    else if (code === Op.basis) file.basisIds.push(Buffer.from(bytes.subarray(ops[i + 2], ops[i + 3])));
    else if (code === Op.data) return this.streamOf(id, file).write(bytes.subarray(ops[i + 2], ops[i + 3]));
    else return this.streamOf(id, file).copy(ops[i + 2], ops[i + 3]);
    return undefined;
  }

  private open(id: number, announced: Announced): Promise<void> | undefined {
    const buffer = this.spareBuffers.pop() ?? new ChunkBuffer();
    const digest = this.spareDigests.pop();
    const add = (ready: Digest) => {
      this.files.set(id, { announced, basisIds: [], digest: ready, buffer, stream: undefined, failure: undefined });
    };
    if (digest === undefined) return createDigest(this.setup.digest, this.setup.digestSeed).then(add);
    add(digest);
    return undefined;
  }

  private streamOf(id: number, file: OpenFile): FileStream {
    file.stream ??= this.begin(id, file);
    return file.stream;
  }

  private begin(id: number, { announced, basisIds, digest, buffer }: OpenFile): FileStream {
    const { size, verify, blockLength, basisSize, basisBlockLength } = announced;
    const { sink, gear } = this;
    let basis: BasisContent | undefined;
    let cached: CachedRecords | undefined;
    if (basisSize >= 0) {
      const ids = Buffer.concat(basisIds);
      basis = new BasisContent(this.blobs, this.store, ids);
      if (basis.size < basisSize) throw new BasisDamagedError('stored content is shorter than its file was', undefined);
      if (blockLength > 0 && blockLength === basisBlockLength)
        cached = CachedRecords.find(this.store, this.setup.kind, ids, blockLength);
    }
    const sums =
      blockLength === 0
        ? undefined
        : new NewSums(this.sums, blockLength, (records) => this.answer.addSums(id, records), cached, basisSize);
    const assembly = new Assembly(sink, gear, buffer, basis);
    return new FileStream({ size, assembly, digest, sums, basis, basisSize, verify });
  }

  /** @param expected the client's digest; undefined: the file was cut off */
  private end(id: number, file: OpenFile, expected: Buffer | undefined): Promise<void> | undefined {
    if (file.failure === undefined) {
      const stream = this.streamOf(id, file);
      const wait = stream.end(expected === undefined);
      if (wait !== undefined) return wait.then(() => this.tellEnd(id, file, stream, expected));
    }
    this.tellEnd(id, file, file.stream, expected);
    return undefined;
  }

  private tellEnd(id: number, file: OpenFile, stream: FileStream | undefined, expected: Buffer | undefined): void {
    const failure = file.failure ?? judge(stream!, expected);
    this.answer.addEnd({
      id,
      failure,
      size: stream?.size ?? 0,
      literalBytes: stream?.literalBytes ?? 0,
      matchedBytes: stream?.matchedBytes ?? 0,
      literalRuns: stream?.literalRuns ?? 0,
      blobs: failure === undefined ? stream!.blobs : Buffer.alloc(0),
    });
    this.give(id, file);
  }

  private giveUp(id: number, file: OpenFile): void {
    file.failure ??= { reason: 'it was given up', retry: false, damaged: NOTHING };
    this.tellEnd(id, file, file.stream, undefined);
  }

  /** The file is over; what it used goes to the next. */
  private give(id: number, file: OpenFile): void {
    this.files.delete(id);
    this.spareDigests.push(file.digest);
    this.spareBuffers.push(file.buffer);
  }

  /** A damaged basis, or nonsense of the client, spoils one file; whatever else goes wrong ends the push. */
  private async spoil(id: number, error: unknown, ending: boolean): Promise<void> {
    const file = this.files.get(id);
    const failure = failureOf(error);
    if (file === undefined || failure === undefined) throw error;
    file.failure = failure;
    await this.reportDamage(failure.damaged, Buffer.concat(file.basisIds));
    if (ending) this.tellEnd(id, file, file.stream, undefined);
  }

  private postPart(): void {
    const part = this.answer.take();
    this.post({ type: 'part', part }, [part.bytes]);
  }
}

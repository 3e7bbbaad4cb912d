import { createHash, type Hash } from 'node:crypto';
import type { Sealer } from '../kernels/aead.ts';
import type { Backend, BackendWriter } from './backend/backend.ts';
import type { BlobType, PackBlob, PackRecord, SealedBlob } from './blob.ts';
import { encodePackHeader } from './pack-header.ts';

/** Bytes gathered before they are written. */
const BUFFER_BYTES = 1 << 20;

/** A pack that is being written: blobs one after another, then the sealed header that lists them. */
export class OpenPack {
  private readonly backend: Backend;
  private readonly sealer: Sealer;
  private readonly type: BlobType;
  private readonly blobs: PackBlob[] = [];
  private readonly hash: Hash = createHash('sha256');
  private readonly buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  private buffered = 0;
  private writer: BackendWriter | undefined;
  /** bytes so far */
  size = 0;

  constructor(backend: Backend, sealer: Sealer, type: BlobType) {
    this.backend = backend;
    this.sealer = sealer;
    this.type = type;
  }

  get count(): number {
    return this.blobs.length;
  }

  /** Copies the blob in; a promise when bytes have to be written first, until when `blob.sealed` must not change. */
  append(blob: SealedBlob): Promise<void> | undefined {
    const { id, sealed, plainLength, compressed } = blob;
    this.blobs.push({ id, type: this.type, offset: this.size, length: sealed.length, plainLength, compressed });
    this.size += sealed.length;
    if (this.buffered + sealed.length > BUFFER_BYTES) return this.makeRoom(sealed);
    this.gather(sealed);
    return undefined;
  }

  /** Writes the header and makes the pack durable. */
  async finish(): Promise<PackRecord> {
    try {
      const header = this.sealer.seal(encodePackHeader(this.blobs));
      const length = Buffer.alloc(4);
      length.writeUInt32LE(header.length);
      await this.flush();
      const tail = Buffer.concat([header, length]);
      const writer = await this.write(tail);
      const id = this.hash.digest();
      await writer.finish(id.toString('hex'));
      return { id, size: this.size + tail.length, blobs: this.blobs };
    } catch (error) {
      await this.abort();
      throw error;
    }
  }

  /** Nothing of it stays. */
  async abort(): Promise<void> {
    await this.writer?.abort();
  }

  private async makeRoom(sealed: Buffer): Promise<void> {
    await this.flush();
    if (sealed.length <= BUFFER_BYTES) this.gather(sealed);
    else await this.write(sealed);
  }

  private gather(sealed: Buffer): void {
    this.buffered += sealed.copy(this.buffer, this.buffered);
  }

  private async flush(): Promise<void> {
    if (this.buffered === 0) return;
    const bytes = this.buffer.subarray(0, this.buffered);
    this.buffered = 0;
    await this.write(bytes);
  }

  private async write(bytes: Buffer): Promise<BackendWriter> {
    this.hash.update(bytes);
    this.writer ??= await this.backend.createWriter('data');
    await this.writer.append(bytes);
    return this.writer;
  }
}

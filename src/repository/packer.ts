/** Packs: blobs one after another, then a sealed header that lists them (docs/repository.md, "Packs"). */
import { createHash, type Hash } from 'node:crypto';
import { SEAL_OVERHEAD, type Sealer } from '../kernels/aead.ts';
import type { Backend, BackendWriter } from './backend/backend.ts';
import type { BlobType, PackBlob, PackRecord, SealedBlob } from './blob.ts';
import { RepositoryDamagedError } from './errors.ts';

/** A pack is finished when it has grown to this. */
const PACK_BYTES = 16 << 20;
/** Bytes gathered before they are written. */
const BUFFER_BYTES = 1 << 20;
const PLAIN_ENTRY_BYTES = 37;
const COMPRESSED_ENTRY_BYTES = 41;
const LARGEST_HEADER = 16 << 20;

/** Fills one pack at a time; blobs of one type. Nothing is visible before `finish` of its pack. */
export class Packer {
  private readonly backend: Backend;
  private readonly sealer: Sealer;
  private readonly type: BlobType;
  private readonly onPack: (pack: PackRecord) => void;
  private writer: BackendWriter | undefined;
  private hash: Hash | undefined;
  private blobs: PackBlob[] = [];
  private offset = 0;
  private buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  private buffered = 0;

  /** @param onPack told of every pack once it is durable */
  constructor(backend: Backend, sealer: Sealer, type: BlobType, onPack: (pack: PackRecord) => void) {
    this.backend = backend;
    this.sealer = sealer;
    this.type = type;
    this.onPack = onPack;
  }

  /** Copies the blob in; a promise when bytes have to be written first. */
  append(blob: SealedBlob): Promise<void> | undefined {
    const { id, sealed, plainLength, compressed } = blob;
    this.blobs.push({ id, type: this.type, offset: this.offset, length: sealed.length, plainLength, compressed });
    this.offset += sealed.length;
    if (this.buffered + sealed.length <= this.buffer.length && this.offset < PACK_BYTES) {
      sealed.copy(this.buffer, this.buffered);
      this.buffered += sealed.length;
      return undefined;
    }
    return this.write(sealed);
  }

  /** Ends the open pack, if there is one, and makes it durable. */
  async finish(): Promise<void> {
    if (this.blobs.length === 0) return;
    const header = this.sealer.seal(encodeHeader(this.blobs));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(header.length);
    await this.flushBuffer();
    const { writer, hash } = await this.opened();
    const tail = Buffer.concat([header, length]);
    hash.update(tail);
    await writer.append(tail);
    const id = hash.digest();
    const record: PackRecord = { id, size: this.offset + tail.length, blobs: this.blobs };
    this.writer = undefined;
    this.hash = undefined;
    this.blobs = [];
    this.offset = 0;
    try {
      await writer.finish(id.toString('hex'));
    } catch (error) {
      await writer.abort();
      throw error;
    }
    this.onPack(record);
  }

  /** Gives up the open pack. */
  async abort(): Promise<void> {
    const { writer } = this;
    this.writer = undefined;
    this.blobs = [];
    await writer?.abort();
  }

  private async write(sealed: Buffer): Promise<void> {
    await this.flushBuffer();
    const { writer, hash } = await this.opened();
    hash.update(sealed);
    await writer.append(sealed);
    if (this.offset >= PACK_BYTES) await this.finish();
  }

  private async flushBuffer(): Promise<void> {
    if (this.buffered === 0) return;
    const bytes = this.buffer.subarray(0, this.buffered);
    this.buffered = 0;
    const { writer, hash } = await this.opened();
    hash.update(bytes);
    await writer.append(bytes);
  }

  private async opened(): Promise<{ writer: BackendWriter; hash: Hash }> {
    this.writer ??= await this.backend.createWriter('data');
    this.hash ??= createHash('sha256');
    return { writer: this.writer, hash: this.hash };
  }
}

function encodeHeader(blobs: PackBlob[]): Buffer {
  const header = Buffer.allocUnsafe(blobs.length * COMPRESSED_ENTRY_BYTES);
  let at = 0;
  for (const blob of blobs) {
    header[at] = (blob.type === 'tree' ? 1 : 0) | (blob.compressed ? 2 : 0);
    header.writeUInt32LE(blob.length, at + 1);
    at += 5;
    if (blob.compressed) {
      header.writeUInt32LE(blob.plainLength, at);
      at += 4;
    }
    at += blob.id.copy(header, at);
  }
  return header.subarray(0, at);
}

/** Reads the list of blobs at a pack's end: of packs that no index names. */
export async function readPackHeader(
  backend: Backend,
  sealer: Sealer,
  name: string,
  size: number,
): Promise<PackBlob[]> {
  const damaged = (what: string) => new RepositoryDamagedError(`the pack data/${name} is damaged: ${what}`);
  if (size < 4) throw damaged('it is too short');
  const length = (await backend.read('data', name, size - 4, 4)).readUInt32LE(0);
  if (length > size - 4 || length > LARGEST_HEADER || length < SEAL_OVERHEAD)
    throw damaged('its header has an impossible length');
  const header = sealer.open(await backend.read('data', name, size - 4 - length, length));
  if (header === undefined) throw damaged('its header was changed');
  const blobs: PackBlob[] = [];
  let offset = 0;
  for (let at = 0; at < header.length; ) {
    const kind = header[at];
    const compressed = (kind & 2) !== 0;
    const entry = compressed ? COMPRESSED_ENTRY_BYTES : PLAIN_ENTRY_BYTES;
    if (kind > 3 || at + entry > header.length) throw damaged('its header has an unknown entry');
    const stored = header.readUInt32LE(at + 1);
    const plainLength = compressed ? header.readUInt32LE(at + 5) : stored - SEAL_OVERHEAD;
    blobs.push({
      id: Buffer.from(header.subarray(at + entry - 32, at + entry)),
      type: kind & 1 ? 'tree' : 'data',
      offset,
      length: stored,
      plainLength,
      compressed,
    });
    offset += stored;
    at += entry;
  }
  if (offset !== size - 4 - length) throw damaged('its header lists more or fewer bytes than it has');
  return blobs;
}

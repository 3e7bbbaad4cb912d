/** A vault with its state, an ingest pool on it as a push would have, and ways to look at what came of it. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { BlockSummer, BlockSums } from '../../../src/kernels/block-sums.ts';
import { type BlockSumKind, createDigest, type Digest } from '../../../src/kernels/checksum.ts';
import type { PackRecord } from '../../../src/repository/blob.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { contentKey, ID_BYTES } from '../../../src/vault/content.ts';
import { type Basis, type FileResult, IngestPool, type OpenFile } from '../../../src/vault/ingest/pool.ts';
import type { VaultLayout } from '../../../src/vault/layout.ts';
import { StateStore } from '../../../src/vault/state/store.ts';
import { createVault, openRepository } from '../../../src/vault/vault.ts';
import { makeFolder, removeFolder } from '../../support/temporary.ts';

export const KIND: BlockSumKind = { algorithm: 'xxh128', seed: 77, seedFirst: true };
const KIND_NAME = 'xxh128:77:1';

export interface Stored {
  content: Buffer;
  blobs: Buffer;
  blockLength: number;
  sums: Buffer;
}

export class Fixture {
  readonly folder: string;
  readonly layout: VaultLayout;
  readonly store: StateStore;
  readonly packs: PackRecord[] = [];
  private readonly digest: Digest;
  private readonly sums: BlockSums;
  private repository: Repository | undefined;
  private pools: IngestPool[] = [];

  private constructor(folder: string, layout: VaultLayout, digest: Digest, sums: BlockSums) {
    this.folder = folder;
    this.layout = layout;
    this.digest = digest;
    this.sums = sums;
    this.store = StateStore.open(layout.stateFile);
  }

  static async create(): Promise<Fixture> {
    const folder = makeFolder('ingest');
    const layout = await createVault(folder, 'v');
    return new Fixture(folder, layout, await createDigest('xxh128'), await BlockSums.create(KIND));
  }

  pool(workers = 1, onDamaged?: (ids: Buffer) => void): IngestPool {
    const pool = new IngestPool({
      vaultDir: this.layout.folder,
      vault: 'v',
      workers,
      kind: KIND,
      digest: 'xxh128',
      onDamaged,
      onPack: (pack) => {
        this.packs.push(pack);
        this.store.addPack(pack);
        this.store.checkpoint();
      },
    });
    this.pools.push(pool);
    return pool;
  }

  async close(): Promise<void> {
    await Promise.all(this.pools.map((pool) => pool.close()));
    await this.repository?.backend.close();
    this.store.close();
    removeFolder(this.folder);
  }

  digestOf(content: Buffer): Buffer {
    this.digest.reset();
    this.digest.update(content);
    return this.digest.digest();
  }

  /** Block sums of a content, from scratch. */
  sumsOf(content: Buffer, blockLength: number): Buffer {
    const records: Buffer[] = [];
    const summer = new BlockSummer(this.sums, blockLength, (piece) => records.push(Buffer.from(piece)));
    summer.update(content);
    summer.end();
    return Buffer.concat(records);
  }

  /** What the repository gives back for a list of blobs; they must be in durable packs. */
  async read(blobs: Buffer): Promise<Buffer> {
    this.repository ??= await openRepository(this.layout);
    const plain: Buffer[] = [];
    for (let at = 0; at < blobs.length; at += ID_BYTES) {
      const location = this.store.findBlob(blobs.subarray(at, at + ID_BYTES));
      assert.ok(location, 'a blob is in no pack');
      plain.push(await this.repository.loadBlob(location));
    }
    return Buffer.concat(plain);
  }

  /** Stores a content, and its sums in the cache, as a push does. */
  async put(pool: IngestPool, content: Buffer, blockLength: number): Promise<Stored> {
    const { result, sums } = await send(
      pool,
      { size: content.length, verify: true, blockLength },
      [content],
      this.digestOf(content),
    );
    assert.equal(result.reason, '');
    await pool.flush();
    const writer = this.store.newSums(KIND_NAME);
    writer.append(sums);
    writer.finish({
      key: contentKey(result.blobs),
      blobs: result.blobs,
      size: content.length,
      mtime: 1,
      mtimeNsec: 0,
      blockLength,
      recordLength: this.sums.recordLength,
      literalBytes: content.length,
      literalRuns: 1,
    });
    this.store.checkpoint();
    return { content, blobs: result.blobs, blockLength, sums };
  }
}

/** A fixture for all tests of a file. */
export function fileFixture(): () => Fixture {
  let fixture: Fixture | undefined;
  before(async () => {
    fixture = await Fixture.create();
  });
  after(() => fixture?.close());
  return () => fixture!;
}

export type Piece = Buffer | { offset: number; length: number };

export interface Sent {
  result: FileResult;
  sums: Buffer;
}

/** Sends one file as the receiver does, in literals of at most 32 KiB and matches. */
export async function send(pool: IngestPool, file: OpenFile, pieces: Piece[], digest: Buffer | 'cut'): Promise<Sent> {
  const records: Buffer[] = [];
  const sink = pool.openFile({ ...file, onSums: (piece) => records.push(Buffer.from(piece)) });
  for (const piece of pieces) {
    if (!Buffer.isBuffer(piece)) sink.copy(piece.offset, piece.length);
    else for (let at = 0; at < piece.length; at += 32_768) sink.write(piece.subarray(at, at + 32_768));
    const room = pool.room();
    if (room !== undefined) await room;
  }
  const result = await (digest === 'cut' ? sink.endPartial() : sink.end(digest));
  return { result, sums: Buffer.concat(records) };
}

export function basisOf({ blobs, content, blockLength }: Stored): Basis {
  return { blobs, size: content.length, blockLength };
}

/** What a file made of these pieces holds. */
export function assemble(basis: Buffer, pieces: Piece[]): Buffer {
  return Buffer.concat(
    pieces.map((piece) => (Buffer.isBuffer(piece) ? piece : basis.subarray(piece.offset, piece.offset + piece.length))),
  );
}

/** IDs of blobs as hex. */
export function idsOf(blobs: Buffer): string[] {
  const ids: string[] = [];
  for (let at = 0; at < blobs.length; at += ID_BYTES) ids.push(blobs.toString('hex', at, at + ID_BYTES));
  return ids;
}

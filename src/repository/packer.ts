/** Packs on their way into the repository, one after another (docs/repository.md, "Packs"). */
import type { Sealer } from '../kernels/aead.ts';
import type { Backend } from './backend/backend.ts';
import type { BlobType, PackRecord, SealedBlob } from './blob.ts';
import { OpenPack } from './open-pack.ts';

/** A pack is finished when it has grown to this. */
const PACK_BYTES = 16 << 20;
/** Blobs of one pack at most: of tiny blobs, 16 MiB would need a header that restic's readers refuse. */
const PACK_BLOBS = 50_000;

/**
 * Fills packs with blobs of one type. While a full pack of data is flushed to disk the next one is filled already; no
 * more than these two are open. Packs of trees are few: one is told before the next begins. After an error only `abort`
 * makes sense.
 */
export class Packer {
  private readonly backend: Backend;
  private readonly sealer: Sealer;
  private readonly type: BlobType;
  private readonly onPack: (pack: PackRecord) => void;
  private pack: OpenPack | undefined;
  /** the pack before, until it is durable and told */
  private finishing: Promise<void> = Promise.resolve();

  /** @param onPack told of every pack once it is durable, in their order */
  constructor(backend: Backend, sealer: Sealer, type: BlobType, onPack: (pack: PackRecord) => void) {
    this.backend = backend;
    this.sealer = sealer;
    this.type = type;
    this.onPack = onPack;
  }

  /**
   * Copies the blob in. A promise when bytes have to be written first: await it before the next call, and before
   * `blob.sealed` changes.
   */
  append(blob: SealedBlob): Promise<void> | undefined {
    this.pack ??= new OpenPack(this.backend, this.sealer, this.type);
    const { pack } = this;
    const wait = pack.append(blob);
    const full = pack.size >= PACK_BYTES || pack.count >= PACK_BLOBS;
    if (!full) return wait;
    return wait === undefined ? this.change() : wait.then(() => this.change());
  }

  /** Ends the open pack, if there is one. All packs are durable, and told, when this resolves. */
  async finish(): Promise<void> {
    if (this.pack !== undefined) await this.change();
    await this.finishing;
  }

  /** Gives up the open pack; one that is full already may still arrive. */
  async abort(): Promise<void> {
    const { pack } = this;
    this.pack = undefined;
    await pack?.abort();
    await this.finishing.catch(() => {});
  }

  /** Starts to finish the open pack, once the one before is durable. */
  private async change(): Promise<void> {
    await this.finishing;
    const { pack } = this;
    if (pack === undefined) return;
    this.pack = undefined;
    this.finishing = pack.finish().then(this.onPack);
    // whoever comes next gets the error; until then it is not unhandled
    this.finishing.catch(() => {});
    if (this.type === 'tree') await this.finishing;
  }
}

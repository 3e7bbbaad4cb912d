import type { BlobLocation } from '../../repository/blob.ts';
import { RepositoryDamagedError } from '../../repository/errors.ts';
import type { Repository } from '../../repository/repository.ts';

/** Bytes of plain blobs kept while matches go back and forth between neighbours; one blob is kept whatever its size. */
const KEPT_BYTES = 8 << 20;
/** What a file system says of a file it cannot give back. */
const UNREADABLE = new Set(['EIO', 'EUCLEAN', 'ESTALE', 'ENOENT', 'EACCES']);

export const BASIS_DAMAGED = 'ERR_BASIS_DAMAGED';

/** Stored content that is needed cannot be read: the client's file has to come whole. */
export class BasisDamagedError extends RepositoryDamagedError {
  /** undefined when it is not a blob's content that is wrong */
  readonly blob: Buffer | undefined;

  constructor(message: string, blob: Buffer | undefined, cause?: unknown) {
    super(message, cause, BASIS_DAMAGED);
    this.blob = blob;
  }
}

/** Reads stored blobs, and keeps the last few. One for each worker. */
export class BasisBlobs {
  private readonly repository: Repository;
  /** in the order of their last use */
  private readonly kept = new Map<string, Buffer>();
  private keptBytes = 0;
  private stopped = false;

  constructor(repository: Repository) {
    this.repository = repository;
  }

  /** The blob's plaintext, at once when it is at hand. @throws BasisDamagedError */
  load(at: BlobLocation): Buffer | Promise<Buffer> {
    const key = at.id.toString('latin1');
    const plain = this.kept.get(key);
    if (plain === undefined) return this.read(at, key);
    this.kept.delete(key);
    this.kept.set(key, plain);
    return plain;
  }

  /** From now on nothing is read: a large match is not gone through to its end when nobody waits for it. */
  stop(): void {
    this.stopped = true;
  }

  private async read(at: BlobLocation, key: string): Promise<Buffer> {
    if (this.stopped) throw new Error('the push was given up');
    let plain: Buffer;
    try {
      plain = await this.repository.loadBlob(at);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (error instanceof RepositoryDamagedError || UNREADABLE.has(code ?? ''))
        throw new BasisDamagedError(message, at.id, error);
      throw error;
    }
    if (plain.length !== at.plainLength)
      throw new BasisDamagedError('a blob has another length than its index says', at.id);
    this.keep(key, plain);
    return plain;
  }

  private keep(key: string, plain: Buffer): void {
    this.kept.set(key, plain);
    this.keptBytes += plain.length;
    for (const [oldest, bytes] of this.kept) {
      if (this.keptBytes <= KEPT_BYTES || oldest === key) return;
      this.kept.delete(oldest);
      this.keptBytes -= bytes.length;
    }
  }
}

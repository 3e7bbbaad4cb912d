import type { PackRecord } from '../../repository/blob.ts';
import type { Packer } from '../../repository/packer.ts';
import type { Repository } from '../../repository/repository.ts';
import type { StateStore } from '../state/store.ts';

/** Packs whose blobs are remembered here, until the state in the other thread surely knows them. */
const REMEMBERED_PACKS = 3;

/** Puts blobs that are new into packs; says which they are either way. One for each worker. */
export class BlobSink {
  private readonly repository: Repository;
  private readonly state: StateStore;
  private readonly packer: Packer;
  /** blobs of the open pack and the last few */
  private readonly recent: Set<string>[] = [new Set()];
  /** blobs that are stored, but cannot be read */
  private readonly distrusted = new Set<string>();

  constructor(repository: Repository, state: StateStore, onPack: (pack: PackRecord) => void) {
    this.repository = repository;
    this.state = state;
    this.packer = repository.packer('data', (pack) => {
      this.recent.push(new Set());
      if (this.recent.length > REMEMBERED_PACKS) this.recent.shift();
      onPack(pack);
    });
  }

  blobId(plain: Buffer): Buffer {
    return this.repository.blobId(plain);
  }

  /** Stores the blob unless it is. A promise, when there is one, has to be awaited before the next call. Hot. */
  store(id: Buffer, plain: Buffer): Promise<void> | undefined {
    const key = id.toString('latin1');
    for (const ids of this.recent) if (ids.has(key)) return undefined;
    if (this.state.hasBlob(id) && !this.distrusted.has(key)) return undefined;
    this.recent[this.recent.length - 1].add(key);
    return this.packer.append(this.repository.sealWithId(id, plain));
  }

  /** From now on the blob counts as not stored. */
  distrust(id: Buffer): void {
    this.distrusted.add(id.toString('latin1'));
  }

  /** Everything stored so far is in durable packs when this resolves. */
  flush(): Promise<void> {
    return this.packer.finish();
  }

  abort(): Promise<void> {
    return this.packer.abort();
  }
}

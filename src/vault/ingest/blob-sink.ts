import { hash } from 'node:crypto';
import type { PackRecord } from '../../repository/blob.ts';
import type { Packer } from '../../repository/packer.ts';
import type { Repository } from '../../repository/repository.ts';
import type { StateStore } from '../state/store.ts';

/** Packs whose blobs are remembered here, until the state in the other thread surely knows them. */
const REMEMBERED_PACKS = 3;

/** Puts blobs that are new into packs; says which they are either way. One for each worker. */
export class BlobSink {
  private readonly repository: Repository;
  private readonly store: StateStore;
  private readonly packer: Packer;
  /** blobs of the open pack and the last few */
  private recent: Set<string>[] = [new Set()];

  constructor(repository: Repository, store: StateStore, onPack: (pack: PackRecord) => void) {
    this.repository = repository;
    this.store = store;
    this.packer = repository.packer('data', (pack) => {
      this.recent.push(new Set());
      if (this.recent.length > REMEMBERED_PACKS) this.recent.shift();
      onPack(pack);
    });
  }

  /** Stores the blob unless it is stored; returns its ID. */
  async put(plain: Buffer): Promise<Buffer> {
    const id = hash('sha256', plain, 'buffer');
    const key = id.toString('latin1');
    if (this.recent.some((ids) => ids.has(key)) || this.store.hasBlob(id)) return id;
    this.recent[this.recent.length - 1].add(key);
    const wait = this.packer.append(this.repository.sealBlob(plain, id));
    if (wait !== undefined) await wait;
    return id;
  }

  flush(): Promise<void> {
    return this.packer.finish();
  }

  abort(): Promise<void> {
    return this.packer.abort();
  }
}

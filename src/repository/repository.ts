/** A restic repository of format 2: the door to everything in this room (docs/repository.md). */
import { createHash, hash } from 'node:crypto';
import { SEAL_OVERHEAD, Sealer } from '../kernels/aead.ts';
import { ZstdCompressor, zstdDecompress } from '../kernels/zstd.ts';
import { NightdropError } from '../lib/errors.ts';
import type { Backend, FileType } from './backend/backend.ts';
import { type BlobLocation, type BlobType, largestBlob, type PackRecord, type SealedBlob } from './blob.ts';
import { newConfig, parseConfig, type RepositoryConfig } from './config.ts';
import { RepositoryDamagedError } from './errors.ts';
import { BLOBS_PER_INDEX, decodeIndex, encodeIndex } from './index-file.ts';
import { createKey, openKey } from './keys.ts';
import { RepositoryLock } from './lock.ts';
import { readPackHeader } from './pack-header.ts';
import { Packer } from './packer.ts';
import { decodeSnapshot, type Snapshot } from './snapshot.ts';

/** Marks an unpacked file that is compressed. */
const COMPRESSED_MARK = 2;
const [OPEN_BRACE, OPEN_BRACKET] = Buffer.from('{[');
/** what a string can hold */
const LARGEST_UNPACKED = 500 << 20;
/** bytes of the buffer that is kept for sealing */
const LARGEST_KEPT = 16 << 20;

export class Repository {
  readonly backend: Backend;
  readonly config: RepositoryConfig;
  private readonly sealer: Sealer;
  private readonly compressor = new ZstdCompressor();
  private sealed = Buffer.allocUnsafe(256 * 1024);

  private constructor(backend: Backend, sealer: Sealer, config: RepositoryConfig) {
    this.backend = backend;
    this.sealer = sealer;
    this.config = config;
  }

  /** @throws when the password is wrong, or the repository is not of format 2 */
  static async open(backend: Backend, password: string): Promise<Repository> {
    if ((await backend.size('config', '')) === undefined)
      throw new NightdropError('ERR_NO_REPOSITORY', `there is no repository at ${backend.location}`);
    const sealer = new Sealer(await openKey(backend, password));
    const plain = sealer.open(await backend.read('config', ''));
    if (plain === undefined)
      throw new RepositoryDamagedError(`the config of the repository ${backend.location} was changed`);
    const config = parseConfig(plain);
    if (config.version !== 2)
      throw new NightdropError(
        'ERR_REPOSITORY_VERSION',
        `the repository ${backend.location} is of format ${config.version}; nightdrop writes format 2 (restic migrate upgrade_repo_v2)`,
      );
    return new Repository(backend, sealer, config);
  }

  /** Makes a new repository in an empty place. @throws NightdropError ERR_REPOSITORY_EXISTS when it is not */
  static async init(backend: Backend, password: string): Promise<Repository> {
    if ((await backend.size('config', '')) !== undefined)
      throw new NightdropError('ERR_REPOSITORY_EXISTS', `there is a repository at ${backend.location} already`);
    await refuseRemains(backend);
    const sealer = new Sealer(await createKey(backend, password));
    const config = newConfig();
    await backend.write('config', '', sealer.seal(Buffer.from(JSON.stringify(config))));
    return new Repository(backend, sealer, config);
  }

  /** SHA-256 of a blob's plaintext: its ID. */
  blobId(plain: Buffer): Buffer {
    return hash('sha256', plain, 'buffer');
  }

  /** Compresses where it helps, and seals. The result's bytes are a view that the next call overwrites. Hot. */
  sealBlob(plain: Buffer, id: Buffer = this.blobId(plain)): SealedBlob {
    const compressed = this.compressor.compress(plain);
    const content = compressed ?? plain;
    const length = content.length + SEAL_OVERHEAD;
    const sealed = this.room(length);
    this.sealer.sealInto(sealed, 0, content);
    return {
      id,
      sealed: sealed.subarray(0, length),
      plainLength: plain.length,
      compressed: compressed !== undefined,
    };
  }

  /** As sealBlob, of a blob whose ID is known. */
  sealWithId(id: Buffer, plain: Buffer): SealedBlob {
    return this.sealBlob(plain, id);
  }

  /** @param onPack told of every pack once it is durable */
  packer(type: BlobType, onPack: (pack: PackRecord) => void): Packer {
    return new Packer(this.backend, this.sealer, type, onPack);
  }

  /** The blob's plaintext, proven by its ID. */
  async loadBlob(at: BlobLocation): Promise<Buffer> {
    // before memory is taken: the numbers come from an index file
    if (at.plainLength > largestBlob(at.type) || at.length > largestBlob(at.type) + SEAL_OVERHEAD)
      throw damagedBlob(at, 'its length is impossible');
    const name = at.pack.toString('hex');
    return this.openBlob(at, await this.backend.read('data', name, at.offset, at.length));
  }

  /** As loadBlob, of bytes read already. */
  openBlob(at: BlobLocation, stored: Buffer): Buffer {
    let plain = this.sealer.open(stored);
    if (plain === undefined) throw damagedBlob(at, 'its seal is broken');
    if (at.compressed) {
      try {
        plain = zstdDecompress(plain, Math.min(at.plainLength, largestBlob(at.type)));
      } catch {
        throw damagedBlob(at, 'it does not decompress');
      }
    }
    if (!this.blobId(plain).equals(at.id)) throw damagedBlob(at, 'its content has another hash');
    return plain;
  }

  /** The blobs of a pack that no index names. */
  async packRecord(name: string, size: number): Promise<PackRecord> {
    return { id: Buffer.from(name, 'hex'), size, blobs: await readPackHeader(this.backend, this.sealer, name, size) };
  }

  /** Writes index files that name the packs, which must be durable; returns their names. */
  async saveIndex(packs: Iterable<PackRecord>): Promise<string[]> {
    const names: string[] = [];
    let group: PackRecord[] = [];
    let blobs = 0;
    for (const pack of packs) {
      if (group.length > 0 && blobs + pack.blobs.length > BLOBS_PER_INDEX) {
        names.push(await this.saveUnpacked('index', encodeIndex(group)));
        group = [];
        blobs = 0;
      }
      group.push(pack);
      blobs += pack.blobs.length;
    }
    if (group.length > 0) names.push(await this.saveUnpacked('index', encodeIndex(group)));
    return names;
  }

  /** All index files, one at a time. One that another process removes meanwhile is passed over. */
  async *indexes(): AsyncGenerator<{ id: string; packs: PackRecord[]; supersedes: string[] }> {
    for await (const { name } of this.backend.list('index')) {
      const index = await this.unlessGone('index', name, () => this.loadIndex(name));
      if (index !== undefined) yield { id: name, ...index };
    }
  }

  /** The `size` of its packs is 0: an index file does not say it. */
  async loadIndex(name: string): Promise<{ packs: PackRecord[]; supersedes: string[] }> {
    return decodeIndex(await this.loadUnpacked('index', name), name);
  }

  async removeIndex(name: string): Promise<void> {
    await this.backend.remove('index', name);
  }

  /** Returns its ID. All it refers to must be durable and named by index files. */
  async saveSnapshot(snapshot: Snapshot): Promise<string> {
    return this.saveUnpacked('snapshots', JSON.stringify(snapshot));
  }

  async loadSnapshot(name: string): Promise<Snapshot> {
    const json = await this.loadUnpacked('snapshots', name);
    try {
      return decodeSnapshot(json);
    } catch (error) {
      throw new RepositoryDamagedError(`the snapshot file snapshots/${name} is not one`, error);
    }
  }

  /** All snapshots, in no order. One that another process removes meanwhile is passed over. */
  async *snapshots(): AsyncGenerator<{ id: string; snapshot: Snapshot }> {
    for await (const { name } of this.backend.list('snapshots')) {
      const snapshot = await this.unlessGone('snapshots', name, () => this.loadSnapshot(name));
      if (snapshot !== undefined) yield { id: name, snapshot };
    }
  }

  /** Locks the repository against prune (or, exclusively, against everybody). @throws RepositoryLockedError */
  lock(options: { exclusive: boolean }): Promise<RepositoryLock> {
    return RepositoryLock.take(this, options.exclusive);
  }

  /** Compresses, seals and writes one of the JSON files; returns its name. */
  async saveUnpacked(type: FileType, json: string): Promise<string> {
    const plain = Buffer.from(json, 'utf8');
    const frame = this.compressor.compress(plain);
    const content = frame === undefined ? plain : Buffer.concat([Buffer.of(COMPRESSED_MARK), frame]);
    const bytes = this.sealer.seal(content);
    const name = createHash('sha256').update(bytes).digest('hex');
    await this.backend.write(type, name, bytes);
    return name;
  }

  /** @throws RepositoryDamagedError when it is missing, was changed, or is another file than its name says */
  async loadUnpacked(type: FileType, name: string): Promise<string> {
    const damaged = (what: string, cause?: unknown) =>
      new RepositoryDamagedError(`the file ${type}/${name} is damaged: ${what}`, cause);
    const stored = await this.backend.read(type, name);
    if (hash('sha256', stored) !== name) throw damaged('its content has another hash');
    const plain = this.sealer.open(stored);
    if (plain === undefined) throw damaged('its seal is broken');
    if (plain[0] === OPEN_BRACE || plain[0] === OPEN_BRACKET) return plain.toString('utf8');
    if (plain[0] !== COMPRESSED_MARK) throw damaged('it is stored in a form that is not known');
    try {
      return zstdDecompress(plain.subarray(1), LARGEST_UNPACKED).toString('utf8');
    } catch (error) {
      throw damaged('it does not decompress', error);
    }
  }

  /** Files listed a moment ago may be gone: undefined then. */
  private async unlessGone<T>(type: FileType, name: string, load: () => Promise<T>): Promise<T | undefined> {
    try {
      return await load();
    } catch (error) {
      if ((await this.backend.size(type, name)) === undefined) return undefined;
      throw error;
    }
  }

  /** The buffer that is used again for every blob; a buffer of its own for one of unusual size. */
  private room(length: number): Buffer {
    if (length <= this.sealed.length) return this.sealed;
    if (length > LARGEST_KEPT) return Buffer.allocUnsafeSlow(length);
    this.sealed = Buffer.allocUnsafeSlow(Math.min(LARGEST_KEPT, length * 2));
    return this.sealed;
  }
}

/** Under a new key nothing of what a lost config leaves could be read again. */
async function refuseRemains(backend: Backend): Promise<void> {
  for (const type of ['keys', 'snapshots'] as const) {
    for await (const _file of backend.list(type))
      throw new NightdropError(
        'ERR_REPOSITORY_EXISTS',
        `there is no config at ${backend.location}, but ${type} are: the rest of a repository, over which no new one is made`,
      );
  }
}

function damagedBlob(at: BlobLocation, what: string): RepositoryDamagedError {
  return new RepositoryDamagedError(
    `blob ${at.id.toString('hex')} in pack ${at.pack.toString('hex')} is damaged: ${what}`,
  );
}

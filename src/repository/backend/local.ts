import { randomBytes } from 'node:crypto';
import { type FileHandle, open, opendir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { RepositoryDamagedError } from '../errors.ts';
import type { Backend, BackendWriter, FileInfo, FileType } from './backend.ts';
import { DurableFolders } from './durable-folders.ts';
import { LocalWriter } from './local-writer.ts';
import { OpenFiles } from './open-files.ts';

/** Reads larger than this look at the file's size before they take memory: the numbers come from index files. */
const UNCHECKED_BYTES = 16 << 20;
/** Nothing that is read whole is larger: index files of restic have some tens of MB. */
const LARGEST_WHOLE = 512 << 20;
const FILE_NAME = /^[0-9a-f]{64}$/;

/** A repository in a local folder. Files are written in `temporary`, flushed, renamed, and their folder is flushed. */
export class LocalBackend implements Backend {
  readonly location: string;
  private readonly temporary: string;
  private readonly packs = new OpenFiles();
  private readonly folders: DurableFolders;

  /** @param temporary an existing folder on the same file system, outside the repository */
  constructor(location: string, temporary: string) {
    this.location = location;
    this.temporary = temporary;
    this.folders = new DurableFolders(location);
  }

  async createWriter(type: FileType): Promise<BackendWriter> {
    const path = join(this.temporary, `${type}-${process.pid}-${randomBytes(8).toString('hex')}`);
    const handle = await open(path, 'wx', 0o600);
    return new LocalWriter(handle, path, this.folders, (name) => this.path(type, name));
  }

  async write(type: FileType, name: string, bytes: Buffer): Promise<void> {
    const writer = await this.createWriter(type);
    try {
      await writer.append(bytes);
      await writer.finish(name);
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  async read(type: FileType, name: string, offset = 0, length?: number): Promise<Buffer> {
    const path = this.path(type, name);
    const shown = type === 'config' ? 'config' : `${type}/${name}`;
    try {
      // many blobs are read from one pack; the others are read once, and a lock's file may go at any time
      if (type === 'data') return await this.packs.use(path, (handle) => readRange(handle, shown, offset, length));
      const handle = await open(path, 'r');
      try {
        return await readRange(handle, shown, offset, length);
      } finally {
        await handle.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new RepositoryDamagedError(`${shown} is missing from the repository; run check to see what else is`, error);
    }
  }

  async *list(type: FileType): AsyncGenerator<FileInfo> {
    if (type === 'data') {
      for (let i = 0; i < 256; i++)
        yield* this.listFolder(join(this.location, 'data', i.toString(16).padStart(2, '0')));
    } else {
      yield* this.listFolder(join(this.location, type));
    }
  }

  async size(type: FileType, name: string): Promise<number | undefined> {
    return sizeOf(this.path(type, name));
  }

  async remove(type: FileType, name: string): Promise<void> {
    const path = this.path(type, name);
    this.packs.forget(path);
    await unlink(path);
  }

  async close(): Promise<void> {
    await this.packs.close();
  }

  private path(type: FileType, name: string): string {
    if (type === 'config') return join(this.location, 'config');
    if (!FILE_NAME.test(name)) throw new RangeError('a repository file is named by 64 hexadecimal digits');
    return type === 'data' ? join(this.location, 'data', name.slice(0, 2), name) : join(this.location, type, name);
  }

  private async *listFolder(path: string): AsyncGenerator<FileInfo> {
    let folder: Awaited<ReturnType<typeof opendir>>;
    try {
      folder = await opendir(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    for await (const entry of folder) {
      if (!entry.isFile() || !FILE_NAME.test(entry.name)) continue;
      const size = await sizeOf(join(path, entry.name));
      // removed while we look: as if it had not been there
      if (size !== undefined) yield { name: entry.name, size };
    }
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function readRange(handle: FileHandle, shown: string, offset: number, length?: number): Promise<Buffer> {
  let wanted = length;
  if (wanted === undefined || wanted > UNCHECKED_BYTES) {
    const { size } = await handle.stat();
    if (wanted === undefined && size - offset > LARGEST_WHOLE)
      throw new RepositoryDamagedError(`${shown} has ${size} bytes: no file of a repository is that large`);
    wanted ??= Math.max(0, size - offset);
    if (offset + wanted > size) throw tooShort(shown, offset + wanted - size);
  }
  const bytes = Buffer.allocUnsafe(wanted);
  for (let filled = 0; filled < wanted; ) {
    const { bytesRead } = await handle.read(bytes, filled, wanted - filled, offset + filled);
    if (bytesRead === 0) throw tooShort(shown, wanted - filled);
    filled += bytesRead;
  }
  return bytes;
}

function tooShort(shown: string, missing: number): RepositoryDamagedError {
  return new RepositoryDamagedError(`${shown} ends ${missing} bytes too early; run check to see what is missing`);
}

import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, opendir, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { NightdropError } from '../../lib/errors.ts';
import { RepositoryDamagedError } from '../errors.ts';
import type { Backend, BackendWriter, FileInfo, FileType } from './backend.ts';

/** Packs kept open for reading: neighbouring blobs of a basis are read from the same pack. */
const OPEN_FILES = 16;

/** A repository in a local folder. Files are written in `temporary`, flushed, renamed, and their folder is flushed. */
export class LocalBackend implements Backend {
  readonly location: string;
  private readonly temporary: string;
  private readonly open = new Map<string, Promise<FileHandle>>();

  /** @param temporary a folder on the same file system, outside the repository */
  constructor(location: string, temporary: string) {
    this.location = location;
    this.temporary = temporary;
  }

  async createWriter(type: FileType): Promise<BackendWriter> {
    const path = join(this.temporary, `${type}-${process.pid}-${randomBytes(8).toString('hex')}`);
    const handle = await open(path, 'wx', 0o600);
    return new LocalWriter(handle, path, (name) => this.path(type, name));
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

  async read(type: FileType, name: string, offset?: number, length?: number): Promise<Buffer> {
    const path = this.path(type, name);
    const handle = await this.handle(path, type, name);
    const from = offset ?? 0;
    const wanted = length ?? (await handle.stat()).size - from;
    const bytes = Buffer.allocUnsafe(wanted);
    let filled = 0;
    while (filled < wanted) {
      const { bytesRead } = await handle.read(bytes, filled, wanted - filled, from + filled);
      if (bytesRead === 0)
        throw new RepositoryDamagedError(
          `${type}/${name} ends ${wanted - filled} bytes too early; run check to see what is missing`,
        );
      filled += bytesRead;
    }
    return bytes;
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
    try {
      return (await stat(this.path(type, name))).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async remove(type: FileType, name: string): Promise<void> {
    const path = this.path(type, name);
    await this.forget(path);
    await unlink(path);
  }

  async close(): Promise<void> {
    for (const path of [...this.open.keys()]) await this.forget(path);
  }

  private path(type: FileType, name: string): string {
    if (type === 'config') return join(this.location, 'config');
    if (!/^[0-9a-f]{64}$/.test(name)) throw new RangeError('a repository file is named by 64 hexadecimal digits');
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
      if (!entry.isFile() || !/^[0-9a-f]{64}$/.test(entry.name)) continue;
      const size = await stat(join(path, entry.name)).then(
        (s) => s.size,
        () => undefined,
      );
      // removed while we look: as if it had not been there
      if (size !== undefined) yield { name: entry.name, size };
    }
  }

  private async handle(path: string, type: FileType, name: string): Promise<FileHandle> {
    let opening = this.open.get(path);
    if (opening === undefined) {
      opening = open(path, 'r');
      this.open.set(path, opening);
      opening.catch(() => this.open.delete(path));
      if (this.open.size > OPEN_FILES) await this.forget(this.open.keys().next().value!);
    }
    try {
      return await opening;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new RepositoryDamagedError(
        `${type}/${name} is missing from the repository; run check to see what else is`,
        error,
      );
    }
  }

  private async forget(path: string): Promise<void> {
    const opening = this.open.get(path);
    this.open.delete(path);
    await opening?.then((handle) => handle.close()).catch(() => {});
  }
}

class LocalWriter implements BackendWriter {
  private readonly handle: FileHandle;
  private readonly temporary: string;
  private readonly target: (name: string) => string;
  private closed = false;

  constructor(handle: FileHandle, temporary: string, target: (name: string) => string) {
    this.handle = handle;
    this.temporary = temporary;
    this.target = target;
  }

  async append(bytes: Buffer): Promise<void> {
    let at = 0;
    while (at < bytes.length) at += (await this.handle.write(bytes, at, bytes.length - at)).bytesWritten;
  }

  async finish(name: string): Promise<void> {
    // a failed fsync is final: what the kernel dropped cannot be flushed by asking again
    await this.handle.sync();
    await this.handle.chmod(0o400);
    this.closed = true;
    await this.handle.close();
    const target = this.target(name);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await rename(this.temporary, target);
    await syncFolder(dirname(target));
  }

  async abort(): Promise<void> {
    if (!this.closed) await this.handle.close().catch(() => {});
    this.closed = true;
    await unlink(this.temporary).catch(() => {});
  }
}

/** Makes names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } catch (error) {
    throw new NightdropError('ERR_FSYNC', `the folder ${path} could not be flushed to disk`, { cause: error });
  } finally {
    await handle.close();
  }
}

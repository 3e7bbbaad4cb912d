import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { NightdropError } from '../../lib/errors.ts';
import type { BackendWriter } from './backend.ts';

/** A file that grows under a temporary name; flushed, renamed, and its folder flushed, when it is finished. */
export class LocalWriter implements BackendWriter {
  private readonly handle: FileHandle;
  private readonly temporary: string;
  private readonly target: (name: string) => string;
  private closed = false;

  /** @param target path for a name */
  constructor(handle: FileHandle, temporary: string, target: (name: string) => string) {
    this.handle = handle;
    this.temporary = temporary;
    this.target = target;
  }

  async append(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) at += (await this.handle.write(bytes, at, bytes.length - at)).bytesWritten;
  }

  async finish(name: string): Promise<void> {
    const target = this.target(name);
    await this.handle.chmod(0o400);
    // a failed fsync is final: what the kernel dropped cannot be flushed by asking again
    await this.handle.sync();
    this.closed = true;
    await this.handle.close();
    await makeFolder(dirname(target));
    await rename(this.temporary, target);
    await syncFolder(dirname(target));
  }

  async abort(): Promise<void> {
    if (!this.closed) await this.handle.close().catch(() => {});
    this.closed = true;
    await unlink(this.temporary).catch(() => {});
  }
}

/** Makes a folder and those above it, and their names durable: a pack in a folder whose name is lost is lost too. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
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

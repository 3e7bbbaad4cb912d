import { type FileHandle, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BackendWriter } from './backend.ts';
import { type DurableFolders, syncFolder } from './durable-folders.ts';

// where others look for it
export { syncFolder } from './durable-folders.ts';

/** A file that grows under a temporary name; flushed, renamed, and its folder flushed, when it is finished. */
export class LocalWriter implements BackendWriter {
  private readonly handle: FileHandle;
  private readonly temporary: string;
  private readonly folders: DurableFolders;
  private readonly target: (name: string) => string;
  private closed = false;

  /** @param target path for a name */
  constructor(handle: FileHandle, temporary: string, folders: DurableFolders, target: (name: string) => string) {
    this.handle = handle;
    this.temporary = temporary;
    this.folders = folders;
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
    await this.folders.ensure(dirname(target));
    await rename(this.temporary, target);
    await syncFolder(dirname(target));
  }

  async abort(): Promise<void> {
    if (!this.closed) await this.handle.close().catch(() => {});
    this.closed = true;
    await unlink(this.temporary).catch(() => {});
  }
}

import { type FileHandle, open } from 'node:fs/promises';

/** Files kept open: neighbouring blobs of a basis are read from the same pack. */
const KEPT_FILES = 16;

interface OpenFile {
  handle: Promise<FileHandle>;
  users: number;
  /** no longer kept: the last user closes it */
  forgotten: boolean;
}

/** Read handles kept for the next read. A handle is never closed under a reader. */
export class OpenFiles {
  /** in the order of their last use */
  private readonly files = new Map<string, OpenFile>();

  async use<T>(path: string, action: (handle: FileHandle) => Promise<T>): Promise<T> {
    const file = this.take(path);
    try {
      return await action(await file.handle);
    } finally {
      file.users--;
      if (file.forgotten) await closeUnused(file);
    }
  }

  forget(path: string): void {
    const file = this.files.get(path);
    if (file === undefined) return;
    this.files.delete(path);
    file.forgotten = true;
    void closeUnused(file);
  }

  async close(): Promise<void> {
    const files = [...this.files.values()];
    this.files.clear();
    for (const file of files) {
      file.forgotten = true;
      await closeUnused(file);
    }
  }

  private take(path: string): OpenFile {
    let file = this.files.get(path);
    if (file === undefined) {
      file = { handle: open(path, 'r'), users: 0, forgotten: false };
      // one that does not open is not kept; whoever waits for it gets the error
      file.handle.catch(() => this.forget(path));
      if (this.files.size >= KEPT_FILES) this.forget(this.files.keys().next().value!);
    } else {
      this.files.delete(path);
    }
    this.files.set(path, file);
    file.users++;
    return file;
  }
}

async function closeUnused(file: OpenFile): Promise<void> {
  if (file.users > 0) return;
  await file.handle.then((handle) => handle.close()).catch(() => {});
}

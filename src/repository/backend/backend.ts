/** Kinds of files a repository is made of (docs/repository.md, "Folders"). `config` has one file with no name. */
export type FileType = 'config' | 'keys' | 'data' | 'index' | 'snapshots' | 'locks';

export interface FileInfo {
  name: string;
  /** bytes */
  size: number;
}

/** A file on its way in. It is not there until `finish` resolves, and is durable then. */
export interface BackendWriter {
  append(bytes: Buffer): Promise<void>;
  finish(name: string): Promise<void>;
  /** Gives the file up; nothing stays. */
  abort(): Promise<void>;
}

/**
 * Where a repository's files lie. Files are only added and removed, never changed. Every implementation passes
 * test/repository/backend-suite.ts.
 */
export interface Backend {
  /** where it is, for people */
  readonly location: string;
  createWriter(type: FileType): Promise<BackendWriter>;
  /** Adds a whole file, durably. */
  write(type: FileType, name: string, bytes: Buffer): Promise<void>;
  /** All of a file, or `length` bytes from `offset`; fails when there are fewer. */
  read(type: FileType, name: string, offset?: number, length?: number): Promise<Buffer>;
  list(type: FileType): AsyncGenerator<FileInfo>;
  /** Bytes of a file; undefined when there is none. */
  size(type: FileType, name: string): Promise<number | undefined>;
  remove(type: FileType, name: string): Promise<void>;
  close(): Promise<void>;
}

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
  /** Makes the file durable under its name. When it fails, `abort` cleans up. */
  finish(name: string): Promise<void>;
  /** Gives the file up; nothing stays. */
  abort(): Promise<void>;
}

/**
 * Where a repository's files lie. Files are only added and removed, never changed. Every implementation passes
 * test/repository/backend-suite.ts. A name is the SHA-256 of the file's bytes in hex (and '' for the config): the caller
 * computes it; others are refused with a RangeError.
 */
export interface Backend {
  /** where it is, for people */
  readonly location: string;
  createWriter(type: FileType): Promise<BackendWriter>;
  /** Adds a whole file, durably. */
  write(type: FileType, name: string, bytes: Buffer): Promise<void>;
  /**
   * All of a file, all from `offset`, or `length` bytes from there.
   *
   * @throws RepositoryDamagedError when the file is missing or has fewer
   */
  read(type: FileType, name: string, offset?: number, length?: number): Promise<Buffer>;
  /** Files of a type, in no order; what has not the name of a file of ours is passed over. */
  list(type: FileType): AsyncGenerator<FileInfo>;
  /** Bytes of a file; undefined when there is none. */
  size(type: FileType, name: string): Promise<number | undefined>;
  /** @throws an error of code ENOENT when there is none */
  remove(type: FileType, name: string): Promise<void>;
  close(): Promise<void>;
}

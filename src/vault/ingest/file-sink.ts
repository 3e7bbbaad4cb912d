/** What the push room and the ingest workers' pool agree on (vault/ingest/pool.ts). */
import type { PackRecord } from '../../repository/blob.ts';
import type { Stretch, WorkerSetup } from './messages.ts';

export interface PoolOptions extends WorkerSetup {
  /** threads at most */
  workers: number;
  /** told of every pack when it is durable */
  onPack: (pack: PackRecord) => void;
  /** told of stored blobs that proved unreadable (IDs, 32 bytes each): what they hold is stored anew when it comes again */
  onDamaged?: (ids: Buffer) => void;
}

/** Stored content that a new version is made from. */
export interface Basis {
  /** blob IDs, 32 bytes each */
  blobs: Buffer;
  /** bytes of it that were offered: no match goes beyond */
  size: number;
  /** block length of its cached sums: matched blocks keep their sums, where the new ones have the same */
  blockLength?: number;
}

export interface OpenFile {
  /** bytes announced */
  size: number;
  /** stored content that copies refer to */
  basis?: Basis;
  /** recompute the whole-file digest also when parts are copied */
  verify: boolean;
  /** of the sums to be made of the new content; 0: none */
  blockLength: number;
  /** takes whole records, in order, before the file's end is told */
  onSums?: (records: Buffer) => void;
}

export interface FileResult {
  ok: boolean;
  /** why not */
  reason: string;
  /** whether asking for the content again may help */
  retry: boolean;
  /** IDs of stored blobs that proved unreadable, 32 bytes each; empty most often */
  damaged: Buffer;
  /** IDs of the blobs the file consists of; empty when not ok */
  blobs: Buffer;
  size: number;
  literalBytes: number;
  matchedBytes: number;
  /** separate stretches of literal bytes */
  literalRuns: number;
}

/** One file's content on its way in. */
export interface FileSink {
  /** The bytes are copied. */
  write(bytes: Buffer): void;
  /** A matched stretch of the basis. */
  copy(offset: number, length: number): void;
  /**
   * Bytes of the basis, one stretch after another: a decompressor's window needs them. They come back into the protocol
   * thread, and never go to the socket. Where the basis proves damaged, zeros: the file is not stored then.
   *
   * @param stretches of the basis, MOST_BASIS_BYTES at most
   */
  readBasis(stretches: Stretch[]): Promise<Buffer>;
  /** @param digest of the whole file, as the client computed it */
  end(digest: Buffer): Promise<FileResult>;
  /** The client went away: what came is kept as it is. */
  endPartial(): Promise<FileResult>;
  abort(): void;
}

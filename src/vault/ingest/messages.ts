/** What the protocol thread and an ingest worker say to each other. */
import type { BlockSumKind, ChecksumName } from '../../kernels/checksum.ts';
import type { CommitResult, SnapshotMeta } from '../commit.ts';
import type { PackedRecord } from './pack-codec.ts';

export interface WorkerSetup {
  /** folder of the vault */
  vaultDir: string;
  /** its name */
  vault: string;
  kind: BlockSumKind;
  /** of whole files */
  digest: ChecksumName;
  /** of the md4 of protocols below 30 (kernels/checksum.ts) */
  digestSeed?: number;
}

/** Operations of a batch, each a code and its numbers in `Batch.ops`. */
export const Op = {
  /** id, announced size, verify, blockLength of the new sums, bytes of the basis or -1, block length of its sums or 0 */
  open: 1,
  /** id, from, to: the basis's blob IDs, or a part of them, in the batch's buffer */
  basis: 2,
  /** id, from, to: content in the batch's buffer */
  data: 3,
  /** id, offset, length: bytes of the basis */
  copy: 4,
  /** id, from, to: the client's digest in the buffer */
  end: 5,
  /** id: keep what came */
  endPartial: 6,
  /** id */
  abort: 7,
} as const;

/** Numbers of each operation, its code included. */
export const OP_LENGTHS: readonly number[] = [0, 7, 4, 4, 4, 4, 2, 2];

export interface Batch {
  buffer: ArrayBuffer;
  ops: Float64Array<ArrayBuffer>;
}

/** Bytes of the basis. */
export interface Stretch {
  offset: number;
  length: number;
}

export type ToWorker =
  | { type: 'batch'; batch: Batch }
  | { type: 'sums'; request: number; blobs: Buffer; blockLength: number }
  | { type: 'digest'; request: number; blobs: Buffer; algorithm: ChecksumName }
  | { type: 'content'; request: number; blobs: Buffer; most: number }
  | { type: 'basis'; request: number; file: number; ranges: Stretch[] }
  | { type: 'distrust'; ids: Uint8Array }
  | { type: 'flush'; request: number }
  | { type: 'prepare'; request: number }
  | { type: 'commit'; request: number; meta: SnapshotMeta }
  | { type: 'close' };

/** What has become known while a batch was worked off (answer.ts). */
export interface Part {
  bytes: ArrayBuffer;
  ends: Float64Array<ArrayBuffer>;
  sums: Float64Array<ArrayBuffer>;
  failures: FileFailure[];
}

/** Why a file was not stored. */
export interface FileFailure {
  reason: string;
  /** whether asking for the content again may help */
  retry: boolean;
  /** IDs of stored blobs that proved unreadable, 32 bytes each */
  damaged: Uint8Array;
}

export interface PrepareResult {
  /** lines for the log: what was found wrong, and mended */
  notes: string[];
}

export type FromWorker =
  | { type: 'part'; part: Part }
  /** `buffer` comes back to be used again */
  | { type: 'done'; part: Part; buffer: ArrayBuffer }
  | { type: 'pack'; pack: PackedRecord }
  /** IDs of stored blobs that proved unreadable */
  | { type: 'damaged'; ids: Uint8Array }
  | { type: 'answer'; request: number; value: CommitResult | PrepareResult | Uint8Array | undefined }
  | { type: 'failed'; request: number | undefined; code: string; message: string; forClient: boolean };

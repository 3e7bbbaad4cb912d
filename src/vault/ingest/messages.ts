/** What the protocol thread and an ingest worker say to each other. */
import type { BlockSumKind, ChecksumName } from '../../kernels/checksum.ts';
import type { PackRecord } from '../../repository/blob.ts';
import type { CommitResult, SnapshotMeta } from '../commit.ts';

export interface WorkerSetup {
  vaultDir: string;
  vault: string;
  kind: BlockSumKind;
  digest: ChecksumName;
}

/** Operations of a batch, each a code and its numbers in `Batch.ops`. */
export const Op = {
  /** id, size, verify, blockLength, index into `Batch.bases` or -1 */
  open: 1,
  /** id, from, to: bytes of the batch's buffer */
  data: 2,
  /** id, offset, length: bytes of the basis */
  copy: 3,
  /** id, from, to: the client's digest in the buffer */
  end: 4,
  /** id: keep what came */
  endPartial: 5,
  /** id */
  abort: 6,
} as const;

/** Stored content that a new version is made from. */
export interface Basis {
  blobs: Buffer;
  size: number;
  /** row of its cached block sums, and their block length: matched stretches keep their sums */
  sumsRow?: number;
  blockLength?: number;
}

export interface Batch {
  buffer: ArrayBuffer;
  ops: number[];
  bases: Basis[];
}

export type ToWorker =
  | { type: 'batch'; batch: Batch }
  | { type: 'sums'; request: number; blobs: Buffer; size: number; blockLength: number }
  | { type: 'digest'; request: number; blobs: Buffer; algorithm: ChecksumName }
  | { type: 'flush'; request: number }
  | { type: 'prepare'; request: number }
  | { type: 'commit'; request: number; meta: SnapshotMeta }
  | { type: 'close' };

/** One file's end. Ranges are of `Done.bytes`. */
export interface FileEnd {
  id: number;
  ok: boolean;
  reason: string;
  /** whether asking for the content again may help */
  retry: boolean;
  size: number;
  literalBytes: number;
  matchedBytes: number;
  literalRuns: number;
  blobsFrom: number;
  blobsTo: number;
}

export interface Done {
  type: 'done';
  /** to be used again */
  buffer: ArrayBuffer;
  bytes: ArrayBuffer;
  ends: FileEnd[];
  /** id, from, to: new records of block sums, before the ends */
  sums: number[];
}

export interface PrepareResult {
  /** lines for the log: what was found wrong, and mended */
  notes: string[];
}

export type FromWorker =
  | Done
  | { type: 'pack'; pack: PackRecord }
  | { type: 'records'; request: number; records: Buffer }
  | { type: 'answer'; request: number; value: CommitResult | PrepareResult | Buffer | undefined }
  | { type: 'failed'; request: number | undefined; code: string; message: string };

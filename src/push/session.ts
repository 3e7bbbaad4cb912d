import type { ChecksumName } from '../kernels/checksum.ts';
import type { ByteReader } from '../rsync/bytes.ts';
import type { Filter } from '../rsync/filter.ts';
import type { NdxEncoder } from '../rsync/ndx.ts';
import type { ServerOptions } from '../rsync/options.ts';
import type { IngestPool } from '../vault/ingest/pool.ts';
import type { StateStore } from '../vault/state/store.ts';
import type { AltDests } from './alt-dest.ts';
import type { AttributeRules } from './attributes.ts';
import type { Backups } from './backups.ts';
import type { DelayedUpdates } from './delayed.ts';
import type { Destination } from './destination.ts';
import type { HardLinks } from './hard-links.ts';
import type { Input } from './input.ts';
import type { Lists } from './lists.ts';
import type { Output } from './output.ts';
import type { Removable } from './removable.ts';
import type { SimilarFiles } from './similar-files.ts';

/** What was agreed on with the client before the file list (docs/protocol.md, "Set-up"). */
export interface Agreement {
  protocol: number;
  incremental: boolean;
  /** a stock sender leaves xattrs out of replies that announce a local change with a name */
  xattrOptimized: boolean;
  /** the name of the cached block sums' kind: algorithm, seed and order */
  sumsKind: string;
  /** bytes of a cached record of block sums: rolling and strong */
  recordLength: number;
  /** bytes of a whole-file digest */
  digestLength: number;
  /** what --checksum compares */
  listDigest: ChecksumName;
  /** block sums may be offered at all */
  offersSums: boolean;
  /** matched bytes are read back to recompute the whole-file digest */
  verify: boolean;
}

/** Everything the steps of one push share. Each step owns its own state; this only says where the others are. */
export interface PushSession {
  readonly agreement: Agreement;
  readonly options: ServerOptions;
  readonly rules: AttributeRules;
  readonly input: Input;
  readonly reader: ByteReader;
  readonly output: Output;
  readonly ndxOut: NdxEncoder;
  readonly store: StateStore;
  readonly pool: IngestPool;
  readonly destination: Destination;
  readonly lists: Lists;
  readonly hardLinks: HardLinks;
  readonly backups: Backups;
  /** files that wait until all have come; undefined without --delay-updates */
  delayed: DelayedUpdates | undefined;
  filter: Filter | undefined;
  /** --compare-dest, --copy-dest, --link-dest */
  altDests: AltDests | undefined;
  /** --fuzzy */
  similarFiles: SimilarFiles | undefined;
  readonly counts: PushCounts;
  /** path of the transfer's root in the vault, and the name of a single file that gets another one there */
  base: string;
  singleName: string | undefined;
  /** the transfer's root was made for this push, and its entry was not gone over yet */
  baseCreated: boolean;
  /** set by --dry-run */
  readonly dryRun: boolean;
  /** I/O error flags the sender told of */
  ioError: number;
  readonly removable: Removable;
}

export interface PushCounts {
  entries: number;
  totalBytes: number;
  transferred: number;
  created: number;
  literalBytes: number;
  matchedBytes: number;
  deleted: DeleteCounts;
  /** files that could not be received */
  failed: number;
  /** files that the client could not read: it says by I/O error flags what became of them, if it is not older than protocol 30 */
  notSent: number;
  /** --max-delete was reached */
  deletionsStopped: boolean;
}

/** The numbers of the protocol's delete statistics, by type. */
export interface DeleteCounts {
  files: number;
  directories: number;
  symlinks: number;
  devices: number;
  specials: number;
}

export function newCounts(): PushCounts {
  return {
    entries: 0,
    totalBytes: 0,
    transferred: 0,
    created: 0,
    literalBytes: 0,
    matchedBytes: 0,
    deleted: { files: 0, directories: 0, symlinks: 0, devices: 0, specials: 0 },
    failed: 0,
    notSent: 0,
    deletionsStopped: false,
  };
}

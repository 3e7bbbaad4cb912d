/** Snapshot files (docs/repository.md, "Snapshots"). Field names are restic's. */
export interface Snapshot {
  /** RFC 3339 */
  time: string;
  /** hex ID of the root tree */
  tree: string;
  paths: string[];
  hostname: string;
  username: string;
  uid?: number;
  gid?: number;
  tags?: string[];
  /** hex ID of the snapshot it follows */
  parent?: string;
  program_version?: string;
  summary?: SnapshotSummary;
  /** ours; restic reads past it */
  nightdrop?: NightdropSummary;
}

/**
 * What stands in a snapshot file. restic leaves out what is empty; the fields that are not optional here are always there.
 *
 * @throws when it is no snapshot: an error for the cause only
 */
export function decodeSnapshot(json: string): Snapshot {
  const read = JSON.parse(json) as Partial<Snapshot>;
  const { time, tree, paths = [], hostname = '', username = '' } = read;
  if (typeof tree !== 'string' || !/^[0-9a-f]{64}$/.test(tree)) throw new TypeError('it names no tree');
  if (typeof time !== 'string' || Number.isNaN(Date.parse(time))) throw new TypeError('its time is none');
  if (!areTexts(paths ?? [])) throw new TypeError('its paths are none');
  if (!areTexts([hostname, username])) throw new TypeError('its host and user are none');
  if (read.tags !== undefined && !areTexts(read.tags)) throw new TypeError('its tags are none');
  return { ...read, time, tree, paths: paths ?? [], hostname, username };
}

function areTexts(values: unknown): boolean {
  return Array.isArray(values) && values.every((value) => typeof value === 'string');
}

/** What restic itself notes of a backup. */
export interface SnapshotSummary {
  backup_start: string;
  backup_end: string;
  files_new: number;
  files_changed: number;
  files_unmodified: number;
  dirs_new: number;
  dirs_changed: number;
  dirs_unmodified: number;
  data_blobs: number;
  tree_blobs: number;
  /** bytes */
  data_added: number;
  data_added_packed: number;
  total_files_processed: number;
  total_bytes_processed: number;
}

/** What a push did, and where its snapshot stands among the others. */
export interface NightdropSummary {
  /** counts up within a vault: the greatest is the vault's current state */
  sequence: number;
  complete: boolean;
  address: string;
  /** when the push began and ended, by the server's clock; RFC 3339 */
  started_at: string;
  finished_at: string;
  files_transferred: number;
  deleted: number;
  literal_bytes: number;
  matched_bytes: number;
  wire_in: number;
  wire_out: number;
  stored_bytes: number;
  /** the module's root itself, as a node: it is in no tree */
  root?: unknown;
}

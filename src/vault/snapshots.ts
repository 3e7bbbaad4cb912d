/** The snapshots of a vault as people ask for them. */
import { NightdropError } from '../lib/errors.ts';
import type { Repository } from '../repository/repository.ts';
import type { Snapshot } from '../repository/snapshot.ts';
import { isComplete } from './nodes.ts';

/** What is told of a snapshot. Counts are 0 where a snapshot made by others does not say. */
export interface SnapshotInfo {
  /** 64 hexadecimal digits */
  id: string;
  /** RFC 3339: when the push began; `time` is what restic shows, which never goes back from one to the next */
  started: string;
  time: string;
  complete: boolean;
  hostname: string;
  tags: string[];
  /** hex ID of the root tree */
  tree: string;
  /** everything in it that is no directory, and the sizes of its regular files */
  files: number;
  bytes: number;
  /** files that were new or had changed */
  changed: number;
  deleted: number;
  literalBytes: number;
  matchedBytes: number;
  /** bytes on the wire from and to the client */
  wireIn: number;
  wireOut: number;
  /** bytes added to the repository */
  storedBytes: number;
  /** counts the vault's snapshots up; 0 where restic left it out */
  sequence: number;
  snapshot: Snapshot;
}

/** A name of a snapshot that means none, or more than one. */
export class SnapshotNameError extends NightdropError {
  constructor(message: string) {
    super('ERR_NO_SNAPSHOT', message);
  }
}

/** All snapshots, newest last; incomplete ones stand where they came in. */
export async function listSnapshots(repository: Repository): Promise<SnapshotInfo[]> {
  const found: SnapshotInfo[] = [];
  for await (const { id, snapshot } of repository.snapshots()) found.push(describe(id, snapshot));
  return inOrder(found);
}

/**
 * @param name an ID or the beginning of one, a time (the newest complete snapshot that is not later; RFC 3339 or what
 *   Date.parse takes; a day stands for its last moment in local time), or `latest`, which never means an incomplete one
 * @throws SnapshotNameError
 */
export function resolveSnapshot(snapshots: SnapshotInfo[], name: string): SnapshotInfo {
  if (name === 'latest') return latest(snapshots);
  if (/^[0-9a-f]{4,64}$/.test(name)) {
    const matching = snapshots.filter(({ id }) => id.startsWith(name));
    if (matching.length === 1) return matching[0];
    if (matching.length > 1)
      throw new SnapshotNameError(
        `${name} is the beginning of ${matching.length} snapshots: ${matching.map(({ id }) => id.slice(0, 12)).join(', ')}`,
      );
  }
  // a day means its end, here
  const time = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(name) ? `${name}T23:59:59.999` : name);
  // a year alone is more likely a short ID
  if (!Number.isNaN(time) && /[-:T]/.test(name)) return at(snapshots, time, name);
  throw new SnapshotNameError(
    `there is no snapshot ${name}; give an ID, at least four digits of one, a time, or latest`,
  );
}

function latest(snapshots: SnapshotInfo[]): SnapshotInfo {
  const complete = snapshots.filter((s) => s.complete);
  if (complete.length > 0) return complete.reduce((a, b) => (Date.parse(b.time) >= Date.parse(a.time) ? b : a));
  if (snapshots.length === 0) throw new SnapshotNameError('there is no snapshot yet');
  throw new SnapshotNameError('there is no complete snapshot yet; an incomplete one can be named by its ID');
}

function at(snapshots: SnapshotInfo[], time: number, name: string): SnapshotInfo {
  // to the second: that is how times are shown
  const before = snapshots.filter((s) => s.complete && Math.floor(Date.parse(s.time) / 1000) * 1000 <= time);
  if (before.length === 0) throw new SnapshotNameError(`there is no complete snapshot of ${name} or earlier`);
  return latest(before);
}

function describe(id: string, snapshot: Snapshot): SnapshotInfo {
  const { summary, nightdrop, time } = snapshot;
  return {
    id,
    started: nightdrop?.started_at ?? summary?.backup_start ?? time,
    time,
    complete: isComplete(snapshot),
    hostname: snapshot.hostname,
    tags: snapshot.tags ?? [],
    tree: snapshot.tree,
    files: summary?.total_files_processed ?? 0,
    bytes: summary?.total_bytes_processed ?? 0,
    changed: (summary?.files_new ?? 0) + (summary?.files_changed ?? 0),
    deleted: nightdrop?.deleted ?? 0,
    literalBytes: nightdrop?.literal_bytes ?? 0,
    matchedBytes: nightdrop?.matched_bytes ?? 0,
    wireIn: nightdrop?.wire_in ?? 0,
    wireOut: nightdrop?.wire_out ?? 0,
    storedBytes: nightdrop?.stored_bytes ?? summary?.data_added_packed ?? 0,
    sequence: nightdrop?.sequence ?? 0,
    snapshot,
  };
}

/** By sequence; those that have none stand by their time among the others. */
function inOrder(snapshots: SnapshotInfo[]): SnapshotInfo[] {
  const byTime = (a: SnapshotInfo, b: SnapshotInfo) =>
    Date.parse(a.time) - Date.parse(b.time) || (a.id < b.id ? -1 : 1);
  const counted = snapshots.filter((s) => s.sequence > 0).sort((a, b) => a.sequence - b.sequence || byTime(a, b));
  const others = snapshots.filter((s) => s.sequence === 0).sort(byTime);
  const ordered: SnapshotInfo[] = [];
  for (const snapshot of counted) {
    while (others.length > 0 && byTime(others[0], snapshot) < 0) ordered.push(others.shift()!);
    ordered.push(snapshot);
  }
  return [...ordered, ...others];
}

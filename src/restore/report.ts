import { printable } from '../lib/names.ts';

/** What kinds of attributes could not be set, as a person is told. */
export type UnsetKind =
  | 'owner'
  | 'mode'
  | 'set-ID bits'
  | 'device'
  | 'special file'
  | 'time'
  | 'ACL'
  | `xattr ${'user' | 'trusted' | 'security' | 'system' | 'other'}.*`;

export interface Unset {
  count: number;
  /** printable path of the first one, and why it failed */
  example: string;
  reason: string;
}

/** What a restore did; sizes in bytes. Also handed to `progress` while it runs. */
export interface RestoreReport {
  files: number;
  directories: number;
  symlinks: number;
  /** fifos, sockets and devices */
  specials: number;
  hardLinks: number;
  /** content written, holes included */
  bytes: number;
  /** files that were there already with the same size and mtime, and their content */
  keptFiles: number;
  keptBytes: number;
  /** objects removed because the snapshot does not hold them */
  removed: number;
  /** objects that could not be restored; each was told to onWarning */
  failed: number;
  /** what could not be set, by kind */
  unset: Map<UnsetKind, Unset>;
}

export function emptyReport(): RestoreReport {
  return {
    files: 0,
    directories: 0,
    symlinks: 0,
    specials: 0,
    hardLinks: 0,
    bytes: 0,
    keptFiles: 0,
    keptBytes: 0,
    removed: 0,
    failed: 0,
    unset: new Map(),
  };
}

export function countUnset(report: RestoreReport, kind: UnsetKind, path: string, reason: string): void {
  const known = report.unset.get(kind);
  if (known) known.count++;
  else report.unset.set(kind, { count: 1, example: printable(path), reason });
}

/** One line per kind of what could not be set, the most frequent first, for a person. */
export function describeUnset(report: RestoreReport): string[] {
  const kinds = [...report.unset].sort(([a, x], [b, y]) => y.count - x.count || (a < b ? -1 : 1));
  return kinds.map(
    ([kind, { count, example, reason }]) => `${kind}: not set on ${count} (${reason}; first: ${example})`,
  );
}

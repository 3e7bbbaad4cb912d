import type { Repository } from '../repository.ts';

export type ProblemKind =
  /** an index file that cannot be read, or says what cannot be */
  | 'index'
  /** a snapshot file that cannot be read */
  | 'snapshot'
  /** a pack that is missing, has another length, or whose bytes were changed */
  | 'pack'
  /** a blob that is damaged, or that a file needs and no pack has */
  | 'blob'
  /** a tree that is missing, cannot be read, or says what cannot be */
  | 'tree'
  /** no damage: a pack that no index file names, space that prune gives back */
  | 'unused-pack';

export interface Problem {
  kind: ProblemKind;
  /** hex ID of the file or blob */
  id: string;
  /** one sentence; names of client files in it are printable */
  message: string;
}

export interface CheckProgress {
  step: 'indexes' | 'data' | 'snapshots' | 'trees';
  done: number;
  /** undefined where it is not known beforehand */
  total: number | undefined;
}

export interface CheckReport {
  /** nothing is lost or damaged; there may be unused packs */
  ok: boolean;
  /** in the order found, the first 10,000 */
  problems: Problem[];
  /** how many more there are */
  unlisted: number;
  indexes: number;
  /** packs that index files name and that are there */
  packs: number;
  unusedPacks: number;
  snapshots: number;
  trees: number;
  /** blobs that index files name, copies counted */
  blobs: number;
  /** bytes of packs read, with readData */
  bytesRead: number;
}

/** What the steps of a check share. */
export interface CheckContext {
  repository: Repository;
  report: CheckReport;
  problem: (kind: ProblemKind, id: string, message: string) => void;
  progress: (step: CheckProgress['step'], done: number, total?: number) => void;
}

/** The sentence of an error, whatever was thrown. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

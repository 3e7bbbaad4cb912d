/** Looks a whole repository over and names everything that is wrong with it (docs/repository.md, "Check"). */
import { checkData } from './check/data.ts';
import { checkIndexes } from './check/indexes.ts';
import type { CheckContext, CheckProgress, CheckReport, Problem } from './check/report.ts';
import { checkSnapshots, snapshotNames } from './check/snapshots.ts';
import type { Repository } from './repository.ts';

export type { CheckProgress, CheckReport, Problem, ProblemKind } from './check/report.ts';

export interface CheckOptions {
  /** also reads every pack: hashes, unseals and decompresses all of it */
  readData?: boolean;
  /** told now and then; what it throws ends the check */
  onProgress?: (progress: CheckProgress) => void;
  /** told of every problem as it is found */
  onProblem?: (problem: Problem) => void;
}

/** Problems the report holds at most; a lost pack may be missing in a million files. */
const LISTED_PROBLEMS = 10_000;

/**
 * Checks that every index file can be read, every pack they name is there in its full length, every snapshot's trees
 * can be read, and every blob they need is in an index; with `readData`, every byte of every pack. Never stops at a
 * problem. The caller holds a lock; what a push stores meanwhile is left to the next check. Memory: some 60 bytes for each blob, and the largest tree.
 */
export async function checkRepository(repository: Repository, options: CheckOptions = {}): Promise<CheckReport> {
  const report: CheckReport = {
    ok: true,
    problems: [],
    unlisted: 0,
    indexes: 0,
    packs: 0,
    unusedPacks: 0,
    snapshots: 0,
    trees: 0,
    blobs: 0,
    bytesRead: 0,
  };
  const context: CheckContext = {
    repository,
    report,
    problem: (kind, id, message) => {
      const problem: Problem = { kind, id, message };
      if (kind !== 'unused-pack') report.ok = false;
      if (report.problems.length < LISTED_PROBLEMS) report.problems.push(problem);
      else report.unlisted++;
      options.onProblem?.(problem);
    },
    progress: (step, done, total) => options.onProgress?.({ step, done, total }),
  };
  // before the index files: what a snapshot needs is in one of them by then
  const snapshots = await snapshotNames(context);
  const table = await checkIndexes(context);
  if (options.readData) await checkData(context, table);
  await checkSnapshots(context, table, snapshots);
  return report;
}

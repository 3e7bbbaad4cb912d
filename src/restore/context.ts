import { randomBytes } from 'node:crypto';
import { NightdropError } from '../lib/errors.ts';
import { printable } from '../lib/names.ts';
import type { Budget } from './budget.ts';
import type { HardLinks } from './hard-links.ts';
import type { Jobs } from './jobs.ts';
import type { RestoreReport } from './report.ts';
import type { TreeSource } from './tree-source.ts';

/** What happens to an object of the target that stands where the snapshot has one. */
export type ExistingPolicy =
  /** files of equal size and mtime keep their content, everything else is replaced */
  | 'update'
  /** everything is written anew */
  | 'replace'
  /** what is there stays as it is; only what is missing is restored */
  | 'keep'
  /** an object in the way is a failure, and stays */
  | 'refuse';

export interface RestoreWarning {
  /** printable path below the target */
  path: string;
  code: string;
  message: string;
}

/** What all steps of one restore share. */
export interface Context {
  source: TreeSource;
  existing: ExistingPolicy;
  delete: boolean;
  report: RestoreReport;
  progress: (report: RestoreReport) => void;
  onWarning: (warning: RestoreWarning) => void;
  jobs: Jobs;
  budget: Budget;
  links: HardLinks;
  /** the target itself; everything is opened from here, component by component */
  root: number;
}

/** Errors after which going on makes no sense: the target takes no more. */
const FATAL = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENODEV']);

export class RestoreError extends NightdropError {}

/** Tells of an object that could not be restored and counts it; throws when the whole restore has to end. */
export function fail(context: Context, path: string, error: unknown): void {
  const code = (error as NodeJS.ErrnoException).code ?? 'ERR_UNKNOWN';
  const message = error instanceof Error ? error.message : String(error);
  if (FATAL.has(code)) {
    throw new RestoreError(code, `${printable(path)}: ${message}; the restore ends here`, { cause: error });
  }
  context.report.failed++;
  context.onWarning({ path: printable(path), code, message });
}

export function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** A name no snapshot is likely to hold; what a killed restore leaves under it, `--delete` removes. */
export function temporaryName(): string {
  return `.nightdrop-${randomBytes(9).toString('base64url')}`;
}

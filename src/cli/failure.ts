import { NightdropError } from '../lib/errors.ts';
import { ExitCode } from './exit-codes.ts';

/** The command line asks for what cannot be. */
export class UsageError extends NightdropError {
  constructor(message: string) {
    super('ERR_USAGE', message);
  }
}

const BUSY = new Set(['ERR_VAULT_BUSY', 'ERR_SERVER_RUNS', 'ERR_REPOSITORY_LOCKED']);

export function exitCodeOf(error: unknown): number {
  const { code } = error as { code?: unknown };
  if (error instanceof UsageError) return ExitCode.usage;
  return typeof code === 'string' && BUSY.has(code) ? ExitCode.busy : ExitCode.error;
}

/** A sentence for standard error; the stack of a defect only where NIGHTDROP_DEBUG asks for it. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return `nightdrop: ${String(error)}`;
  if (process.env.NIGHTDROP_DEBUG && error.stack !== undefined) return error.stack;
  return error.message
    .split('\n')
    .map((line) => `nightdrop: ${line}`)
    .join('\n');
}

import { NightdropError } from '../lib/errors.ts';

/** The state beside the repository is missing, damaged or not the repository's: it has to be rebuilt. Nothing is lost. */
export class StateDamagedError extends NightdropError {
  constructor(message: string, cause?: unknown) {
    super('ERR_STATE_DAMAGED', message, { cause });
  }
}

/** Another push, or a command that writes, holds the vault. */
export class LeaseBusyError extends NightdropError {
  constructor(message: string) {
    super('ERR_VAULT_BUSY', message, { rsyncExit: 5 });
  }
}

import { NightdropError } from '../lib/errors.ts';

/** Something stored is not what it should be: which file, and what is wrong with it. */
export class RepositoryDamagedError extends NightdropError {
  constructor(message: string, cause?: unknown, code = 'ERR_REPOSITORY_DAMAGED') {
    super(code, message, { cause });
  }
}

import { readFileSync, statSync } from 'node:fs';
import { NightdropError } from '../../lib/errors.ts';

const LONGEST_FILE = 1 << 20;
const LONGEST_LINE = 1023;

/** A secrets file that stock rsyncd would not use, or that cannot be read. The message completes 'FILE …'. */
export class SecretsFileError extends NightdropError {
  constructor(message: string, cause?: unknown) {
    super('ERR_SECRETS_FILE', message, { cause });
  }
}

/**
 * The secrets of users, by name: of each the first line. Lines that begin with # are comments, with @ secrets of groups.
 * @param strict as "strict modes": others can neither read nor write the file
 * @throws SecretsFileError
 */
export function readSecretsFile(file: string, strict: boolean): Map<string, string> {
  const secrets = new Map<string, string>();
  for (const line of content(file, strict).split(/[\r\n]+/)) {
    const colon = line.indexOf(':');
    if (colon < 1 || line.startsWith('#') || line.startsWith('@') || line.length > LONGEST_LINE) continue;
    const user = line.slice(0, colon);
    if (!secrets.has(user)) secrets.set(user, line.slice(colon + 1));
  }
  return secrets;
}

function content(file: string, strict: boolean): string {
  try {
    const { mode, uid, size } = statSync(file);
    if (strict && (mode & 0o006) !== 0) {
      throw new SecretsFileError('can be read or written by others, so rsyncd takes no login from it: chmod o-rw it');
    }
    if (strict && process.geteuid?.() === 0 && uid !== 0) {
      throw new SecretsFileError('is not owned by root, so rsyncd takes no login from it: chown it');
    }
    if (size > LONGEST_FILE) throw new SecretsFileError(`is longer than ${LONGEST_FILE} bytes`);
    return readFileSync(file, 'latin1');
  } catch (error) {
    if (error instanceof SecretsFileError) throw error;
    throw new SecretsFileError(`cannot be read: ${(error as Error).message}`, error);
  }
}

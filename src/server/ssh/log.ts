import { renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { destination } from 'pino';
import type { LogSettings } from '../../config/settings.ts';
import { createLog, type Logger } from '../log.ts';

/** Beyond this a new file is begun, and the one before the last goes: a stolen key must not fill the disk with lines. */
const LONGEST_FILE = 16 << 20;

/**
 * The log of ssh sessions, DATA/ssh.log: their standard error is the client's, and the server's log is another process's.
 * Lines are appended whole, also where sessions write at once. A file that was moved away is made anew.
 */
export function openSessionLog(dataDir: string, settings: LogSettings): Logger {
  const file = path.join(dataDir, 'ssh.log');
  rotate(file);
  const to = destination({ dest: file, append: true, sync: true, mode: 0o600 });
  to.on('error', () => undefined); // a full disk: no reason to fail
  return createLog({ ...settings, format: settings.format === 'text' ? 'text' : 'json' }, to).child({ via: 'ssh' });
}

function rotate(file: string): void {
  try {
    if (statSync(file).size > LONGEST_FILE) renameSync(file, `${file}.1`);
  } catch {
    // there is none yet, or another session was faster
  }
}

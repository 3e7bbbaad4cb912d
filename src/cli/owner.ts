import { statSync } from 'node:fs';
import { shellWord } from '../lib/shell-word.ts';

/** What root makes in the data folder of another user is root's: the server, which is that user, cannot read it. */
export function warnOfRoot(dataDir: string): void {
  const { uid } = statSync(dataDir);
  if (process.geteuid?.() !== 0 || uid === 0) return;
  const remedy = `chown -R ${uid} ${shellWord(dataDir)}`;
  process.stderr.write(
    `nightdrop: ${dataDir} belongs to user ${uid}, who cannot read what root has made there now: ${remedy}\n`,
  );
}

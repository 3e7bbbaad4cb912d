/** What options about where content lands mean together (docs/options.md). */
import type { ServerOptions } from './options.ts';

/** --delay-updates needs a directory of its own for the files that wait. */
const DELAYED_DIR = '.~tmp~';
const LONGEST_NAME = 255;

/** Fills in what follows from the options; a sentence when they make no sense together. */
export function settlePlacing(options: ServerOptions): string | undefined {
  const problem = settleBackup(options);
  if (problem !== undefined) return problem;
  if (options.append !== 'no') {
    if (options.wholeFile) return '--append cannot be used with --whole-file';
    options.inplace = true;
  }
  return settlePartialDir(options);
}

function settleBackup(options: ServerOptions): string | undefined {
  // as --backup-dir=. is said by a person who means the destination
  const dir = options.backupDir === undefined ? undefined : cleanDir(options.backupDir);
  if (options.suffix?.includes('/')) return '--suffix cannot contain slashes';
  if (options.backup) options.suffix ??= options.backupDir === undefined ? '~' : '';
  options.backupDir = dir === '' ? undefined : dir;
  if (options.suffix === '' && options.backupDir === undefined && options.backup)
    return dir === ''
      ? '--suffix cannot be empty when --backup-dir is the same as the dest dir'
      : '--suffix cannot be empty without a --backup-dir';
  if (isTooLong(options.backupDir)) return 'the --backup-dir path is WAY too long';
  // backups come into the directories that were sent, so their times are not kept
  if (options.backup && options.backupDir === undefined) options.omitDirTimes = true;
  return undefined;
}

function settlePartialDir(options: ServerOptions): string | undefined {
  if (options.delayUpdates && options.partialDir === '') options.partialDir = DELAYED_DIR;
  if (options.partialDir === '') return undefined;
  if (options.inplace) {
    const one = options.append === 'no' ? 'inplace' : 'append';
    return `--${one} cannot be used with --${options.delayUpdates ? 'delay-updates' : 'partial-dir'}`;
  }
  options.partialDir = cleanDir(options.partialDir);
  if (isTooLong(options.partialDir)) return 'the --partial-dir path is too long';
  if (options.partialDir !== '') options.partial = true;
  // what cannot wait anywhere does not wait
  else options.delayUpdates = false;
  return undefined;
}

/** Without empty parts and `.`, and with `..` resolved where a name precedes it; '' is where one is, '/' the root. */
function cleanDir(path: string): string {
  const absolute = path.startsWith('/');
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts[parts.length - 1] !== '..') parts.pop();
    else if (part !== '..' || !absolute) parts.push(part);
  }
  return (absolute ? '/' : '') + parts.join('/');
}

function isTooLong(path: string | undefined): boolean {
  return path?.split('/').some((part) => part.length > LONGEST_NAME) ?? false;
}

import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { UsageError } from './failure.ts';

/** Used when neither --data nor NIGHTDROP_DATA is given and it is there. */
const DEFAULT_FOLDER = 'nightdrop-data';

export function settingsFile(dataDir: string): string {
  return path.join(dataDir, 'nightdrop.toml');
}

/** Absolute path of the data folder that a command works on. @throws UsageError */
export function dataFolder(command: Command): string {
  const { data } = command.optsWithGlobals<{ data?: string }>();
  const given = data ?? (process.env.NIGHTDROP_DATA || undefined);
  const folder = path.resolve(given ?? DEFAULT_FOLDER);
  if (existsSync(settingsFile(folder)) || existsSync(path.join(folder, 'vaults'))) return folder;
  if (given === undefined) {
    throw new UsageError('no data folder: give --data DIR or set NIGHTDROP_DATA (nightdrop init DIR makes one)');
  }
  throw new UsageError(`${folder} is not a data folder of nightdrop; nightdrop init ${given} makes one`);
}

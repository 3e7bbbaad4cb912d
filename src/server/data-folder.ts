import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { TEMPLATE } from '../config/template.ts';
import { NightdropError } from '../lib/errors.ts';
import { vaultsFolder } from '../vault/layout.ts';

/** Makes a data folder (0700) with its settings file; returns its absolute path. Touches no folder that holds anything. */
export async function initDataFolder(dir: string): Promise<string> {
  const folder = path.resolve(dir);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const present = await readdir(folder);
  if (present.includes('nightdrop.toml')) {
    throw new NightdropError('ERR_DATA_EXISTS', `${folder} is a data folder already`);
  }
  if (present.length > 0) throw new NightdropError('ERR_NOT_EMPTY', `${folder} is not empty`);
  await mkdir(vaultsFolder(folder), { mode: 0o700 });
  await writeFile(path.join(folder, 'nightdrop.toml'), TEMPLATE, { mode: 0o600, flag: 'wx' });
  return folder;
}

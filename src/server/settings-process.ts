/**
 * Reads nightdrop.toml and prints it as JSON. A process of its own, since what checks it (zod) would otherwise stay in
 * the memory of the listener, which needs it once.
 */
import { loadSettings } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { NightdropError } from '../lib/errors.ts';
import { checkRefuseOptions } from './settings-check.ts';

export type SettingsAnswer = { settings: Settings } | { error: string };

function answer(): SettingsAnswer {
  try {
    const settings = loadSettings(process.argv[2]);
    checkRefuseOptions(settings, process.argv[2]);
    return { settings };
  } catch (error) {
    if (!(error instanceof NightdropError)) throw error;
    return { error: error.message };
  }
}

process.stdout.write(JSON.stringify(answer()));

import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Settings } from '../config/settings.ts';
import { NightdropError } from '../lib/errors.ts';
import { moduleFile, NODE_FLAGS } from './module-file.ts';
import type { SettingsAnswer } from './settings-process.ts';

const LONGEST_ANSWER = 16 << 20;

/** The settings as the file has them now; those before a mistake as long as there is one. */
export class SettingsSource {
  private readonly file: string;
  private settings: Settings;
  private version: string;
  private refreshing: Promise<void> | undefined;
  /** told of each version of the file: the mistakes in it, or undefined when it was taken up */
  onChange: (mistakes: string | undefined) => void = () => undefined;

  private constructor(file: string, settings: Settings, version: string) {
    this.file = file;
    this.settings = settings;
    this.version = version;
  }

  /** @throws NightdropError when the file has mistakes */
  static async open(file: string): Promise<SettingsSource> {
    const version = await versionOf(file);
    return new SettingsSource(file, await readSettings(file), version);
  }

  get current(): Settings {
    return this.settings;
  }

  /** Reads the file again if it is another than the last time, or if `always`. Never rejects. */
  refresh(always = false): Promise<void> {
    this.refreshing ??= this.read(always).finally(() => {
      this.refreshing = undefined;
    });
    return this.refreshing;
  }

  private async read(always: boolean): Promise<void> {
    const version = await versionOf(this.file);
    if (version === this.version && !always) return;
    this.version = version;
    try {
      this.settings = await readSettings(this.file);
      this.onChange(undefined);
    } catch (error) {
      this.onChange((error as Error).message);
    }
  }
}

/** Changes whenever the file was written or replaced. */
async function versionOf(file: string): Promise<string> {
  try {
    const { mtimeNs, ctimeNs, size, ino } = await stat(file, { bigint: true });
    return `${mtimeNs} ${ctimeNs} ${size} ${ino}`;
  } catch (error) {
    return `${(error as NodeJS.ErrnoException).code}`;
  }
}

async function readSettings(file: string): Promise<Settings> {
  const child = moduleFile(import.meta.url, 'settings-process');
  const { stdout } = await promisify(execFile)(process.execPath, [...NODE_FLAGS, child, file], {
    maxBuffer: LONGEST_ANSWER,
  });
  const answer = JSON.parse(stdout) as SettingsAnswer;
  if ('error' in answer) throw new NightdropError('ERR_CONFIG', answer.error);
  return answer.settings;
}

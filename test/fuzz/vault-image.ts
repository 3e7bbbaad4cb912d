import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The files of a vault as they were once, to be put back. */
export class VaultImage {
  private readonly files = new Map<string, Buffer>();

  constructor(folder: string) {
    for (const file of filesOf(folder)) this.files.set(file, readFileSync(path.join(folder, file)));
  }

  /** Files named by their hash are left alone; nobody may hold the vault meanwhile. */
  restore(folder: string): void {
    for (const file of filesOf(folder)) if (!this.files.has(file)) rmSync(path.join(folder, file), { force: true });
    for (const [file, bytes] of this.files) {
      const to = path.join(folder, file);
      if (/[0-9a-f]{64}$/.test(file) && existsSync(to)) continue;
      mkdirSync(path.dirname(to), { recursive: true });
      writeFileSync(to, bytes);
    }
  }
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

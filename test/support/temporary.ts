import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';

/** What a helper needs of a test: a place to hang its own end. `TestContext` of node:test is one, its `after` another. */
export interface Scope {
  after(end: () => unknown): void;
}

/** A fresh folder below the system's temporary one; whoever makes it removes it. */
export function makeFolder(name: string): string {
  return mkdtempSync(path.join(tmpdir(), `nightdrop-${name}-`));
}

export function removeFolder(folder: string): void {
  // without root, directories of ours that are not writable would stay
  if (process.geteuid?.() !== 0) spawnSync('chmod', ['-R', 'u+rwx', '--', folder], { stdio: 'ignore' });
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** A fresh folder that is removed when the test ends. */
export function temporaryFolder(scope: Scope, name = 'test'): string {
  const folder = makeFolder(name);
  scope.after(() => removeFolder(folder));
  return folder;
}

/** The scope of a whole test file, for what its tests share. What is hung on it within a hook ends with the file all the same. */
export function fileScope(): Scope {
  const ends: (() => unknown)[] = [];
  after(async () => {
    for (const end of ends.reverse()) await end();
  });
  return { after: (end) => void ends.push(end) };
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** What a helper needs of a test: a place to hang its own end. `TestContext` of node:test is one. */
export interface Scope {
  after(end: () => unknown): void;
}

/** A fresh folder below the system's temporary one, removed when the test ends. */
export function temporaryFolder(scope: Scope, name = 'test'): string {
  const folder = mkdtempSync(path.join(tmpdir(), `nightdrop-${name}-`));
  scope.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

import path from 'node:path';
import { MOST_BULK } from '../../src/push/bulk.ts';
import { newDirectory } from '../../src/push/destination.ts';
import type { Entry } from '../../src/vault/entry.ts';
import { StateStore } from '../../src/vault/state/store.ts';
import { type Scope, temporaryFolder } from '../support/temporary.ts';

/** A list of content IDs that many names can have: a directory may hold three that do. */
const BLOBS = Buffer.alloc(MOST_BULK * 0.3);

export const fileOf = (name: string, blobs: Buffer = BLOBS): Entry => ({
  ...newDirectory(name, 0, 0),
  mode: 0o100644,
  blobs,
});

/** An empty state. */
export function openState(scope: Scope): StateStore {
  const store = StateStore.open(path.join(temporaryFolder(scope, 'state'), 'state.db'));
  scope.after(() => store.close());
  return store;
}

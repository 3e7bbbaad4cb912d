import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The file of a module beside the one that asks, to be run as a process: .ts in a checkout, .js in the package. */
export function moduleFile(importMetaUrl: string, name: string): string {
  const asking = fileURLToPath(importMetaUrl);
  return path.join(path.dirname(asking), name + path.extname(asking));
}

/** What Node needs to run our modules in another process. */
export const NODE_FLAGS: readonly string[] = ['--disable-warning=ExperimentalWarning'];

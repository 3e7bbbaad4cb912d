import { mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { NightdropError } from '../../lib/errors.ts';

/**
 * A repository's folders, made where absent and with names that survive a power cut: a pack in a folder whose name is
 * lost is lost too. That a folder is there does not tell that its name was flushed - whoever made it may have died first -
 * so each is looked after once by every process that writes.
 */
export class DurableFolders {
  private readonly root: string;
  private readonly durable = new Set<string>();

  /** @param root the folder of the repository */
  constructor(root: string) {
    this.root = root;
  }

  /** @param folder the root or below it */
  async ensure(folder: string): Promise<void> {
    if (this.durable.has(folder)) return;
    if (folder === this.root) await makeRoot(folder);
    else await this.makeBelow(dirname(folder), folder);
    this.durable.add(folder);
  }

  private async makeBelow(parent: string, folder: string): Promise<void> {
    await this.ensure(parent);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // one flush is enough for all that are there by now: the 256 of data, say
    const names = await readdir(parent);
    await syncFolder(parent);
    for (const name of names) this.durable.add(join(parent, name));
  }
}

/** What lies above is somebody else's, unless it is made here. */
async function makeRoot(root: string): Promise<void> {
  const first = await mkdir(root, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = root; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Makes names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } catch (error) {
    throw new NightdropError('ERR_FSYNC', `the folder ${path} could not be flushed to disk`, { cause: error });
  } finally {
    await handle.close();
  }
}

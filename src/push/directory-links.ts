import { isDir, isSymlink } from '../lib/stat.ts';
import type { Entry } from '../vault/entry.ts';
import { baseName, dirName, joinPath } from './paths.ts';
import { followPath, newPatience } from './stored-path.ts';

/**
 * Symlinks of the vault that stand for the directories they lead to (--keep-dirlinks, and in the destination's own path).
 * They are looked up in the vault's records, as in a chroot whose root is the module's: nothing leads out of it.
 */
export class DirectoryLinks {
  private readonly real = new Map<string, string>();
  private readonly patience = newPatience();
  private readonly lookUp: (path: string) => Entry | undefined;

  /** @param lookUp what is recorded at a path, without any link followed */
  constructor(lookUp: (path: string) => Entry | undefined) {
    this.lookUp = lookUp;
  }

  /** From now on `path` stands for the directory that it leads to, if it is such a link. */
  follow(path: string): void {
    if (path === '' || this.real.has(path)) return;
    const at = this.resolve(path);
    const entry = this.lookUp(at);
    if (entry === undefined || !isSymlink(entry.mode)) return;
    const directory = this.target(dirName(at), entry.target);
    if (directory !== undefined) this.real.set(path, directory);
  }

  /** The path with the links in it that are followed taken for what they stand for. */
  resolve(path: string): string {
    if (this.real.size === 0) return path;
    for (let at = path; at !== ''; at = dirName(at)) {
      const directory = this.real.get(at);
      if (directory !== undefined) return joinPath(directory, path.slice(at.length + 1));
    }
    return path;
  }

  /** Where a link leads that lies in `directory`; undefined when that is no directory. */
  private target(directory: string, target: string): string | undefined {
    const found = followPath({ entry: this.lookUp }, directory, target, this.patience);
    if (found === undefined || found === '') return found;
    return isDir(this.lookUp(found)!.mode) ? found : undefined;
  }
}

/** An entry under the name that its path has. */
export function named(entry: Entry, path: string): Entry {
  const name = baseName(path);
  return entry.name === name ? entry : { ...entry, name };
}

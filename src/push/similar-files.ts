import { isFile } from '../lib/stat.ts';
import type { FileEntry } from '../rsync/entry.ts';
import type { Entry } from '../vault/entry.ts';
import { nameDistance, type SplitName, splitName, stepsOf, TOO_FAR } from './name-distance.ts';
import { baseName, dirName, relativePath } from './paths.ts';
import type { PushSession } from './session.ts';

/** Steps of comparing names, one for each pair of their bytes: of one file, and of a whole push. */
const MOST_STEPS = 20_000_000;
const MOST_STEPS_IN_ALL = 2_000_000_000;
/** An entry of a directory that is entered, in such steps: a client may have two of them entered in turn. */
const STEPS_OF_ENTERING = 50;
/** Files of one size whose times are looked at. */
const MOST_OF_ONE_SIZE = 1000;
/** Files remembered that this push has deleted. */
const MOST_DELETED = 20_000;

interface Candidate {
  entry: Entry;
  /** made when names are compared */
  name: SplitName | undefined;
}

export interface SimilarFile {
  entry: Entry;
  /** a stock receiver would not have it any more */
  deleted: boolean;
}

/**
 * --fuzzy: of the files in the directory of one that is new, the one that it may have been: of the same size and time, else
 * the one with the most similar name. Given twice, the other places to compare with are searched too. A file that this
 * push has deleted counts: its content is there still.
 */
export class SimilarFiles {
  private readonly session: PushSession;
  private directory: string | undefined;
  private candidates: Candidate[] = [];
  private bySize = new Map<number, Entry[]>();
  private stepsLeft = MOST_STEPS_IN_ALL;
  private readonly deleted = new Map<string, Set<Entry>>();
  private deletedCount = 0;

  constructor(session: PushSession) {
    this.session = session;
  }

  noteDeleted(path: string, entry: Entry): void {
    if (!isCandidate(entry) || this.deletedCount >= MOST_DELETED) return;
    this.deletedCount++;
    const directory = dirName(path);
    const there = this.deleted.get(directory);
    if (there === undefined) this.deleted.set(directory, new Set([entry]));
    else there.add(entry);
  }

  find(file: FileEntry, path: string): SimilarFile | undefined {
    this.enter(dirName(path));
    const entry = this.sameSizeAndTime(file) ?? this.similarName(baseName(path));
    if (entry === undefined) return undefined;
    return { entry, deleted: this.deleted.get(this.directory!)?.has(entry) ?? false };
  }

  private enter(directory: string): void {
    if (this.directory === directory) return;
    this.directory = directory;
    this.candidates = [];
    this.bySize = new Map();
    if (this.stepsLeft <= 0) return;
    const { destination, options, altDests, base } = this.session;
    this.add(destination.list(directory) ?? []);
    this.add(this.deleted.get(directory) ?? []);
    if (options.fuzzy < 2 || altDests === undefined) return;
    const relative = relativePath(base, directory);
    for (const place of altDests.locate(relative)) if (place !== undefined) this.add(destination.list(place) ?? []);
  }

  private add(entries: Iterable<Entry>): void {
    for (const entry of entries) {
      this.stepsLeft -= STEPS_OF_ENTERING;
      if (!isCandidate(entry)) continue;
      this.candidates.push({ entry, name: undefined });
      const same = this.bySize.get(entry.size);
      if (same === undefined) this.bySize.set(entry.size, [entry]);
      else same.push(entry);
    }
  }

  private sameSizeAndTime(file: FileEntry): Entry | undefined {
    const window = Math.max(0, this.session.options.modifyWindow);
    return this.bySize
      .get(file.size)
      ?.slice(0, MOST_OF_ONE_SIZE)
      .find(({ mtime }) => Math.abs(mtime - file.mtime) <= window);
  }

  /** The last of the nearest, as far as they can be compared: a client may list names that are made to be slow. */
  private similarName(name: string): Entry | undefined {
    const wanted = splitName(name);
    const end = this.stepsLeft - Math.min(this.stepsLeft, MOST_STEPS);
    let best: Entry | undefined;
    let least = TOO_FAR - 1;
    for (const candidate of this.candidates) {
      candidate.name ??= splitName(candidate.entry.name);
      this.stepsLeft -= stepsOf(candidate.name, wanted, least);
      if (this.stepsLeft <= end) break;
      const distance = nameDistance(candidate.name, wanted, least);
      if (distance > least) continue;
      least = distance;
      best = candidate.entry;
    }
    return best;
  }
}

function isCandidate({ mode, size }: Entry): boolean {
  return isFile(mode) && size > 0;
}

/** Merge files of the filter: read from what is stored, never from the server's own files (docs/protocol.md, "Filters"). */
import { NightdropError, RefusedError, RsyncExit } from '../lib/errors.ts';
import { isFile, isSymlink } from '../lib/stat.ts';
import type { Reading } from '../rsync/filter-levels.ts';
import { clean } from '../rsync/filter-merge.ts';
import { ID_BYTES } from '../vault/content.ts';
import type { Entry } from '../vault/entry.ts';
import { dirName } from './paths.ts';
import type { PushSession } from './session.ts';

/** Bytes of a merge file; longer ones are refused. */
const LONGEST_FILE = 1 << 20;
/** Bytes that are read ahead at one time. */
const MOST_AHEAD = 16 << 20;
/** Links one after another. */
const MOST_LINKS = 8;

/** What steps ask for that want no file, but a turn for others, until the client has read what it was told. */
export const PAUSE = '';

/** Has steps that ask for merge files go on with their content, at once where nothing has to be read. */
export class MergeFiles {
  private readonly session: PushSession;
  private ahead = new Map<string, string>();

  constructor(session: PushSession) {
    this.session = session;
  }

  /** Not a promise when no merge file is there, and no pause needed. */
  carry<T>(steps: Reading<T>): T | Promise<T> {
    for (let step = steps.next(); ; step = steps.next(undefined)) {
      if (step.done) return step.value;
      const answer = this.answer(step.value);
      if (answer !== undefined) return this.carryOn(steps, answer);
    }
  }

  private async pause(): Promise<undefined> {
    const { output, lists } = this.session;
    await new Promise((resolve) => setImmediate(resolve));
    await output.drained();
    lists.throwIfFailed();
  }

  /** Goes through the steps and keeps what they read, in place of what was kept before. */
  async readAhead(steps: Reading<void>): Promise<void> {
    this.ahead = new Map();
    let bytes = 0;
    for (let step = steps.next(); !step.done; ) {
      const entry = this.find(step.value);
      if (entry !== undefined) {
        bytes += entry.size;
        if (bytes > MOST_AHEAD) throw new RefusedError('ERROR: merge files in the destination are too long together');
        this.ahead.set(step.value, await this.load(entry));
      }
      step = steps.next(this.ahead.get(step.value));
    }
  }

  /** The same steps once more, without waiting. */
  carryAhead<T>(steps: Reading<T>): T {
    let step = steps.next();
    while (!step.done) step = steps.next(this.ahead.get(step.value));
    return step.value;
  }

  private async carryOn<T>(steps: Reading<T>, first: Promise<string | undefined>): Promise<T> {
    let step = steps.next(await first);
    while (!step.done) {
      const answer = this.answer(step.value);
      step = steps.next(answer === undefined ? undefined : await answer);
    }
    return step.value;
  }

  private answer(path: string): Promise<string | undefined> | undefined {
    if (path === PAUSE) return this.pause();
    const entry = this.find(path);
    return entry && this.load(entry);
  }

  /** The file at a path from the module's root; a symlink's last name is followed, as in a chroot. */
  private find(path: string): Entry | undefined {
    const { destination } = this.session;
    let at = path;
    let entry = destination.entry(at);
    for (let links = 0; entry !== undefined && isSymlink(entry.mode) && links < MOST_LINKS; links++) {
      at = clean(entry.target.startsWith('/') ? entry.target : `${dirName(at)}/${entry.target}`);
      entry = destination.entry(at);
    }
    return entry !== undefined && isFile(entry.mode) ? entry : undefined;
  }

  /** The content is for the filter alone: neither it nor a part of it goes to the socket or into a message. */
  private async load(entry: Entry): Promise<string> {
    const { pool } = this.session;
    if (entry.size > LONGEST_FILE) throw new RefusedError('ERROR: a merge file in the destination is too long');
    if (entry.blobs.length === 0) return '';
    try {
      // what came in this push may still be on its way into a pack
      if (!this.isStored(entry)) await pool.flush();
      return (await pool.readSmall({ blobs: entry.blobs, most: LONGEST_FILE })).toString('latin1');
    } catch (cause) {
      throw new NightdropError('ERR_MERGE_FILE', 'ERROR: a merge file in the destination cannot be read', {
        rsyncExit: RsyncExit.fileIo,
        forClient: true,
        cause,
      });
    }
  }

  private isStored({ blobs }: Entry): boolean {
    for (let at = 0; at < blobs.length; at += ID_BYTES) {
      if (this.session.store.findBlob(blobs.subarray(at, at + ID_BYTES)) === undefined) return false;
    }
    return true;
  }
}

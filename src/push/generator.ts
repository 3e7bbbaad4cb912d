import { isDevice, isDir, isFile, isSpecial, isSymlink } from '../lib/stat.ts';
import type { FileEntry } from '../rsync/entry.ts';
import { BasisType } from '../rsync/iflags.ts';
import { NDX_DONE } from '../rsync/ndx.ts';
import { Blocked } from './blocked.ts';
import type { DeletePass } from './delete.ts';
import { directoryItem, makeWay } from './directories.ts';
import { fileItem } from './files.ts';
import { linkToLeader } from './links.ts';
import { listItem } from './listing.ts';
import type { Item, ListState } from './lists.ts';
import { errorMessage } from './messages.ts';
import { nodeItem, settleLink, skipLink } from './nodes.ts';
import { isPassedOver } from './passed-over.ts';
import { isBelowAny } from './path-sets.ts';
import { joinPath } from './paths.ts';
import type { PushSession } from './session.ts';
import { shownName } from './target.ts';
import { applyResult } from './transfers.ts';

/** With hard links, so many entries are listed before the first is gone over: links to a later one are known then. */
const HARD_LINK_LOOK_AHEAD = 500;
/** Entries gone over between two looks at what else there is to do. */
const SLICE = 512;

/**
 * Goes over the lists in order, compares every entry with what is stored, and writes requests for what is wanted. It is
 * the only writer of the data channel, so nothing can come between the parts of a request.
 */
export class Generator {
  private readonly session: PushSession;
  private readonly deletes: DeletePass;
  /** directories that could not be made: what is below them is passed over */
  private readonly skipped = new Set<string>();
  /** the client takes no more requests */
  private closed = false;
  private readonly blocked: Blocked;

  constructor(session: PushSession, deletes: DeletePass) {
    this.session = session;
    this.deletes = deletes;
    this.blocked = new Blocked(session);
  }

  /** All lists: until they were gone over, and in incremental mode until each of them was said to be done. */
  async run(): Promise<void> {
    const { lists, agreement } = this.session;
    for (;;) {
      await this.settle(agreement.incremental);
      if (this.looksAhead()) {
        await this.wait();
        continue;
      }
      const list = lists.take();
      if (list !== undefined) await this.passOver(list);
      else if (lists.complete && (!agreement.incremental || lists.allDone())) return;
      else await this.wait();
    }
  }

  private looksAhead(): boolean {
    const { lists, options, counts } = this.session;
    return options.hardLinks && !lists.complete && counts.entries < HARD_LINK_LOOK_AHEAD;
  }

  /**
   * Until nothing is on its way any more, what failed once and was asked for again included. Before protocol 30 a client
   * passes over what it cannot read without a word: that is known when it has answered the phase, `closeTransfers`.
   */
  async finishTransfers(): Promise<void> {
    const { lists, agreement } = this.session;
    const waiting = () => this.session.hardLinks.waitingForDelayed();
    await this.settle(false);
    while (lists.outstanding() > lists.redo.length + waiting()) {
      await this.wait();
      await this.settle(false);
    }
    await this.settle(true);
    while (agreement.protocol >= 30 && lists.outstanding() > waiting()) {
      await this.wait();
      await this.settle(true);
    }
  }

  /** Until all is settled, when nothing can be asked for any more. */
  async closeTransfers(): Promise<void> {
    const { lists, hardLinks } = this.session;
    this.closed = true;
    await this.settle(false);
    while (lists.outstanding() > hardLinks.waitingForDelayed()) {
      await this.wait();
      await this.settle(false);
    }
  }

  /** What --delay-updates put off; hard links to it come after it. */
  async placeDelayed(): Promise<void> {
    this.session.delayed?.place();
    await this.goOverReleased();
  }

  /** Until the client has answered that many phases. */
  async answered(phases: number): Promise<void> {
    while (this.session.lists.phasesAnswered < phases) await this.wait();
  }

  private async wait(): Promise<void> {
    this.session.output.flush();
    await this.session.lists.changed();
  }

  private async passOver(state: ListState): Promise<void> {
    const { session } = this;
    const { list, directory } = state;
    if (directory !== undefined && list.parent >= 0) await this.enter(state, directory);
    let sliceEnd = SLICE;
    for (let i = 0; i < list.entries.length; i++) {
      const file = list.entries[i];
      if (file === undefined) continue;
      const step = this.item(state, file, list.indices?.[i] ?? list.first + i);
      if (step !== undefined) await step;
      if (session.lists.released.length > 0) await this.goOverReleased();
      if (i < sliceEnd) continue;
      sliceEnd = i + SLICE;
      await nextTurn();
      await session.output.drained();
      session.lists.throwIfFailed();
      await this.settle(false);
    }
    await session.output.drained();
    state.passed = true;
  }

  /** In incremental mode a directory is dealt with right before its content. */
  private async enter(state: ListState, directory: FileEntry): Promise<void> {
    const path = this.target(directory);
    if (this.isSkipped(path)) return;
    if (this.session.options.keepDirlinks) this.session.destination.follow(path);
    if (this.session.options.listOnly) return listItem(this.session, directory);
    if (this.isTooLong(directory, path)) return;
    if (this.blocked.stops(directory, path)) return this.blocked.tellUnlisted(directory, path);
    const item = newItem(state, directory, state.list.first - 1, path);
    if (!directoryItem(this.session, this.deletes, item)) {
      this.skipped.add(path);
      return;
    }
    await this.deletes.during(path, state.list, directory.hasContent);
  }

  private item(state: ListState, file: FileEntry, ndx: number): Promise<void> | undefined {
    const { session } = this;
    const path = this.target(file);
    if (this.isSkipped(path)) {
      skipLink(session, newItem(state, file, ndx, path));
      return undefined;
    }
    if (session.options.listOnly) {
      if (!isDir(file.mode) || !session.agreement.incremental) listItem(session, file);
      return undefined;
    }
    if (file.mode === 0) return this.deletes.missing(path);
    if (isDir(file.mode)) {
      if (session.agreement.incremental) return undefined;
      if (session.options.keepDirlinks) session.destination.follow(path);
      if (this.isTooLong(file, path)) return undefined;
      if (this.blocked.stops(file, path)) {
        this.blocked.tellUnlisted(file, path);
        return undefined;
      }
      const item = newItem(state, file, ndx, path);
      if (directoryItem(session, this.deletes, item)) return this.deletes.during(path, state.list, file.hasContent);
      this.skipped.add(path);
      return undefined;
    }
    const item = newItem(state, file, ndx, path);
    if (this.isTooLong(file, path) || this.blocked.stops(file, path)) {
      skipLink(session, item);
      return undefined;
    }
    return this.nonDirectory(item);
  }

  private nonDirectory(item: Item): Promise<void> | undefined {
    makeWay(this.session, item.path);
    const room = this.deletes.prepareRoom(item.path);
    return room === undefined ? this.withRoom(item) : room.then(() => this.withRoom(item));
  }

  private withRoom(item: Item): Promise<void> | undefined {
    const { session } = this;
    const { mode, hardLink } = item.file;
    if (item.attempt === 1 && isPassedOver(session, item)) {
      skipLink(session, item);
      return undefined;
    }
    if (session.options.hardLinks && hardLink >= 0) {
      const leader = session.hardLinks.leader(hardLink);
      if (leader !== undefined) return linkToLeader(session, this.deletes, item, leader);
      if (session.hardLinks.wait(hardLink, item)) {
        item.list.outstanding++;
        return undefined;
      }
    }
    if (isSymlink(mode) || isDevice(mode) || isSpecial(mode)) {
      nodeItem(session, this.deletes, item);
      return undefined;
    }
    if (isFile(mode)) return fileItem(session, this.deletes, item);
    skipLink(session, item);
    return undefined;
  }

  /** Takes in what the receiver has settled, asks again for what failed, and says which lists are done. */
  private async settle(withRedo: boolean): Promise<void> {
    const { lists, output, ndxOut, agreement, destination, options } = this.session;
    for (const { item, result } of lists.settled.drain()) {
      const formerInode = options.inplace ? (destination.entry(item.path)?.inode ?? 0) : undefined;
      const outcome = applyResult(this.session, item, result);
      if (outcome === 'redo') {
        lists.redo.push(item);
        continue;
      }
      item.list.outstanding--;
      if (outcome === 'delayed') {
        this.session.hardLinks.delay(item.file.hardLink);
        continue;
      }
      const entry = outcome === 'stored' ? destination.entry(item.path) : undefined;
      if (entry === undefined) skipLink(this.session, item);
      else settleLink(this.session, item, entry, formerInode);
      await this.goOverReleased();
    }
    if (lists.released.length > 0) await this.goOverReleased();
    if (!withRedo) return;
    for (const item of lists.redo.drain()) {
      item.attempt++;
      item.list.outstanding--;
      const step = fileItem(this.session, this.deletes, item);
      if (step !== undefined) await step;
    }
    if (!agreement.incremental) return;
    for (let state = lists.finished(); state !== undefined; state = lists.finished()) {
      state.done = true;
      ndxOut.write(output.data, NDX_DONE);
      output.touch();
    }
  }

  /** Members of hard-link groups that waited are linked now, or lead in their turn. */
  private async goOverReleased(): Promise<void> {
    const { released } = this.session.lists;
    for (const item of released.drain()) {
      item.list.outstanding--;
      if (this.closed && this.session.hardLinks.leader(item.file.hardLink) === undefined) {
        this.session.counts.failed++;
        skipLink(this.session, item);
        continue;
      }
      const step = this.nonDirectory(item);
      if (step !== undefined) await step;
    }
  }

  private isSkipped(path: string): boolean {
    return this.skipped.has(path) || isBelowAny(this.skipped, path);
  }

  /** The destination and what is below it may be too long together. A directory is passed over with all that it has. */
  private isTooLong(file: FileEntry, path: string): boolean {
    const { session } = this;
    if (!session.destination.isTooLong(path)) return false;
    errorMessage(session, `rsync: [generator] failed to make "${file.path}": File name too long (36)`);
    session.counts.failed++;
    if (isDir(file.mode)) this.skipped.add(path);
    return true;
  }

  private target(file: FileEntry): string {
    return joinPath(this.session.base, shownName(this.session, file));
  }
}

function newItem(list: ListState, file: FileEntry, ndx: number, path: string): Item {
  return {
    ndx,
    list,
    file,
    path,
    iflags: 0,
    alternative: undefined,
    similar: undefined,
    basisType: BasisType.sameName,
    waited: false,
    offered: undefined,
    wantedXattrs: undefined,
    leadsLater: false,
    newSums: undefined,
    attempt: 1,
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

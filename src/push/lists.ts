import { ProtocolError } from '../lib/errors.ts';
import { Queue } from '../lib/queue.ts';
import type { FileEntry, FileList } from '../rsync/entry.ts';
import type { SumHead } from '../rsync/sum-head.ts';
import type { Entry } from '../vault/entry.ts';
import type { FileResult } from '../vault/ingest/pool.ts';
import type { SumsHead, SumsWriter } from '../vault/state/store.ts';
import type { SimilarFile } from './similar-files.ts';

/** Entries listed but not done, above which a client is no longer believed. */
const MOST_ENTRIES_IN_FLIGHT = 20_000_000;

/** One entry of a list on its way through the push. */
export interface Item {
  ndx: number;
  list: ListState;
  file: FileEntry;
  /** path in the vault */
  path: string;
  /** iflags as requested; the reply must say the same */
  iflags: number;
  /** an object in another place that it is compared with in place of one of its own (push/alt-dest.ts) */
  alternative: Entry | undefined;
  /** a file of another name that it may have been (--fuzzy) */
  similar: SimilarFile | undefined;
  /** what the client is told to be the basis (docs/protocol.md, "Item flags") */
  basisType: number;
  /** of a hard-link group: waited for the leader that is in place now */
  waited: boolean;
  /** transfers: what was offered as a basis */
  offered: Offer | undefined;
  /** numbers of xattr values asked for; undefined when the reply holds no xattr answer */
  wantedXattrs: number[] | undefined;
  /** leads its hard-link group once the reply has brought the values of its attributes */
  leadsLater: boolean;
  /** block sums of the new content, being cached while it streams in */
  newSums: { writer: SumsWriter; blockLength: number } | undefined;
  /** 1, or 2 for the second try after a wrong digest */
  attempt: number;
}

/** The sum head sent with a request, and the sums it stands for. */
export interface Offer {
  head: SumHead;
  /** undefined when no sums are offered */
  sums: SumsHead | undefined;
  /** bytes of the stored content whose blocks are offered */
  basisSize: number;
  /** --append: blob IDs of the stored content that the file begins with, and of which no sums are sent */
  prefix?: Buffer;
}

/** A list that was received and not yet given up by both sides. */
export interface ListState {
  list: FileList;
  /** the directory the list is the content of; undefined for the first list */
  directory: FileEntry | undefined;
  /** items that were asked for and are not settled */
  outstanding: number;
  /** the generator has gone over all its entries */
  passed: boolean;
  /** DONE was sent for it */
  done: boolean;
  /** requested items by index, until their reply is here */
  requested: Map<number, Item>;
}

export interface Settled {
  item: Item;
  /** undefined: the client could not send it */
  result: FileResult | undefined;
}

/**
 * The lists in flight, in the order of their indices, and the two queues between receiver and generator: lists that
 * wait to be gone over, and items whose content has been taken in (or not).
 */
export class Lists {
  private states: ListState[] = [];
  /** places among them: of the oldest that the client has not given up, the oldest not told to be done, the next to go over */
  private first = 0;
  private told = 0;
  private next = 0;
  private inFlight = 0;
  readonly settled = new Queue<Settled>();
  readonly redo = new Queue<Item>();
  /** members of hard-link groups that waited, and need not any more */
  readonly released = new Queue<Item>();
  /** no more lists will come */
  complete = false;
  /** phases the client was told are over, and DONEs of its that answer those, not a list */
  phasesTold = 0;
  phasesAnswered = 0;
  private wake: (() => void) | undefined;
  /** something changed since the generator looked last */
  private unseen = false;
  private failure: unknown;
  private failed = false;

  add(list: FileList, directory: FileEntry | undefined): void {
    this.inFlight += list.entries.length;
    if (this.inFlight > MOST_ENTRIES_IN_FLIGHT)
      throw new ProtocolError('the client lists files without end before any of them is done');
    this.states.push({ list, directory, outstanding: 0, passed: false, done: false, requested: new Map() });
    this.notify();
  }

  all(): FileList[] {
    return this.states.slice(this.first).map((state) => state.list);
  }

  /** The next list nobody has gone over yet. */
  take(): ListState | undefined {
    return this.states[this.next] === undefined ? undefined : this.states[this.next++];
  }

  /** Lists that are finished and were not told so: the oldest, if the generator has left it behind. */
  finished(): ListState | undefined {
    const state = this.oldestUntold();
    // of the last list nobody knows that it is before the client says so
    if (state === undefined || (this.told === this.states.length - 1 && !this.complete)) return undefined;
    return state.passed && state.outstanding === 0 ? state : undefined;
  }

  /** They are told in their order. */
  private oldestUntold(): ListState | undefined {
    while (this.states[this.told]?.done) this.told++;
    return this.states[this.told];
  }

  /** The client has given up its oldest list too; false when there is none. */
  drop(): boolean {
    const state = this.states[this.first];
    if (state === undefined) return false;
    if (!state.done) throw new ProtocolError('the client says a file list is done before it is');
    this.first++;
    this.inFlight -= state.list.entries.length;
    if (this.first > this.states.length / 2) this.forgetDropped();
    return true;
  }

  private forgetDropped(): void {
    const { first } = this;
    this.states = this.states.slice(first);
    this.first = 0;
    this.told = Math.max(0, this.told - first);
    this.next -= first;
  }

  /** The client agrees that a phase is over. */
  answerPhase(): void {
    if (this.phasesAnswered >= this.phasesTold) throw new ProtocolError('the client says a phase is over before it is');
    this.phasesAnswered++;
    this.notify();
  }

  allDone(): boolean {
    return this.oldestUntold() === undefined;
  }

  /** Items that were asked for and are neither stored nor given up. */
  outstanding(): number {
    let sum = 0;
    for (let i = this.first; i < this.states.length; i++) sum += this.states[i].outstanding;
    return sum;
  }

  get pending(): number {
    return this.states.length - this.first;
  }

  /** The item that was asked for with index `ndx`. */
  requested(ndx: number): Item {
    const item = this.listOf(ndx)?.requested.get(ndx);
    if (item !== undefined) return item;
    throw new ProtocolError(`the client answers a request that was not made (index ${ndx})`);
  }

  /** The list with the index; a directory's own is the one before those of its list. */
  private listOf(ndx: number): ListState | undefined {
    let low = this.first;
    let high = this.states.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.states[middle].list.first - 1 <= ndx) low = middle + 1;
      else high = middle;
    }
    return low > this.first ? this.states[low - 1] : undefined;
  }

  /** Transfers that were asked for and have had no reply. */
  unanswered(): Item[] {
    return this.states
      .slice(this.first)
      .flatMap((state) => [...state.requested.values()].filter((item) => item.offered !== undefined));
  }

  /** Members of a hard-link group need not wait any more: there may be more of them than a call has arguments. */
  release(items: readonly Item[]): void {
    for (const item of items) this.released.push(item);
  }

  /** @param result undefined: the client could not send it */
  settle(item: Item, result: FileResult | undefined): void {
    this.settled.push({ item, result });
    this.notify();
  }

  /** Wakes the generator; when it is not asleep, it will not fall asleep before it has looked once more. */
  notify(): void {
    const { wake } = this;
    this.wake = undefined;
    if (wake === undefined) this.unseen = true;
    else wake();
  }

  /** Ends the generator's waiting, now and later, with `error`. */
  fail(error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    this.failure = error;
    this.notify();
  }

  throwIfFailed(): void {
    if (this.failed) throw this.failure;
  }

  /** Resolves at the next `notify`, or at once after one that nobody waited for. */
  async changed(): Promise<void> {
    this.throwIfFailed();
    if (this.unseen) {
      this.unseen = false;
      return;
    }
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    this.throwIfFailed();
  }
}

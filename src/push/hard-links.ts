import type { Entry } from '../vault/entry.ts';
import type { Item } from './lists.ts';

/** Who a hard-link group is linked to: its content and attributes are in place. */
export interface Leader {
  /** name as the client knows it */
  name: string;
  entry: Entry;
  /** number that its names had before its content was written in their place (--inplace); else the entry's */
  formerInode: number;
}

interface Pending {
  state: 'pending';
  /** its content is on its way; without one all so far wait for a later one that is there already, or for one handed over */
  leader: Item | undefined;
  waiters: Item[];
  /** so many of them, from the first one on, were handed over */
  taken: number;
  /** leaders that could not be had; each turns the order around in which the others are handed over */
  failures: number;
  /** one that was handed over has not said yet whether it leads */
  trying: boolean;
}

type Group = Pending | { state: 'done'; leader: Leader };

/**
 * Hard-link groups of one push. The first of a group that is there already leads, or else the last known one, which is
 * then asked for; the others become links to it. When it cannot be had, the next one leads (docs/protocol.md, "Hard
 * links").
 */
export class HardLinks {
  private readonly groups = new Map<number, Group>();
  /** index of the last listed member of each group */
  private readonly last = new Map<number, number>();
  /** groups whose leader's content has come, but takes its place only with all others; and how many wait for these */
  private readonly delayed = new Set<number>();
  private waiting = 0;

  /** Notes that the entry with this index belongs to a group; entries are noted in the order in which they are gone over. */
  listed(group: number, ndx: number): void {
    this.last.set(group, ndx);
  }

  /** The settled leader of the group, if there is one. */
  leader(group: number): Leader | undefined {
    const found = this.groups.get(group);
    return found?.state === 'done' ? found.leader : undefined;
  }

  /** Adds one who waits for the leader's transfer; false when no transfer is on its way (then it leads itself). */
  wait(group: number, waiter: Item): boolean {
    const found = this.groups.get(group);
    if (found?.state !== 'pending' || found.leader === undefined) return false;
    found.waiters.push(waiter);
    if (this.delayed.has(group)) this.waiting++;
    return true;
  }

  /** One that is not there waits for a later one, who may be; false when it is the last. */
  defer(group: number, item: Item): boolean {
    const last = this.last.get(group);
    if (last === undefined || last === item.ndx) return false;
    const found = this.groups.get(group);
    if (found?.state === 'pending') found.waiters.push(item);
    else this.groups.set(group, pending(undefined, [item]));
    return true;
  }

  /** The leader's content is asked for. */
  begin(group: number, leader: Item): void {
    const found = this.groups.get(group);
    if (found?.state === 'pending') {
      found.leader = leader;
      found.trying = false;
    } else if (found === undefined) this.groups.set(group, pending(leader, []));
  }

  /** The leader's content has come and waits (--delay-updates). */
  delay(group: number): void {
    const found = this.groups.get(group);
    if (found === undefined || this.delayed.has(group)) return;
    this.delayed.add(group);
    if (found.state === 'pending') this.waiting += found.waiters.length - found.taken;
  }

  /** Members who wait for a leader that waits itself. */
  waitingForDelayed(): number {
    return this.waiting;
  }

  /** The leader is in place: who waited is handed over, to be linked to it. */
  settle(group: number, item: Item, entry: Entry, formerInode: number): Item[] {
    const found = this.groups.get(group);
    this.groups.set(group, { state: 'done', leader: { name: item.file.path, entry, formerInode } });
    if (found?.state !== 'pending') return [];
    const waiters = found.waiters.slice(found.taken);
    this.forgetDelayed(group, waiters.length);
    if (!found.trying) for (const waiter of waiters) waiter.waited = true;
    // the last one first: the order in which a stock receiver tells of them
    return found.failures % 2 === 0 ? waiters.reverse() : waiters;
  }

  /**
   * A member that is not to lead. If it was the leader, or the last that could come, one of the waiters is handed over, the last one
   * first, to be treated as if it had not been there; the others wait for that one.
   */
  fail(group: number, item: Item): Item | undefined {
    const found = this.groups.get(group);
    if (found?.state !== 'pending') return undefined;
    const last = this.last.get(group);
    const others = found.leader === undefined ? last !== undefined && last !== item.ndx : found.leader !== item;
    if (others) return undefined;
    const { length } = found.waiters;
    this.forgetDelayed(group, length - found.taken);
    // nobody comes later any more
    this.last.delete(group);
    if (length === found.taken) {
      this.groups.delete(group);
      return undefined;
    }
    found.leader = undefined;
    found.trying = true;
    found.failures++;
    return found.failures % 2 === 1 ? found.waiters.pop() : found.waiters[found.taken++];
  }

  private forgetDelayed(group: number, waiters: number): void {
    if (this.delayed.delete(group)) this.waiting -= waiters;
  }
}

function pending(leader: Item | undefined, waiters: Item[]): Pending {
  return { state: 'pending', leader, waiters, taken: 0, failures: 0, trying: false };
}

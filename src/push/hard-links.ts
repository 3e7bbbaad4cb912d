import type { Entry } from '../vault/entry.ts';
import type { Item } from './lists.ts';

/** Who a hard-link group is linked to: its content and attributes are in place. */
export interface Leader {
  /** name as the client knows it */
  name: string;
  entry: Entry;
}

type Group = { state: 'pending'; waiters: Item[] } | { state: 'done'; leader: Leader };

/**
 * Hard-link groups of one push. The first of a group to be gone over leads: its content is compared or transferred, the
 * others become links to it. When it cannot be had, the next one leads (docs/protocol.md, "Hard links").
 */
export class HardLinks {
  private readonly groups = new Map<number, Group>();

  /** The settled leader of the group, if there is one. */
  leader(group: number): Leader | undefined {
    const found = this.groups.get(group);
    return found?.state === 'done' ? found.leader : undefined;
  }

  /** Adds one who waits for the leader's transfer; false when no transfer is on its way (then it leads itself). */
  wait(group: number, waiter: Item): boolean {
    const found = this.groups.get(group);
    if (found?.state !== 'pending') return false;
    found.waiters.push(waiter);
    return true;
  }

  /** The leader's content is asked for. */
  begin(group: number): void {
    if (!this.groups.has(group)) this.groups.set(group, { state: 'pending', waiters: [] });
  }

  /** The leader is in place: who waited is handed over, to be linked to it. */
  settle(group: number, item: Item, entry: Entry): Item[] {
    const found = this.groups.get(group);
    this.groups.set(group, { state: 'done', leader: { name: item.file.path, entry } });
    return found?.state === 'pending' ? found.waiters : [];
  }

  /** The leader could not be had: the waiters are handed over, to be treated as if it had not been there. */
  fail(group: number): Item[] {
    const found = this.groups.get(group);
    if (found?.state !== 'pending') return [];
    this.groups.delete(group);
    return found.waiters;
  }
}

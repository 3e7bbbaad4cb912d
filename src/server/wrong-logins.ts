/** Wrong logins after which an address has to wait. */
const FREE_ATTEMPTS = 10;
const FIRST_DELAY_MILLISECONDS = 250;
const LONGEST_DELAY_MILLISECONDS = 8_000;
/** An address that tried nothing wrong for so long starts anew. */
const FORGET_MILLISECONDS = 10 * 60_000;
/** Addresses remembered; the one that failed longest ago goes first. */
const MOST_ADDRESSES = 10_000;

interface Record {
  count: number;
  last: number;
}

/**
 * Counts wrong logins per address. From the tenth on each further login from there, right or wrong, waits twice as long
 * as the one before, up to eight seconds; other addresses do not.
 */
export class WrongLogins {
  /** in the order of the last failure */
  private readonly records = new Map<string, Record>();

  /** Milliseconds that a login from there has to wait. */
  delay(address: string, now = Date.now()): number {
    const count = this.recent(address, now)?.count ?? 0;
    if (count < FREE_ATTEMPTS) return 0;
    return Math.min(LONGEST_DELAY_MILLISECONDS, FIRST_DELAY_MILLISECONDS * 2 ** Math.min(20, count - FREE_ATTEMPTS));
  }

  /** Returns whether this one made the address wait from now on: worth an alert. */
  add(address: string, now = Date.now()): boolean {
    const count = (this.recent(address, now)?.count ?? 0) + 1;
    this.records.delete(address);
    this.records.set(address, { count, last: now });
    if (this.records.size > MOST_ADDRESSES) this.records.delete(this.records.keys().next().value!);
    return count === FREE_ATTEMPTS;
  }

  private recent(address: string, now: number): Record | undefined {
    const record = this.records.get(address);
    return record !== undefined && now - record.last < FORGET_MILLISECONDS ? record : undefined;
  }
}

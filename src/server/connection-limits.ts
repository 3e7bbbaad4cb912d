export interface Limits {
  maxConnections: number;
  maxConnectionsPerAddress: number;
}

/** Connections there are, in all and by address. */
export class ConnectionLimits {
  private readonly byAddress = new Map<string, number>();
  private total = 0;

  get count(): number {
    return this.total;
  }

  /** Counts one more connection, unless a limit forbids it: then says which. */
  enter(address: string, limits: Limits): string | undefined {
    const here = this.byAddress.get(address) ?? 0;
    if (this.total >= limits.maxConnections) return `max connections (${limits.maxConnections}) reached`;
    if (here >= limits.maxConnectionsPerAddress) {
      return `max connections from one address (${limits.maxConnectionsPerAddress}) reached`;
    }
    this.total++;
    this.byAddress.set(address, here + 1);
    return undefined;
  }

  leave(address: string): void {
    this.total--;
    const here = this.byAddress.get(address) ?? 0;
    if (here > 1) this.byAddress.set(address, here - 1);
    else this.byAddress.delete(address);
  }
}

/** What one connection counts as, from accept to its end. */
export class Seat {
  private readonly counts: ConnectionLimits;
  private readonly limits: Limits;
  private address: string | undefined;

  constructor(counts: ConnectionLimits, limits: Limits) {
    this.counts = counts;
    this.limits = limits;
  }

  /** Counts as one of this address, and no more as another. Returns the limit that forbids it: then it counts nowhere. */
  take(address: string): string | undefined {
    return this.enter(address, this.limits);
  }

  /** Counts in all only. */
  takeForProxy(address: string): string | undefined {
    return this.enter(`proxy ${address}`, { ...this.limits, maxConnectionsPerAddress: Number.POSITIVE_INFINITY });
  }

  leave(): void {
    if (this.address !== undefined) this.counts.leave(this.address);
    this.address = undefined;
  }

  private enter(address: string, limits: Limits): string | undefined {
    this.leave();
    const full = this.counts.enter(address, limits);
    if (full === undefined) this.address = address;
    return full;
  }
}

/** Connections there are, in all and by address. */
export class ConnectionLimits {
  private readonly byAddress = new Map<string, number>();
  private total = 0;

  get count(): number {
    return this.total;
  }

  /** Counts one more connection, unless a limit forbids it: then says which. */
  enter(address: string, limits: { maxConnections: number; maxConnectionsPerAddress: number }): string | undefined {
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

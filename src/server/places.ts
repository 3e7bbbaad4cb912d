import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds that a login waits for a place: a client that pushes twice in a row may be faster than the end of its first push. */
const PATIENCE_MILLISECONDS = 1_000;

export interface PlaceLimits {
  /** pushes at once */
  maxSessions: number;
  /** the same into one vault; 0: no limit */
  maxConnections: number;
}

/** Pushes that have logged in, in all and by vault. Only whoever has logged in is told of these limits. */
export class Places {
  private readonly byVault = new Map<string, number>();
  private total = 0;
  private freed: (() => void)[] = [];

  /** Takes a place, which is given back by calling what is returned; or the limit that is reached. */
  async take(vault: string, limits: PlaceLimits): Promise<(() => void) | number> {
    const patience = new AbortController();
    const over = sleep(PATIENCE_MILLISECONDS, undefined, { signal: patience.signal, ref: false }).catch(
      () => undefined,
    );
    void over.then(() => patience.abort());
    try {
      for (;;) {
        const reached = this.limitReached(vault, limits);
        if (reached === undefined) return this.occupy(vault);
        if (patience.signal.aborted) return reached;
        await Promise.race([over, new Promise<void>((resolve) => this.freed.push(resolve))]);
      }
    } finally {
      patience.abort();
    }
  }

  private limitReached(vault: string, { maxSessions, maxConnections }: PlaceLimits): number | undefined {
    if (this.total >= maxSessions) return maxSessions;
    if (maxConnections > 0 && (this.byVault.get(vault) ?? 0) >= maxConnections) return maxConnections;
    return undefined;
  }

  private occupy(vault: string): () => void {
    this.total++;
    this.byVault.set(vault, (this.byVault.get(vault) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.total--;
      const left = (this.byVault.get(vault) ?? 1) - 1;
      if (left > 0) this.byVault.set(vault, left);
      else this.byVault.delete(vault);
      for (const wake of this.freed.splice(0)) wake();
    };
  }
}

/** Runs a bounded number of jobs side by side. Jobs handle their own failures; a throw from one ends the whole. */
export class Jobs {
  private readonly limit: number;
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private failure: { error: unknown } | undefined;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Throws what a job threw, so that whoever starts more of them stops. */
  check(): void {
    if (this.failure) throw this.failure.error;
  }

  /** Starts a job as part of `scope` when there is room; resolves when it has been started. */
  async start(scope: JobScope, job: () => Promise<void>): Promise<void> {
    while (this.running >= this.limit) await new Promise<void>((go) => this.waiting.push(go));
    this.check();
    this.running++;
    scope.enter();
    this.run(job).finally(() => {
      this.running--;
      this.waiting.shift()?.();
      scope.leave();
    });
  }

  /** Runs something of a scope that takes no place of its own (it waits for other jobs). */
  follow(scope: JobScope, act: () => Promise<void>): void {
    scope.enter();
    this.run(act).finally(() => scope.leave());
  }

  private async run(job: () => Promise<void>): Promise<void> {
    try {
      await job();
    } catch (error) {
      this.failure ??= { error };
    }
  }
}

/** The jobs of one directory: its attributes are set when all of them have ended. */
export class JobScope {
  private active = 0;
  private idle: (() => void) | undefined;

  enter(): void {
    this.active++;
  }

  leave(): void {
    this.active--;
    if (this.active === 0) this.idle?.();
  }

  /** Resolves when every job entered so far has left. To be called once, after the last job was started. */
  ended(): Promise<void> {
    if (this.active === 0) return Promise.resolve();
    return new Promise((idle) => {
      this.idle = idle;
    });
  }
}

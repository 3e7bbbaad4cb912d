/** Bytes that may be in memory at once, shared by all files being restored. First come, first served. */
export class Budget {
  private readonly size: number;
  private free: number;
  private readonly waiting: { bytes: number; go: () => void }[] = [];

  constructor(size: number) {
    this.size = size;
    this.free = size;
  }

  /** Resolves when `bytes` are granted. More than the whole is granted when everything else has been given back. */
  acquire(bytes: number): Promise<void> {
    if (this.tryAcquire(bytes)) return Promise.resolve();
    return new Promise((go) => this.waiting.push({ bytes, go }));
  }

  tryAcquire(bytes: number): boolean {
    const wanted = Math.min(bytes, this.size);
    if (this.waiting.length > 0 || wanted > this.free) return false;
    this.free -= wanted;
    return true;
  }

  release(bytes: number): void {
    this.free += Math.min(bytes, this.size);
    while (this.waiting.length > 0) {
      const wanted = Math.min(this.waiting[0].bytes, this.size);
      if (wanted > this.free) return;
      this.free -= wanted;
      this.waiting.shift()?.go();
    }
  }
}

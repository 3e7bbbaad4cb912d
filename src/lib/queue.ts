/** First in, first out. An array's own `shift` moves all that is left, once there are some ten thousand. */
export class Queue<T> {
  private items: T[] = [];
  private taken = 0;

  get length(): number {
    return this.items.length - this.taken;
  }

  push(item: T): void {
    this.items.push(item);
  }

  /** The oldest; undefined when there is none. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.items[this.taken++];
    if (this.taken > this.items.length / 2) {
      this.items = this.items.slice(this.taken);
      this.taken = 0;
    }
    return item;
  }

  /** Takes one after the other until there is none, those included that are added meanwhile. */
  *drain(): Generator<T> {
    while (this.length > 0) yield this.shift()!;
  }
}

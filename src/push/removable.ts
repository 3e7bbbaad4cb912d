import { MessageTag } from '../rsync/mux.ts';
import type { ServerOptions } from '../rsync/options.ts';
import type { Output } from './output.ts';

/**
 * --remove-source-files: what the client may remove, because it is in place. It is told only when the snapshot that holds
 * it is durable (docs/protocol.md, "Removal at the client"); a push that ends before tells nothing, and nothing is removed.
 */
export class Removable {
  /** indices of the client's list */
  private readonly indices: number[] = [];
  private readonly options: ServerOptions;

  constructor(options: ServerOptions) {
    this.options = options;
  }

  /** The content of unchanged files counts too, so it has to be there. */
  get includesUnchanged(): boolean {
    return this.options.removesSource === 'all';
  }

  /** An object whose content or value has just come. `old`: also with the older --remove-sent-files. */
  made(ndx: number, old = true): void {
    if (this.options.removesSource === 'all' || (old && this.options.removesSource === 'sent')) this.indices.push(ndx);
  }

  /** An object that was there already, and still is. */
  unchanged(ndx: number): void {
    if (this.options.removesSource === 'all') this.indices.push(ndx);
  }

  /** Tells the client, which removes while it is told. */
  async tell(output: Output): Promise<void> {
    for (const ndx of this.indices) {
      const payload = Buffer.alloc(4);
      payload.writeInt32LE(ndx);
      output.message(MessageTag.success, payload);
      const wait = output.drained();
      if (wait !== undefined) await wait;
    }
  }
}

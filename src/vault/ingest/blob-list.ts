import { NightdropError } from '../../lib/errors.ts';
import { ID_BYTES } from '../content.ts';

/** Blobs of one file above which its tree node is more than restic's readers should have to hold: 4 TiB at 1 MiB each. */
const MOST_BLOBS = 1 << 22;

/** The IDs of a file's blobs, one after another. */
export class BlobList {
  private ids: Buffer = Buffer.allocUnsafeSlow(ID_BYTES);
  private length = 0;

  push(id: Buffer): void {
    if (this.length === this.ids.length) {
      if (this.length >= MOST_BLOBS * ID_BYTES)
        throw new NightdropError('ERR_FILE_TOO_LARGE', 'a file is of more pieces than can be stored', {
          forClient: true,
        });
      const larger = Buffer.allocUnsafeSlow(2 * this.length);
      this.ids.copy(larger);
      this.ids = larger;
    }
    this.length += id.copy(this.ids, this.length);
  }

  /** A view. */
  get bytes(): Buffer {
    return this.ids.subarray(0, this.length);
  }
}

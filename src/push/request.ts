import type { Duplex } from 'node:stream';
import type { VaultPolicy } from '../vault/policy.ts';

/** One authenticated connection, ready for its arguments ('@RSYNCD: OK' has been sent), or for what follows those. */
export interface PushRequest {
  socket: Duplex;
  /** bytes that arrived after the login's answer and were read already */
  initial: Buffer;
  /** the smaller of both sides' protocol numbers, 27..32 */
  protocol: number;
  /**
   * arguments that came in another way than over this connection (with the command, over ssh): their destination is a path
   * inside the vault, without a module before it. undefined: the client sends them now. latin1-tagged
   */
  args?: string[];
  /** tells what went wrong before there are frames to tell it in: a sentence for the client. Over ssh, its standard error */
  sayEarly?(sentence: string): void;
  /** the module named by the client, which is the vault's name */
  vault: string;
  /** folder of the vault (vault/layout.ts) */
  vaultDir: string;
  /** address of the client, for the log and the snapshot */
  address: string;
  policy: VaultPolicy;
  limits: PushLimits;
}

export interface PushLimits {
  /** seconds a client may be silent; 0: no limit */
  ioTimeout: number;
  /** seconds from accept until the arguments are complete; what is left of it */
  handshakeTimeout: number;
  /** ingest worker threads of one push */
  workers: number;
  /** seconds to wait for another push into the same vault to end */
  leaseWait: number;
}

/** What one push did: the log line, and the snapshot's summary. All sizes in bytes. */
export interface PushReport {
  /** hex ID of the snapshot, undefined when none was made (dry run, refused) */
  snapshot: string | undefined;
  complete: boolean;
  /** exit code the client was told, or that a cut connection amounts to (rsync(1), EXIT VALUES) */
  exitCode: number;
  /** one sentence when exitCode is not 0 */
  error: string | undefined;
  /** stack of an error that is a defect of ours, for the log */
  defect: string | undefined;
  /** what was found wrong with the state, and mended */
  notes: string[];
  /** entries in the client's list */
  entries: number;
  /** regular files whose content was transferred */
  transferred: number;
  created: number;
  deleted: number;
  /** bytes of content that arrived as literals, and that were matched by block sums */
  literalBytes: number;
  matchedBytes: number;
  /** sum of the sizes of all files in the client's list */
  totalBytes: number;
  wireIn: number;
  wireOut: number;
  /** bytes added to the repository, as stored */
  storedBytes: number;
  durationSeconds: number;
}

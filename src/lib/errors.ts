/** rsync's exit codes that a receiver can cause (rsync(1), EXIT VALUES). */
export const RsyncExit = {
  ok: 0,
  syntax: 1,
  protocol: 2,
  fileSelect: 3,
  unsupported: 4,
  startClient: 5,
  socketIo: 10,
  fileIo: 11,
  streamIo: 12,
  messageIo: 13,
  signal: 20,
  partial: 23,
  vanished: 24,
  deleteLimit: 25,
  timeout: 30,
} as const;

export interface ErrorOptions {
  cause?: unknown;
  /** what the rsync client is told to exit with, when the error reaches one */
  rsyncExit?: number;
  /** the message may go to the client: it holds nothing but what the client said or may know anyway */
  forClient?: boolean;
}

/**
 * Every failure that a person may read: a stable `code`, one sentence that says what was wrong and what to do, and the
 * cause. Messages never hold stored content or secrets; file names in them go through `printable` (lib/names.ts).
 */
export class NightdropError extends Error {
  readonly code: string;
  readonly rsyncExit: number | undefined;
  /** unless set, a client is told less than the message says (push/client-sentence.ts) */
  readonly forClient: boolean;

  constructor(code: string, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.rsyncExit = options.rsyncExit;
    this.forClient = options.forClient ?? false;
  }
}

/** The peer broke the rsync protocol: the connection ends, what was committed stays. */
export class ProtocolError extends NightdropError {
  constructor(message: string, options: ErrorOptions = {}) {
    super('ERR_PROTOCOL', message, { rsyncExit: RsyncExit.protocol, forClient: true, ...options });
  }
}

/** The client asks for something nightdrop does not carry or does not allow. */
export class RefusedError extends NightdropError {
  constructor(message: string, options: ErrorOptions = {}) {
    super('ERR_REFUSED', message, { rsyncExit: RsyncExit.unsupported, forClient: true, ...options });
  }
}

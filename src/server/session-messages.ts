import type { PushReport, PushRequest } from '../push/request.ts';

/** A request as it travels to a session process: the socket goes beside it. */
export interface PushOrder extends Omit<PushRequest, 'socket' | 'initial'> {
  /** base64 */
  initial: string;
}

/** From the listener to a session process. */
export type ToSession =
  | { type: 'push'; order: PushOrder }
  /** look after a vault; after all, one after another, when none is named */
  | { type: 'recover'; dataDir: string; vault: string | undefined }
  /** end what is under way as if the client had gone */
  | { type: 'cut'; reason: string };

/** From a session process to the listener. */
export type FromSession =
  | { type: 'report'; report: PushReport }
  | { type: 'recovered'; vault: string; notes: string[] }
  /** a defect or a fault of the machine: for the log, never for the client */
  | { type: 'failed'; vault?: string; message: string; stack?: string };

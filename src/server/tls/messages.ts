import type { TlsFiles } from './files.ts';

/** From the listener to a TLS process. */
export type ToTls =
  /** read the files if they have changed, or in any case */
  | { type: 'load'; files: TlsFiles; always: boolean }
  /** a connection, whose socket goes beside this; `initial`, base64, was read of it already. The other end follows */
  | { type: 'raw'; id: number; files: TlsFiles; initial: string }
  /** the end of a socket pair through which that connection's peer is to speak in clear */
  | { type: 'clear'; id: number };

/** What a TLS handshake told. */
export interface Handshake {
  /** 'TLSv1.3' */
  protocol: string;
  cipher: string;
  /** vaults that the client's certificate names; undefined when it showed none */
  names: string[] | undefined;
  /** why it must not go on: a sentence for the client */
  refusal: string | undefined;
}

/** From a TLS process to the listener. */
export type FromTls =
  /** these files are in use from now on; `notAfter` in milliseconds since epoch */
  | { type: 'loaded'; version: string; certificate: string; subject: string; notAfter: number }
  /** these cannot be: those before them stay in use, if there were any */
  | { type: 'unusable'; version: string; message: string }
  | { type: 'secured'; id: number; handshake: Handshake }
  /** `gone`: the peer closed the connection */
  | { type: 'failed'; id: number; reason: string; gone: boolean }
  /** the connection is over */
  | { type: 'ended'; id: number };

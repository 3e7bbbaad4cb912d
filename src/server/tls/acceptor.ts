import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls';
import type { TlsSettings } from '../../config/settings.ts';
import { clientNames } from './client-names.ts';
import type { Handshake } from './messages.ts';

/** The listener keeps time (server/visit.ts): longer than any handshake_timeout. */
const LONGEST_HANDSHAKE_MILLISECONDS = 4_000_000;

/** The handshake came to nothing. */
export class HandshakeError extends Error {
  /** the peer closed the connection */
  readonly gone: boolean;

  constructor(message: string, gone: boolean) {
    super(message);
    this.gone = gone;
  }
}

interface Waiting {
  resolve(socket: TLSSocket): void;
  reject(error: Error): void;
}

/** TLS as one set of files has it. It listens nowhere: connections are given to it. */
export class TlsAcceptor {
  private readonly server: Server;
  private readonly clients: TlsSettings['clientCertificates'];
  /** by both ends' addresses and ports: a TLSSocket does not tell which socket it was made from */
  private readonly waiting = new Map<string, Waiting>();

  constructor(options: SecureContextOptions, clients: TlsSettings['clientCertificates']) {
    this.clients = clients;
    // a ticket would bring back what a certificate was worth when it was given
    const noTicket = clients === 'no' ? 0 : constants.SSL_OP_NO_TICKET;
    this.server = createServer({
      ...options,
      minVersion: 'TLSv1.2',
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | noTicket,
      requestCert: clients !== 'no',
      // refused in rsync's words: a client shows these, and of a TLS alert only a number
      rejectUnauthorized: false,
      handshakeTimeout: LONGEST_HANDSHAKE_MILLISECONDS,
    });
    this.server.on('secureConnection', (socket) => this.settle(socket, ({ resolve }) => resolve(socket)));
    this.server.on('tlsClientError', (error, socket) =>
      this.settle(socket, ({ reject }) => reject(new HandshakeError(reasonOf(error), isGone(error)))),
    );
  }

  /** Resolves when the handshake is done. @throws HandshakeError */
  accept(raw: Socket): Promise<TLSSocket> {
    const key = endsOf(raw);
    if (key === undefined) return Promise.reject(new HandshakeError('the peer is gone', true));
    return new Promise((resolve, reject) => {
      const waiting = { resolve, reject };
      this.waiting.set(key, waiting);
      raw.once('close', () => {
        if (this.waiting.get(key) !== waiting) return;
        this.waiting.delete(key);
        reject(new HandshakeError('the peer closed the connection', true));
      });
      this.server.emit('connection', raw);
    });
  }

  /** What became of it, and whether it may go on. */
  told(socket: TLSSocket): Handshake {
    const certificate = this.clients === 'no' ? undefined : socket.getPeerX509Certificate();
    return {
      protocol: socket.getProtocol() ?? 'unknown',
      cipher: socket.getCipher().name,
      names: certificate && socket.authorized ? clientNames(certificate) : undefined,
      refusal: this.refusal(certificate !== undefined, socket),
    };
  }

  private refusal(isShown: boolean, socket: TLSSocket): string | undefined {
    if (isShown && !socket.authorized) {
      // OpenSSL's code: CERT_HAS_EXPIRED
      const why = String(socket.authorizationError).toLowerCase().replaceAll('_', ' ');
      return `the client's certificate is not accepted: ${why}`;
    }
    if (!isShown && this.clients === 'required') return 'this server asks for a certificate of the client';
    return undefined;
  }

  private settle(socket: TLSSocket, act: (waiting: Waiting) => void): void {
    const key = endsOf(socket);
    const waiting = key === undefined ? undefined : this.waiting.get(key);
    if (key === undefined || waiting === undefined) return void socket.destroy();
    this.waiting.delete(key);
    act(waiting);
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

function isGone(error: Error): boolean {
  return ['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** 'unsupported protocol' out of OpenSSL's '…:error:0A000102:SSL routines:tls_early_…:unsupported protocol:file.c:1:\n'. */
function reasonOf(error: Error): string {
  const { reason } = error as { reason?: string };
  return reason ?? error.message.trim();
}

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { NightdropError } from '../../lib/errors.ts';
import { childEnvironment } from '../child-environment.ts';
import { PeerGoneError } from '../line-reader.ts';
import type { Logger } from '../log.ts';
import { moduleFile, NODE_FLAGS } from '../module-file.ts';
import { CertificateLog } from './certificate-log.ts';
import { type TlsFiles, TlsFilesError } from './files.ts';
import type { FromTls, Handshake, ToTls } from './messages.ts';
import { socketPair } from './socket-pair.ts';

/** What it holds lies in OpenSSL and in sockets' buffers. */
const MEMORY_FLAGS = ['--max-old-space-size=128', '--max-semi-space-size=4'];
/** Milliseconds that clients get to close at the end of the server: their sessions have ended, and waited for that. */
const MOST_AFTERMATH = 2_000;

/** Until a further process is tried again where one could not use the files. */
const PAUSE_MILLISECONDS = 60_000;

/** The handshake came to nothing. */
export class TlsError extends NightdropError {
  constructor(message: string, cause?: unknown) {
    super('ERR_TLS', message, { cause });
  }
}

interface Pending {
  resolve(handshake: Handshake): void;
  reject(error: Error): void;
}

interface Worker {
  child: ChildProcess;
  /** resolves when it has a certificate that can be used */
  ready: Promise<void>;
  isReady: boolean;
  /** connections it was given and has not told the end of */
  connections: Set<number>;
  pending: Map<number, Pending>;
}

/**
 * The TLS processes. One is there from the start; another one is started when each has a connection, up to a number, so that one
 * that crashes or is busy harms but some. They outlive no connection that has been given to them.
 */
export class TlsProcesses {
  private readonly log: Logger;
  private readonly certificates: CertificateLog;
  private readonly workers = new Set<Worker>();
  private lastId = 0;
  /** `performance.now()` from which on one more may be tried */
  private notBefore = 0;
  private closed = false;

  constructor(log: Logger) {
    this.log = log;
    this.certificates = new CertificateLog(log);
  }

  /** Resolves when there is one. @throws TlsFilesError */
  async start(files: TlsFiles): Promise<void> {
    await this.add(files).ready;
  }

  /** Has the files read again, whether or not they have changed. */
  reload(files: TlsFiles): void {
    for (const { child } of this.workers) send(child, { type: 'load', files, always: true });
  }

  /**
   * Gives a connection away, of which `initial` was read already. What its peer says in clear comes from `socket`, which
   * reads only when it is asked to; `handshake` rejects when there will be nothing.
   */
  secure(
    raw: Socket,
    initial: Buffer,
    files: TlsFiles,
    most: number,
  ): { socket: Socket; handshake: Promise<Handshake> } {
    this.certificates.remind();
    const [ours, theirs] = socketPair();
    const options = { fd: ours, highWaterMark: 0 }; // line-reader.ts
    const socket = new Socket(options);
    socket.on('error', () => undefined); // 'close' follows
    const clear = new Socket({ fd: theirs, readable: false });
    clear.on('error', () => undefined);
    const handshake = this.hand(raw, clear, initial, files, most);
    handshake.catch(() => {
      raw.destroy();
      clear.destroy();
    });
    return { socket, handshake };
  }

  /** Resolves when the last connection has ended, or has been ended. */
  async close(): Promise<void> {
    this.closed = true;
    const ended = [...this.workers].map(async ({ child }) => {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const exit = once(child, 'exit');
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill('SIGKILL'), MOST_AFTERMATH);
      await exit;
      clearTimeout(timer);
    });
    await Promise.all(ended);
  }

  private async hand(raw: Socket, clear: Socket, initial: Buffer, files: TlsFiles, most: number): Promise<Handshake> {
    const worker = await this.choose(files, most);
    this.lastId++;
    const id = this.lastId;
    return new Promise((resolve, reject) => {
      worker.connections.add(id);
      worker.pending.set(id, { resolve, reject });
      const failed = (error: Error) => {
        worker.connections.delete(id);
        reject(new TlsError(`the TLS process could not be given the connection: ${error.message}`, error));
      };
      send(worker.child, { type: 'raw', id, files, initial: initial.toString('base64') }, raw, failed);
      send(worker.child, { type: 'clear', id }, clear, failed);
    });
  }

  /** The one with the fewest connections of those that are ready. */
  private async choose(files: TlsFiles, most: number): Promise<Worker> {
    const ready = [...this.workers].filter(({ isReady }) => isReady);
    if (ready.length === 0) {
      const [starting] = this.workers;
      const worker = starting ?? this.add(files);
      await worker.ready;
      return worker;
    }
    const best = ready.reduce((least, one) => (one.connections.size < least.connections.size ? one : least));
    // for the next one: nobody waits for a process to start
    if (best.connections.size > 0 && this.workers.size < most && performance.now() > this.notBefore) {
      this.add(files).ready.catch(() => {
        this.notBefore = performance.now() + PAUSE_MILLISECONDS;
      });
    }
    return best;
  }

  private add(files: TlsFiles): Worker {
    if (this.closed) throw new TlsError('the server is stopping');
    const child = fork(moduleFile(import.meta.url, 'tls-process'), [], {
      execArgv: [...NODE_FLAGS, ...MEMORY_FLAGS],
      env: childEnvironment(),
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('error', () => undefined); // 'exit' or the callback of send tells
    const worker: Worker = {
      child,
      ready: this.firstLoad(child),
      isReady: false,
      connections: new Set(),
      pending: new Map(),
    };
    this.workers.add(worker);
    worker.ready.then(
      () => {
        worker.isReady = true;
      },
      () => {
        this.workers.delete(worker);
        child.kill('SIGKILL');
      },
    );
    child.on('message', (message: FromTls) => this.hear(worker, message));
    child.once('exit', (code, signal) => this.ended(worker, `${signal ?? code}`));
    send(child, { type: 'load', files, always: false });
    return worker;
  }

  private firstLoad(child: ChildProcess): Promise<void> {
    return new Promise((resolve, reject) => {
      child.once('message', (message: FromTls) => {
        if (message.type === 'unusable') reject(new TlsFilesError(message.message));
        else resolve();
      });
      child.once('error', (error) => reject(new TlsError(`no TLS process can be started: ${error.message}`, error)));
      child.once('exit', (code, signal) => reject(new TlsError(`the TLS process ended with ${signal ?? code}`)));
    });
  }

  private hear(worker: Worker, message: FromTls): void {
    if (message.type === 'loaded') this.certificates.loaded(message);
    if (message.type === 'unusable') this.certificates.unusable(message, worker.isReady);
    if (message.type === 'loaded' || message.type === 'unusable') return;
    const { pending, connections } = worker;
    if (message.type === 'secured') pending.get(message.id)?.resolve(message.handshake);
    if (message.type === 'failed') {
      const { gone, reason } = message;
      pending.get(message.id)?.reject(gone ? new PeerGoneError() : new TlsError(`TLS handshake: ${reason}`));
    }
    if (message.type === 'ended') connections.delete(message.id);
    pending.delete(message.id);
  }

  private ended(worker: Worker, how: string): void {
    const wasReady = this.workers.delete(worker) && worker.isReady;
    for (const { reject } of worker.pending.values()) reject(new TlsError(`the TLS process ended with ${how}`));
    if (!wasReady || this.closed) return;
    this.log.error(
      { connections: worker.connections.size },
      `a TLS process ended with ${how}: its connections are lost`,
    );
  }
}

function send(child: ChildProcess, message: ToTls, socket?: Socket, failed?: (error: Error) => void): void {
  child.send(message, socket, {}, (error) => {
    if (error !== null) failed?.(error);
  });
}

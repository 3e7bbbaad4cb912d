import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Logger, pino } from 'pino';
import { parseSettings } from '../../src/config/load.ts';
import type { ServerSettings } from '../../src/config/settings.ts';
import type { Door } from '../../src/server/door.ts';
import { EVERYBODY } from '../../src/server/host-rules.ts';
import { type Guest, Listener, type ListenerOptions } from '../../src/server/listener.ts';
import type { Scope } from '../support/temporary.ts';

/** A client made of bytes: it says what a test wants, when it wants. */
export class Peer {
  readonly socket: Socket;
  private received: Buffer = Buffer.alloc(0);
  private closed = false;
  private wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (piece: Buffer) => {
      this.received = Buffer.concat([this.received, piece]);
      this.wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.wake();
    });
  }

  static async connect(port: number, scope: Scope, localAddress?: string, host = '127.0.0.1'): Promise<Peer> {
    const socket = connect({ port, host, localAddress });
    scope.after(() => socket.destroy());
    await once(socket, 'connect');
    return new Peer(socket);
  }

  send(text: string | Buffer): void {
    this.socket.write(text);
  }

  /** The next line, without its end; undefined when the connection closed before. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.received.indexOf(0x0a);
      if (end >= 0) {
        const line = this.received.toString('latin1', 0, end);
        this.received = this.received.subarray(end + 1);
        return line;
      }
      if (this.closed) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** Everything up to the end of the connection. */
  async rest(): Promise<Buffer> {
    while (!this.closed) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.received;
  }

  /** Greeting and module; returns the challenge. */
  async askFor(module: string, digests = 'sha512'): Promise<string> {
    await this.line();
    this.send(`@RSYNCD: 32.0 ${digests}\n${module}\n`);
    const line = await this.line();
    const found = /^@RSYNCD: AUTHREQD (\S+)$/.exec(line ?? '');
    if (!found) throw new Error(`no challenge but ${line}`);
    return found[1];
  }

  /** The whole login; returns what the server says to it. */
  async login(module: string, secret: string, user = module): Promise<string | undefined> {
    const challenge = await this.askFor(module);
    this.send(`${user} ${answerTo(challenge, secret)}\n`);
    return this.line();
  }
}

export function answerTo(challenge: string, secret: string, digest = 'sha512'): string {
  return createHash(digest).update(secret).update(challenge).digest('base64').replace(/=+$/, '');
}

export interface TestListener {
  port: number;
  guests: Guest[];
  log: Record<string, unknown>[];
  settings: ServerSettings;
  connect(localAddress?: string): Promise<Peer>;
}

export const SECRETS: Record<string, string> = { web1: 'the secret of web1', web2: 'another' };

/** A listener inside this process; who logs in is kept and answered nothing. */
export async function openListener(
  scope: Scope,
  settings: Partial<ServerSettings> = {},
  options: Partial<ListenerOptions> = {},
  makeDoor: (log: Logger) => Promise<Door | undefined> = async () => undefined,
): Promise<TestListener> {
  const all: ServerSettings = { ...parseSettings('', 'none').server, ...settings };
  const log: Record<string, unknown>[] = [];
  const guests: Guest[] = [];
  const logger = pino(
    { level: 'debug', base: undefined },
    { write: (line: string) => void log.push(JSON.parse(line)) },
  );
  const door = await makeDoor(logger);
  const listener = new Listener({
    log: logger,
    settings: async () => all,
    secretOf: async (vault, user) =>
      Object.hasOwn(SECRETS, vault) && user === vault ? Buffer.from(SECRETS[vault]) : undefined,
    mayPush: (vault) => Object.hasOwn(SECRETS, vault),
    judge: async () => EVERYBODY,
    modules: async () => Object.keys(SECRETS),
    onConnection: () => undefined,
    takePlace: async () => () => undefined,
    serve: async (guest) => {
      guests.push(guest);
      await once(guest.socket.resume(), 'close');
    },
    ...options,
  });
  const address = await listener.listen('127.0.0.1', 0, false, door);
  const port = Number(address.split(':')[1]);
  scope.after(() => {
    listener.close();
    for (const { socket } of guests) socket.destroy();
  });
  return { port, guests, log, settings: all, connect: (localAddress) => Peer.connect(port, scope, localAddress) };
}

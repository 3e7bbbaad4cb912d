import { createServer, type Server, type Socket } from 'node:net';
import type { ServerSettings } from '../config/settings.ts';
import { NightdropError, RefusedError } from '../lib/errors.ts';
import { printable } from '../lib/names.ts';
import { addressGroup, formatListen, peerAddress } from './addresses.ts';
import { ConnectionLimits, Seat } from './connection-limits.ts';
import { converse, LOGIN_CONFIRMED, type Login, LoginFailedError } from './conversation.ts';
import { type Door, RSYNC_DOOR } from './door.ts';
import type { HostVerdict } from './host-rules.ts';
import { PeerGoneError } from './line-reader.ts';
import type { Logger } from './log.ts';
import { parseProxyHeader } from './proxy-header.ts';
import type { Handshake } from './tls/messages.ts';
import { isTrustedProxy } from './trusted-proxies.ts';
import { Visit } from './visit.ts';
import { WrongLogins } from './wrong-logins.ts';

/** First byte of a TLS record that begins a handshake. */
const TLS_HANDSHAKE = 0x16;
const NOT_TLS = 'this port speaks TLS: use the command rsync-ssl';

/** A client that has logged in and waits for its push to be served. */
export interface Guest extends Login {
  socket: Socket;
  address: string;
  /** undefined where it speaks in clear */
  handshake: Handshake | undefined;
  /** seconds left until its arguments have to be complete */
  secondsLeft: number;
  /** gives its place back, for another push; once is enough */
  leave(): void;
}

type LoggedIn = Login & Pick<Guest, 'leave'>;

export interface ListenerOptions {
  log: Logger;
  /** the settings for a new connection */
  settings(): Promise<ServerSettings>;
  secretOf(vault: string, user: string): Promise<Buffer | undefined>;
  mayPush(vault: string): boolean;
  /** what the rules about hosts say of a peer; never rejects */
  judge(address: string): Promise<HostVerdict>;
  modules(): Promise<string[]>;
  /** somebody has connected: a login may follow */
  onConnection(): void;
  /** a place for one more push into the vault, given back by calling it; or the limit that is reached */
  takePlace(vault: string, settings: ServerSettings): Promise<(() => void) | number>;
  /** Takes the socket over; resolves when the push is over and its connection no longer counts. */
  serve(guest: Guest): Promise<void>;
}

/** Accepts connections and lets them log in. It reads nothing of a connection beyond the login, and holds no repository key. */
export class Listener {
  private readonly options: ListenerOptions;
  private readonly servers: Server[] = [];
  private readonly limits = new ConnectionLimits();
  private readonly wrongLogins = new WrongLogins();
  private readonly visits = new Set<Visit>();

  constructor(options: ListenerOptions) {
    this.options = options;
  }

  /** Resolves with HOST:PORT once connections are accepted there. May be called for several places. */
  listen(host: string, port: number, ipv6Only = false, door: Door = RSYNC_DOOR): Promise<string> {
    // highWaterMark 0: a socket reads only when it is asked to (line-reader.ts)
    const server = createServer({ noDelay: true, keepAlive: true, highWaterMark: 0 }, (socket) => {
      socket.on('error', () => undefined); // 'close' follows, and whoever waits is told by it
      this.welcome(socket, door).catch((error: Error) => {
        this.options.log.error({ error: error.stack }, 'a connection failed by a defect');
        socket.destroy();
      });
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, ipv6Only }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.options.log.error({ error: error.message }, 'cannot accept'));
        this.servers.push(server);
        const address = server.address();
        if (address === null || typeof address === 'string') throw new TypeError('not a TCP address');
        resolve(formatListen(host, address.port));
      });
    });
  }

  /** Accepts no more, and sends away who has not logged in yet. */
  close(): void {
    for (const server of this.servers) server.close();
    for (const { socket } of this.visits) socket.destroy();
  }

  private async welcome(socket: Socket, door: Door): Promise<void> {
    const accepted = performance.now();
    if (socket.remoteAddress === undefined) return void socket.destroy();
    const address = peerAddress(socket.remoteAddress);
    const settings = await this.options.settings();
    const { proxyProtocol } = door.proxies(settings);
    if (proxyProtocol && !isTrustedProxy(address, door.proxies(settings))) {
      this.options.log.warn({ address }, 'closed: not one of trusted_proxies, which alone may connect here');
      return void socket.destroy();
    }
    const visit = new Visit(socket, address, settings, accepted);
    visit.canSpeak = !proxyProtocol && door.secure === undefined;
    const seat = new Seat(this.limits, settings);
    // a proxy connects for many, who count when it has said who they are
    const full = proxyProtocol ? seat.takeForProxy(address) : seat.take(addressGroup(address));
    if (full !== undefined) return this.turnAway(visit, full);
    try {
      this.options.onConnection();
      const guest = await this.receive(visit, seat, door);
      if (guest !== undefined) await this.options.serve(guest).finally(guest.leave);
    } finally {
      seat.leave();
    }
  }

  /** All up to the login, under its deadline. Tells the client of what went wrong; undefined when there is nobody to serve. */
  private async receive(visit: Visit, seat: Seat, door: Door): Promise<Guest | undefined> {
    const { signal } = visit.gone;
    const timer = setTimeout(() => {
      this.options.log.info({ address: visit.address }, 'dropped: not logged in within the handshake timeout');
      visit.gone.abort();
      visit.end(`@ERROR: ${visit.lateWords ?? 'timeout before login'}\n`);
    }, visit.deadline - performance.now());
    this.visits.add(visit);
    try {
      if (door.proxies(visit.settings).proxyProtocol) await this.readProxyHeader(visit, seat);
      if (door.secure !== undefined) await this.secure(visit, door.secure.bind(door));
      visit.canSpeak = true;
      const login = await this.converse(visit);
      if (signal.aborted) login?.leave();
      if (login === undefined || signal.aborted) return undefined;
      const { socket, address, handshake, secondsLeft } = visit;
      return { ...login, socket, address, handshake, secondsLeft };
    } catch (error) {
      if (!signal.aborted) this.refuse(visit, error);
      return undefined;
    } finally {
      clearTimeout(timer);
      visit.release();
      this.visits.delete(visit);
    }
  }

  /** Whom a proxy connects for is the peer from here on. */
  private async readProxyHeader(visit: Visit, seat: Seat): Promise<void> {
    const { source } = await visit.lines.decode(parseProxyHeader);
    if (source === undefined) return;
    visit.address = peerAddress(source.address);
    const full = seat.take(addressGroup(visit.address));
    if (full !== undefined) throw new RefusedError(`${full} -- try again later`);
  }

  /** TLS, after which the visit goes on with the decrypted stream. */
  private async secure(visit: Visit, begin: NonNullable<Door['secure']>): Promise<void> {
    // one that speaks TLS speaks first; to any other, and to one that is silent until its time is up, we can speak
    visit.canSpeak = true;
    visit.lateWords = NOT_TLS;
    if ((await visit.lines.peek()) !== TLS_HANDSHAKE) throw new RefusedError(NOT_TLS);
    visit.canSpeak = false;
    const { socket, handshake } = begin(visit.socket, visit.lines.rest());
    visit.goOn(socket);
    visit.handshake = await untilGone(handshake, visit.gone.signal);
    visit.watch();
    visit.canSpeak = true;
    visit.lateWords = undefined;
    const { protocol, cipher, names } = visit.handshake;
    this.options.log.debug({ address: visit.address, protocol, cipher, names }, 'TLS');
  }

  private async converse(visit: Visit): Promise<LoggedIn | undefined> {
    const { socket, address, settings } = visit;
    const group = addressGroup(address);
    visit.greeted = true;
    const login = await converse(visit.lines, {
      settings,
      signal: visit.gone.signal,
      say: (text) => void socket.write(text, 'utf8'),
      address,
      verdict: this.options.judge(address),
      secretOf: (module, user) => this.secretOf(module, user),
      modules: () => this.options.modules(),
      loginDelay: () => this.wrongLogins.delay(group),
      certified: visit.handshake?.names,
      mayPush: this.options.mayPush,
      refusal: visit.handshake?.refusal,
    });
    if (login === undefined) {
      this.options.log.info({ address }, 'asked for the list of modules');
      visit.end('');
      return undefined;
    }
    const leave = await this.options.takePlace(login.vault, settings);
    if (typeof leave === 'number') throw new RefusedError(`max connections (${leave}) reached -- try again later`);
    try {
      await written(socket, LOGIN_CONFIRMED);
    } catch (error) {
      leave();
      throw error;
    }
    return { ...login, leave };
  }

  /** A secret that must not be used is none; the log says why. */
  private async secretOf(module: string, user: string): Promise<Buffer | undefined> {
    try {
      return await this.options.secretOf(module, user);
    } catch (error) {
      this.options.log.error({ vault: printable(module), error: (error as Error).message }, 'login impossible');
      return undefined;
    }
  }

  private refuse(visit: Visit, error: unknown): void {
    const { log } = this.options;
    const { address } = visit;
    if (error instanceof PeerGoneError) {
      log.debug({ address }, 'closed by the client before login');
      return void visit.socket.destroy();
    }
    if (error instanceof LoginFailedError) {
      const isMany = this.wrongLogins.add(addressGroup(address));
      const reason = error.wrongHost
        ? 'the secret is right, but hosts_allow or hosts_deny keeps this address out'
        : undefined;
      log.warn({ address, module: error.module, user: error.user, reason }, 'login refused');
      if (isMany)
        log.error({ address, alert: true }, 'many wrong logins from one address: its logins are delayed from now on');
    } else if (error instanceof NightdropError) {
      log.warn({ address, reason: error.message }, 'refused before login');
    } else {
      log.error({ address, error: String((error as Error).stack ?? error) }, 'a login failed by a defect');
    }
    visit.end(`@ERROR: ${error instanceof NightdropError ? error.message : 'internal error'}\n`);
  }

  private turnAway(visit: Visit, full: string): void {
    this.options.log.warn({ address: visit.address, reason: full }, 'refused before login');
    visit.end(`@ERROR: ${full} -- try again later\n`);
  }
}

/** As the promise, or rejects when there is nobody any more who waits. */
function untilGone<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new PeerGoneError());
    if (signal.aborted) gone();
    signal.addEventListener('abort', gone, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', gone));
  });
}

/** Resolves when the kernel has taken the text: nothing of it is left in this process. */
function written(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(text, 'latin1', (error) => (error ? reject(new PeerGoneError()) : resolve()));
  });
}

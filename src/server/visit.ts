import type { Socket } from 'node:net';
import type { ServerSettings } from '../config/settings.ts';
import { acceptedDigests } from '../rsync/auth.ts';
import { formatGreeting } from '../rsync/greeting.ts';
import { sayFarewell } from './farewell.ts';
import { LineReader } from './line-reader.ts';
import type { Handshake } from './tls/messages.ts';

/** One connection from accept to the end of its login. */
export class Visit {
  /** those that began with it */
  readonly settings: ServerSettings;
  /** `performance.now()` at which its arguments have to be complete */
  readonly deadline: number;
  /** aborted when nobody is there any more to talk to */
  readonly gone = new AbortController();
  /** whose it is, as people write it */
  address: string;
  /** whether what we say is understood: not before a proxy's header, nor in the middle of a TLS handshake */
  canSpeak = true;
  /** what is said instead of the usual when its time is up */
  lateWords: string | undefined;
  /** whether the greeting was said: without it a stock client does not show what else it hears */
  greeted = false;
  /** undefined where the peer speaks in clear */
  handshake: Handshake | undefined;
  private current: Socket;
  private reader: LineReader;
  private readonly onClose = () => this.gone.abort();

  constructor(socket: Socket, address: string, settings: ServerSettings, accepted: number) {
    this.address = address;
    this.settings = settings;
    this.deadline = accepted + settings.handshakeTimeout * 1000;
    this.current = socket;
    this.reader = new LineReader(socket);
    socket.once('close', this.onClose);
  }

  get socket(): Socket {
    return this.current;
  }

  get lines(): LineReader {
    return this.reader;
  }

  get secondsLeft(): number {
    return Math.max(0.001, (this.deadline - performance.now()) / 1000);
  }

  /** Lets go of the socket: whoever takes it has to know when it closes. */
  release(): void {
    this.current.off('close', this.onClose);
  }

  /** Goes on with another socket, through which the same peer speaks in clear. */
  goOn(socket: Socket): void {
    this.release();
    this.current = socket;
    this.reader = new LineReader(socket);
  }

  /** From here on the socket's end is the visit's, too. */
  watch(): void {
    if (this.current.destroyed) this.gone.abort();
    else this.current.once('close', this.onClose);
  }

  /** The last words, where they can be said, and the end. */
  end(words: string): void {
    if (!this.canSpeak) return void this.current.destroy();
    const greeting = this.greeted ? '' : formatGreeting(acceptedDigests(this.settings.weakestDigest));
    sayFarewell(this.current, greeting + words);
  }
}

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ByteWriter } from '../../src/rsync/bytes.ts';
import { encodeData, encodeFrame } from '../../src/rsync/mux.ts';

/** Milliseconds of silence after which the server has said what it has to say. */
const SILENCE = 300;

/** A client of protocol 32 that says what no stock client would. */
export class RawClient {
  private readonly socket: Socket;
  private readonly over: Promise<unknown>;
  private heard = 0;

  /** Greeting, module and options; data comes next. @param options without incremental recursion: no `i` behind the `e` */
  constructor(port: number, ...options: string[]) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.over = once(this.socket, 'close');
    this.socket.on('data', (bytes) => {
      this.heard += bytes.length;
    });
    this.socket.write('@RSYNCD: 32.0 md5\ndemo\n');
    this.socket.write(['--server', ...options, '.', 'demo/', ''].join('\0').concat('\0'));
    this.socket.write(new ByteWriter().vstring(Buffer.from('md5')).take());
  }

  /** Resolves when the server takes more, or will take no more. */
  async say(data: Buffer): Promise<void> {
    if (this.socket.destroyed || this.socket.write(encodeData(data))) return;
    await Promise.race([new Promise<void>((resolve) => this.socket.once('drain', resolve)), this.over]);
  }

  /** Beside the data. */
  message(tag: number, payload: Buffer): void {
    this.socket.write(encodeFrame(tag, payload));
  }

  /** Until the server is silent. */
  async listen(): Promise<void> {
    for (let before = -1; this.heard !== before; ) {
      before = this.heard;
      await new Promise((resolve) => setTimeout(resolve, SILENCE));
    }
  }

  async closed(): Promise<void> {
    await this.over;
  }
}

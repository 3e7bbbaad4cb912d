import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Seconds a server may take to be ready, and to end after SIGTERM. */
const PATIENCE = 30;

/** A server process that a test started; it never outlives the test's process. */
export class ServerProcess {
  readonly child: ChildProcess;
  private output = '';
  private readonly watchers = new Set<() => void>();

  constructor(command: string, args: string[], env: Record<string, string> = {}) {
    this.child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const collect = (piece: Buffer) => {
      this.output = (this.output + piece.toString('latin1')).slice(-1_000_000);
      for (const watch of this.watchers) watch();
    };
    this.child.stdout!.on('data', collect);
    this.child.stderr!.on('data', collect);
    this.child.on('error', (error) => collect(Buffer.from(`${error.message}\n`)));
    this.child.on('exit', () => {
      for (const watch of this.watchers) watch();
    });
    const kill = () => this.child.kill('SIGKILL');
    process.once('exit', kill);
    this.child.once('exit', () => process.off('exit', kill));
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Everything it printed, both streams. */
  get printed(): string {
    return this.output;
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined;
  }

  /** Resolves with the match when its output first holds the pattern. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const done = (act: () => void) => {
        clearTimeout(timer);
        this.watchers.delete(look);
        act();
      };
      const look = () => {
        const found = pattern.exec(this.output);
        if (found) done(() => resolve(found));
        else if (this.ended) done(() => reject(new Error(`the server ended early:\n${this.output}`)));
      };
      const timer = setTimeout(
        () => done(() => reject(new Error(`no ${pattern} within ${PATIENCE} s:\n${this.output}`))),
        PATIENCE * 1000,
      );
      this.watchers.add(look);
      look();
    });
  }

  /** Ends it with a signal and waits; SIGKILL when it does not obey. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (!this.ended) {
      const exit = once(this.child, 'exit');
      this.child.kill(signal);
      const timer = setTimeout(() => this.child.kill('SIGKILL'), PATIENCE * 1000);
      await exit;
      clearTimeout(timer);
    }
    return this.child.exitCode;
  }
}

/** A TCP port of 127.0.0.1 that was free a moment ago, for servers that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}

/** Resolves when something accepts connections on the port; gives up when `giveUp` says so. */
export async function waitForPort(port: number, giveUp: () => boolean): Promise<void> {
  const end = Date.now() + PATIENCE * 1000;
  while (!(await accepts(port))) {
    if (giveUp() || Date.now() > end) throw new Error(`nothing listens on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { NightdropError } from '../lib/errors.ts';
import type { PushReport } from '../push/request.ts';
import { childEnvironment } from './child-environment.ts';
import { moduleFile, NODE_FLAGS } from './module-file.ts';
import type { FromSession, PushOrder, ToSession } from './session-messages.ts';

/**
 * A push needs little heap: the bound is there so that a runaway session dies alone, and a small nursery keeps what a
 * busy session takes from the machine small.
 */
const MEMORY_FLAGS = ['--max-old-space-size=512', '--max-semi-space-size=8'];
/**
 * V8 may compile in a thread that waits for a garbage collection, while the main thread, in exit(), waits for that thread:
 * seen on Node 24.21, a process that never ends.
 */
const EXIT_FLAGS = ['--no-concurrent-sparkplug'];
/** Milliseconds from its report until a session process has to be gone. */
const MOST_AFTERMATH = 15_000;

/** The session process ended without a report, or could not be given its work. */
export class SessionError extends NightdropError {
  constructor(message: string, cause?: unknown) {
    super('ERR_SESSION', message, { cause });
  }
}

export interface Session {
  /** what the push did; rejects with SessionError */
  report: Promise<PushReport>;
  /** resolves when the process is gone */
  ended: Promise<void>;
}

/**
 * The session processes: one for each push, and one that is started beforehand and waits, so that no push waits for a
 * process to start. A session that crashes or hangs harms its own push only.
 */
export class Sessions {
  private readonly working = new Map<ChildProcess, Promise<void>>();
  private spare: ChildProcess | undefined;
  private closed = false;

  /** Pushes (and recoveries) under way. */
  get count(): number {
    return this.working.size;
  }

  /** Sees to it that a process waits for the next push. */
  warm(): void {
    if (this.spare !== undefined || this.closed) return;
    const child = start();
    this.spare = child;
    child.once('exit', () => {
      if (this.spare === child) this.spare = undefined;
    });
  }

  /** Gives an authenticated connection away: the socket is the session's from here on, and must not be reading. */
  push(order: PushOrder, socket: Socket): Session {
    const child = this.take();
    const report = new Promise<PushReport>((resolve, reject) => {
      child.on('message', (message: FromSession) => {
        if (message.type === 'report') {
          resolve(message.report);
          endLate(child);
        }
        if (message.type === 'failed') reject(failure(message));
      });
      child.once('exit', (code, signal) =>
        reject(new SessionError(`the session process ended with ${signal ?? code}`)),
      );
      send(child, { type: 'push', order }, socket, (error) => {
        reject(new SessionError(`the session process could not be given the connection: ${error.message}`, error));
        socket.destroy();
        child.kill('SIGKILL');
      });
    });
    return { report, ended: this.working.get(child)! };
  }

  /** Looks after a vault (all, when none is named) that a crash may have left unclean. Resolves when that is done. */
  async recover(dataDir: string, vault: string | undefined, onMessage: (message: FromSession) => void): Promise<void> {
    if (this.closed) return;
    const child = this.take();
    child.on('message', onMessage);
    send(child, { type: 'recover', dataDir, vault }, undefined, () => child.kill('SIGKILL'));
    await this.working.get(child);
  }

  /** Ends all pushes as if their clients had gone: what arrived is kept. */
  cutAll(reason: string): void {
    for (const child of this.working.keys()) send(child, { type: 'cut', reason }, undefined, () => undefined);
  }

  killAll(): void {
    for (const child of this.working.keys()) child.kill('SIGKILL');
  }

  /** Starts no more processes, and ends the one that waits. */
  close(): void {
    this.closed = true;
    this.spare?.kill('SIGKILL');
  }

  /** Resolves when no push is under way. */
  async allEnded(): Promise<void> {
    while (this.working.size > 0) await Promise.all(this.working.values());
  }

  private take(): ChildProcess {
    const spare = this.spare?.connected ? this.spare : undefined;
    this.spare = undefined;
    const child = spare ?? start();
    const ended = exitOf(child).then(() => {
      this.working.delete(child);
    });
    this.working.set(child, ended);
    return child;
  }
}

function start(): ChildProcess {
  const child = fork(moduleFile(import.meta.url, 'session-process'), [], {
    execArgv: [...NODE_FLAGS, ...MEMORY_FLAGS, ...EXIT_FLAGS],
    env: childEnvironment(),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.on('error', () => undefined); // 'exit' or the callback of send tells
  return child;
}

/** Whatever keeps a process from ending, its work is done. */
function endLate(child: ChildProcess): void {
  const timer = setTimeout(() => child.kill('SIGKILL'), MOST_AFTERMATH);
  timer.unref();
  child.once('exit', () => clearTimeout(timer));
}

/** Also of a process that could not be started at all, which tells of no exit. */
async function exitOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  if (child.pid === undefined) return;
  await once(child, 'exit').catch(() => undefined);
}

function send(
  child: ChildProcess,
  message: ToSession,
  socket: Socket | undefined,
  failed: (error: Error) => void,
): void {
  child.send(message, socket, {}, (error) => {
    if (error !== null) failed(error);
  });
}

function failure({ message, stack }: { message: string; stack?: string }): SessionError {
  const error = new SessionError(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

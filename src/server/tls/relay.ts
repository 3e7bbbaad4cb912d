import type { Socket } from 'node:net';

/** Milliseconds that a peer has to take what is left for it when the other end has gone. */
const LINGER_MILLISECONDS = 5_000;

/**
 * Passes on what the peer says, decrypted, and what is said to it. Each direction waits for its reader: no more is held than
 * the sockets' own buffers. Ends with both: resolves when they are closed.
 */
export async function relay(secured: Socket, clear: Socket): Promise<void> {
  const bothClosed = Promise.all([closed(secured), closed(clear)]);
  passOn(secured, clear);
  clear.pipe(secured);
  secured.once('close', () => {
    clear.unpipe(secured);
    clear.resume(); // what is still said is said to nobody
    clear.end();
  });
  clear.once('close', () => {
    secured.resume();
    secured.end();
    const timer = setTimeout(() => secured.destroy(), LINGER_MILLISECONDS);
    secured.once('close', () => clearTimeout(timer));
  });
  await bothClosed;
}

/** As `pipe`, but the records that came in one read leave in one write: half the system calls, here and for who reads them. */
function passOn(from: Socket, to: Socket): void {
  let corked = false;
  from.on('data', (chunk: Buffer) => {
    if (!to.writable) return;
    if (!corked) {
      corked = true;
      to.cork();
      setImmediate(() => {
        corked = false;
        to.uncork();
      });
    }
    if (!to.write(chunk)) from.pause();
  });
  to.on('drain', () => from.resume());
  from.once('end', () => to.end());
}

function closed(socket: Socket): Promise<void> {
  socket.on('error', () => undefined); // 'close' follows
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

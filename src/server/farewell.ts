import type { Socket } from 'node:net';

/** Milliseconds and bytes that a peer gets to read our last words and to close. */
const LINGER_MILLISECONDS = 2_000;
const LINGER_BYTES = 256 * 1024;
/** Connections in that state at once; beyond, they are cut. */
const MOST_LINGERING = 64;

let lingering = 0;

/**
 * Says the last words and closes. What the peer still sends is read and dropped for a moment: closing a socket with
 * unread bytes makes the kernel send a reset, which can take our words from the peer before it has read them.
 */
export function sayFarewell(socket: Socket, words: string): void {
  if (socket.destroyed) return;
  socket.end(words, 'utf8');
  if (lingering >= MOST_LINGERING) {
    socket.destroySoon();
    return;
  }
  lingering++;
  let dropped = 0;
  const timer = setTimeout(() => socket.destroy(), LINGER_MILLISECONDS);
  socket.removeAllListeners('readable');
  socket.on('data', (chunk: Buffer) => {
    dropped += chunk.length;
    if (dropped > LINGER_BYTES) socket.destroy();
  });
  socket.on('end', () => socket.destroySoon());
  socket.once('close', () => {
    lingering--;
    clearTimeout(timer);
  });
  socket.resume();
}

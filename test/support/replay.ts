import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Scope } from './temporary.ts';

/** A piece of a conversation: what the client sent, and how much it had heard before. */
export interface Turn {
  /** bytes the server had sent when the client sent this */
  heard: number;
  bytes: Buffer;
}

/** Passes one connection on and notes the client's side of it in turns. */
export async function recordTurns(
  scope: Scope,
  targetPort: number,
  act: (port: number) => Promise<unknown>,
): Promise<Turn[]> {
  const turns: Turn[] = [];
  let heard = 0;
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    for (const socket of [client, target]) socket.on('error', () => {});
    client.on('data', (bytes) => turns.push({ heard, bytes }));
    target.on('data', (bytes) => {
      heard += bytes.length;
    });
    client.pipe(target).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(() => server.close());
  await act((server.address() as { port: number }).port);
  server.close();
  return turns;
}

export interface Heard {
  /** everything the server sent */
  bytes: Buffer;
  /** the connection was ended by the server */
  ended: boolean;
}

/**
 * Says the client's part again, each turn when as much was heard as then, or nothing more comes. Ends the connection
 * after the last turn unless the server does.
 *
 * @param patience milliseconds of silence after which the next turn is said anyway
 * @param quiet milliseconds of silence before each turn: bytes are counted with the heads of frames, and how many of
 *   those there are is not the same every time
 */
export async function replay(port: number, turns: Turn[], patience = 40, quiet = 0): Promise<Heard> {
  const socket: Socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  const pieces: Buffer[] = [];
  let heard = 0;
  let ended = false;
  let wake: () => void = () => {};
  socket.on('data', (bytes) => {
    pieces.push(bytes);
    heard += bytes.length;
    wake();
  });
  socket.on('close', () => {
    ended = true;
    wake();
  });
  const pause = (milliseconds: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  for (const turn of turns) {
    for (let before = -1; heard < turn.heard && heard !== before && !ended; ) {
      before = heard;
      await pause(patience);
    }
    for (let before = -1; quiet > 0 && heard !== before && !ended; ) {
      before = heard;
      await pause(quiet);
    }
    if (ended) break;
    socket.write(turn.bytes);
  }
  // whoever is still there after the last word gets the end of the connection
  for (let before = -1; heard !== before && !ended; ) {
    before = heard;
    await pause(patience);
  }
  const byServer = ended;
  socket.end();
  if (!ended) await Promise.race([once(socket, 'close'), new Promise((resolve) => setTimeout(resolve, 5000).unref())]);
  socket.destroy();
  return { bytes: Buffer.concat(pieces), ended: byServer };
}

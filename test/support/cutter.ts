import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Scope } from './temporary.ts';

/** Passes connections on until so many bytes went by in one direction; `limit` is read when a connection comes. */
export async function cutter(
  scope: Scope,
  target: number,
): Promise<{ port: number; limit: { up: number; down: number } }> {
  const limit = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY };
  const server = createServer((client) => {
    const peer = connect(target, '127.0.0.1');
    const left = { ...limit };
    for (const [socket, other] of [
      [client, peer],
      [peer, client],
    ]) {
      socket.on('error', () => undefined); // 'close' tells
      socket.on('close', () => other.end());
    }
    // what went by arrives, however slow the reader is: to end is to cut for whoever expects more
    const pass = async (from: Socket, to: Socket, way: 'up' | 'down') => {
      for await (const bytes of from as AsyncIterable<Buffer>) {
        await new Promise((resolve) => to.write(bytes.subarray(0, Math.max(0, left[way])), resolve));
        left[way] -= bytes.length;
        if (left[way] <= 0) return from.destroy();
      }
    };
    pass(client, peer, 'up').catch(() => client.destroy());
    pass(peer, client, 'down').catch(() => peer.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(() => server.close());
  return { port: (server.address() as { port: number }).port, limit };
}

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
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
    const cut = () => {
      client.destroy();
      peer.destroy();
    };
    for (const socket of [client, peer]) {
      socket.on('error', cut);
      socket.on('close', cut);
    }
    const pass = (from: typeof client, to: typeof client, way: 'up' | 'down') =>
      from.on('data', (bytes) => {
        to.write(bytes.subarray(0, Math.max(0, left[way])));
        left[way] -= bytes.length;
        if (left[way] <= 0) cut();
      });
    pass(client, peer, 'up');
    pass(peer, client, 'down');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(() => server.close());
  return { port: (server.address() as { port: number }).port, limit };
}

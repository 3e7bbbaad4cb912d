import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import type { Scope } from './temporary.ts';

/** What went both ways over one connection. */
export interface Recording {
  /** client to server */
  up: Buffer;
  /** server to client */
  down: Buffer;
}

export interface RecordProxy {
  port: number;
  /** the connections so far, once they are closed */
  recordings: Recording[];
  /** the connections so far, open ones included */
  readonly connections: number;
  stop(): Promise<void>;
}

/** Passes connections on to a port of this machine and keeps every byte. */
export async function startRecordProxy(scope: Scope, targetPort: number): Promise<RecordProxy> {
  const recordings: Recording[] = [];
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((client) => {
    connections++;
    const target = dial(targetPort, '127.0.0.1');
    const up: Buffer[] = [];
    const down: Buffer[] = [];
    const sides = [client, target];
    let closed = 0;
    for (const socket of sides) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {
        for (const side of sides) side.destroy();
      });
      socket.on('close', () => {
        open.delete(socket);
        if (++closed === sides.length) recordings.push({ up: Buffer.concat(up), down: Buffer.concat(down) });
      });
    }
    client.on('data', (chunk) => up.push(chunk));
    target.on('data', (chunk) => down.push(chunk));
    client.pipe(target);
    target.pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    for (const socket of open) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
    while (open.size > 0) await new Promise((resolve) => setImmediate(resolve));
  };
  scope.after(stop);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    port: address.port,
    recordings,
    get connections() {
      return connections;
    },
    stop,
  };
}

import { createConnection, createServer } from 'node:net';
import type { Scope } from '../support/temporary.ts';

/** What went through one connection, each way. */
export interface Recording {
  fromClient: Buffer;
  fromServer: Buffer;
}

/** A TCP proxy in front of a daemon on this machine; it keeps what goes through. */
export interface WireTap {
  port: number;
  /** the last connection, once both sides have ended it */
  recording(): Promise<Recording>;
}

export async function startWireTap(scope: Scope, daemonPort: number): Promise<WireTap> {
  let last: Promise<Recording> | undefined;
  const server = createServer((client) => {
    const daemon = createConnection(daemonPort, '127.0.0.1');
    const up: Buffer[] = [];
    const down: Buffer[] = [];
    client.on('data', (chunk: Buffer) => up.push(chunk));
    daemon.on('data', (chunk: Buffer) => down.push(chunk));
    client.pipe(daemon);
    daemon.pipe(client);
    const ended = [client, daemon].map(
      (socket) => new Promise<void>((resolve) => socket.on('error', () => undefined).on('close', resolve)),
    );
    last = Promise.all(ended).then(() => ({ fromClient: Buffer.concat(up), fromServer: Buffer.concat(down) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.after(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the tap has no port');
  return {
    port: address.port,
    recording: () => last ?? Promise.reject(new Error('nobody connected')),
  };
}

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { servePush } from '../../src/push/push.ts';
import type { PushReport } from '../../src/push/request.ts';
import type { VaultPolicy } from '../../src/vault/policy.ts';
import type { Scope } from './temporary.ts';

export interface PushServer {
  port: number;
  /** what each push reported, in the order they ended */
  reports: PushReport[];
  /** resolves when `count` pushes have ended; rejects when that takes longer than `seconds`, 60 unless told */
  waitForReports(count: number, seconds?: number): Promise<void>;
  /** resolves when what was begun has ended: a session goes on when its client is gone */
  ended(): Promise<void>;
}

export const defaultPolicy: VaultPolicy = {
  reveal: 'checksums',
  revealFloor: 1024,
  minimumBlock: 1024,
  mergeFiles: false,
  zlibDeltas: false,
  refuseOptions: [],
  maxVerbosity: 1,
  ignoreErrors: false,
  verifyDeltas: 'auto',
  defaultUid: 0,
  defaultGid: 0,
  umask: 0o022,
  charset: 'utf-8',
};

export interface PushServerOptions {
  /** folder of the vault; a function: of the module that the client names, undefined when there is none */
  vaultDir: string | ((module: string) => string | undefined);
  /** the vault's name, where there is one vault for all modules */
  vault?: string;
  policy?: Partial<VaultPolicy>;
  ioTimeout?: number;
}

/** Serves pushes within this process, without login: for tests that look at or bend single bytes, or that make thousands. */
export async function startPushServer(scope: Scope, options: PushServerOptions): Promise<PushServer> {
  const reports: PushReport[] = [];
  const waiting: (() => void)[] = [];
  const open = new Set<Socket>();
  const conversations = new Set<Promise<void>>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.setNoDelay(true);
    socket.on('error', () => {});
    const conversation = converse(socket, options).then((report) => {
      conversations.delete(conversation);
      if (report !== undefined) reports.push(report);
      for (const wake of waiting.splice(0)) wake();
    });
    conversations.add(conversation);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(() => {
    // a test that failed may have left a push behind, whose socket would keep the process
    for (const socket of open) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const waitForReports = async (count: number, seconds = 60) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      for (const wake of waiting.splice(0)) wake();
    }, seconds * 1000);
    while (reports.length < count && !late) await new Promise<void>((resolve) => waiting.push(resolve));
    clearTimeout(timer);
    if (reports.length < count) throw new Error(`${reports.length} of ${count} pushes ended within ${seconds} s`);
  };
  const ended = async () => void (await Promise.all(conversations));
  return { port: address.port, reports, waitForReports, ended };
}

/** Greeting and module, then the push. */
async function converse(socket: Socket, options: PushServerOptions): Promise<PushReport | undefined> {
  socket.write('@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4\n');
  let received = Buffer.alloc(0);
  const line = async (): Promise<string | undefined> => {
    for (;;) {
      const end = received.indexOf(0x0a);
      if (end >= 0) {
        const text = received.toString('latin1', 0, end);
        received = received.subarray(end + 1);
        return text;
      }
      const chunk = await Promise.race([
        once(socket, 'data').then(([data]) => data as Buffer),
        once(socket, 'close').then(() => undefined),
      ]);
      if (chunk === undefined) return undefined;
      received = Buffer.concat([received, chunk]);
    }
  };
  const greeting = await line();
  const module = await line();
  if (greeting === undefined || module === undefined) return undefined;
  const vaultDir = typeof options.vaultDir === 'string' ? options.vaultDir : options.vaultDir(module);
  if (vaultDir === undefined) {
    socket.end('@ERROR: there is no such module\n');
    return undefined;
  }
  socket.pause();
  socket.write('@RSYNCD: OK\n');
  return servePush({
    socket,
    initial: received,
    protocol: Math.min(32, Number.parseInt(greeting.slice('@RSYNCD: '.length), 10)),
    vault: options.vault ?? module,
    vaultDir,
    address: '127.0.0.1',
    policy: { ...defaultPolicy, ...options.policy },
    limits: { ioTimeout: options.ioTimeout ?? 0, handshakeTimeout: 10, workers: 1, leaseWait: 30 },
  });
}

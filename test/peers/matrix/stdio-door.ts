import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { servePush } from '../../../src/push/push.ts';
import type { PushReport } from '../../../src/push/request.ts';
import { parseRemoteCommand } from '../../../src/rsync/remote-command.ts';
import { ourProtocol, startPlain } from '../../../src/server/ssh/start.ts';
import { StartReader } from '../../../src/server/ssh/start-reader.ts';
import { defaultPolicy } from '../../support/push-server.ts';
import type { Scope } from '../../support/temporary.ts';

export interface StdioDoor {
  /** the program for rsync's -e: the host `ours-MODULE` is a vault, `stock-MODULE` a folder with stock rsync */
  rsh: string;
  /** resolves when what was begun has ended: a session goes on when its client is gone */
  ended: () => Promise<void>;
}

export interface StdioDoorOptions {
  folder: string;
  /** where stock's modules are */
  stock: string;
  vaultDir: (module: string) => string | undefined;
  onReport: (report: PushReport) => void;
}

const bridge = fileURLToPath(new URL('stdio-bridge.mjs', import.meta.url));

/**
 * Pushes by remote shell, served in this process: what `nightdrop session` does, without a process for each. A stand-in
 * for ssh carries standard input and output over to here.
 */
export async function startStdioDoor(scope: Scope, options: StdioDoorOptions): Promise<StdioDoor> {
  const { folder, stock } = options;
  const open = new Set<Socket>();
  const under = new Set<Promise<void>>();
  const sessions = new Sessions(options);
  const server = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => undefined);
    socket.setNoDelay(true);
    const session = sessions
      .serve(socket)
      .catch(() => void socket.destroy())
      .finally(() => under.delete(session));
    under.add(session);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const rsh = path.join(folder, 'rsh');
  writeFileSync(
    rsh,
    `#!/bin/sh
host=$1
shift
case $host in
  stock-*) cd "${stock}/\${host#stock-}" && exec sh -c "$*" ;;
  *) exec "${process.execPath}" --disable-sigusr1 "${bridge}" ${port} "\${host#ours-}" "$*" ;;
esac
`,
  );
  chmodSync(rsh, 0o755);
  return { rsh, ended: async () => void (await Promise.all(under)) };
}

/** Two connections of each bridge: for its standard error and exit code, and for the push. They come in any order. */
class Sessions {
  private readonly options: StdioDoorOptions;
  private readonly words = new Map<string, Socket>();
  private readonly waiting = new Map<string, (socket: Socket) => void>();

  constructor(options: StdioDoorOptions) {
    this.options = options;
  }

  async serve(socket: Socket): Promise<void> {
    const reader = new StartReader(socket);
    const text = async () => {
      const length = await reader.read((bytes) => bytes.i32());
      return reader.read((bytes) => bytes.latin1(length));
    };
    const kind = await text();
    const id = await text();
    if (kind === 'words') return this.arrived(id, socket);
    const words = await this.wordsOf(id);
    let code = 12;
    try {
      code = await this.push(socket, reader, await text(), await text(), (line) => void words.write(`${line}\n`));
    } finally {
      words.end(`\0${code}`);
    }
  }

  private arrived(id: string, socket: Socket): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (waiting === undefined) this.words.set(id, socket);
    else waiting(socket);
  }

  private wordsOf(id: string): Promise<Socket> {
    const there = this.words.get(id);
    this.words.delete(id);
    return there === undefined ? new Promise((resolve) => this.waiting.set(id, resolve)) : Promise.resolve(there);
  }

  /** As server/ssh/session.ts does it. */
  private async push(
    socket: Socket,
    reader: StartReader,
    module: string,
    command: string,
    say: (line: string) => void,
  ): Promise<number> {
    const remote = parseRemoteCommand(command);
    const vaultDir = this.options.vaultDir(module);
    if (remote.kind !== 'server' || vaultDir === undefined) throw new Error(`not a push of the matrix: ${command}`);
    const ours = ourProtocol(remote.args);
    const number = Buffer.alloc(4);
    number.writeInt32LE(ours);
    socket.write(number);
    const start = await startPlain(reader, remote.args, ours);
    const report = await servePush({
      socket,
      initial: start.initial,
      protocol: start.protocol,
      args: start.args,
      sayEarly: (sentence) => say(sentence.replace(/^ERROR: /, '')),
      vault: module,
      vaultDir,
      address: '127.0.0.1',
      policy: { ...defaultPolicy, revealFloor: 0, mergeFiles: true, zlibDeltas: true },
      limits: { ioTimeout: 0, handshakeTimeout: 10, workers: 1, leaseWait: 30 },
    });
    this.options.onReport(report);
    return report.exitCode;
  }
}

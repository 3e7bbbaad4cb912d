/** Where the server of a data folder listens, for commands that tell people: it may be another place than the settings say. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const noteOf = (dataDir: string): string => path.join(dataDir, 'server.address');

/** HOST:PORT; undefined where it does not listen so. */
export interface RunningAddress {
  clear: string | undefined;
  tls: string | undefined;
}

export function noteAddress(dataDir: string, address: RunningAddress): void {
  writeFileSync(noteOf(dataDir), JSON.stringify({ pid: process.pid, ...address }), { mode: 0o600 });
}

export function forgetAddress(dataDir: string): void {
  rmSync(noteOf(dataDir), { force: true });
}

/** Of the running server; undefined when none runs. */
export function runningAddress(dataDir: string): RunningAddress | undefined {
  try {
    const { pid, clear, tls } = JSON.parse(readFileSync(noteOf(dataDir), 'utf8')) as RunningAddress & { pid: number };
    process.kill(pid, 0);
    return { clear, tls };
  } catch {
    return undefined;
  }
}

/** Where the server of a data folder listens, for commands that tell people: it may be another place than the settings say. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const noteOf = (dataDir: string): string => path.join(dataDir, 'server.address');

export function noteAddress(dataDir: string, address: string): void {
  writeFileSync(noteOf(dataDir), JSON.stringify({ pid: process.pid, address }), { mode: 0o600 });
}

export function forgetAddress(dataDir: string): void {
  rmSync(noteOf(dataDir), { force: true });
}

/** HOST:PORT of the running server; undefined when none runs. */
export function runningAddress(dataDir: string): string | undefined {
  try {
    const { pid, address } = JSON.parse(readFileSync(noteOf(dataDir), 'utf8')) as { pid: number; address: string };
    process.kill(pid, 0);
    return address;
  } catch {
    return undefined;
  }
}

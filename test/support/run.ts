import { type SpawnOptions, spawn } from 'node:child_process';

export interface RunResult {
  /** exit code; 128 + signal number when a signal ended it */
  code: number;
  /** output as latin1-tagged bytes, so that names that are not UTF-8 survive */
  stdout: string;
  stderr: string;
  seconds: number;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  input?: string | Buffer;
  /** seconds until it is killed and the call fails; 120 unless told */
  timeout?: number;
}

/** Runs a program to its end. Does not judge the exit code. */
export function run(command: string, args: string[], options: RunOptions = {}): Promise<RunResult> {
  const started = performance.now();
  const spawnOptions: SpawnOptions = {
    cwd: options.cwd,
    env: { ...process.env, LC_ALL: 'C', ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  };
  const limit = options.timeout ?? 120;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, spawnOptions);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, limit * 1000);
    child.stdout!.on('data', (piece: Buffer) => out.push(piece));
    child.stderr!.on('data', (piece: Buffer) => err.push(piece));
    child.stdin!.on('error', () => undefined); // it may end without reading its input
    child.stdin!.end(options.input);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const result: RunResult = {
        code: code ?? 128 + (signal === 'SIGKILL' ? 9 : 15),
        stdout: Buffer.concat(out).toString('latin1'),
        stderr: Buffer.concat(err).toString('latin1'),
        seconds: (performance.now() - started) / 1000,
      };
      if (late) reject(new Error(`${command} did not end within ${limit} s\n${result.stdout}\n${result.stderr}`));
      else resolve(result);
    });
  });
}

/** Runs a program that must succeed; its output where the test needs it. */
export async function runOk(command: string, args: string[], options: RunOptions = {}): Promise<RunResult> {
  const result = await run(command, args, options);
  if (result.code !== 0) {
    const shown = [command, ...args].join(' ');
    throw new Error(`${shown}\nended with ${result.code}\n${tail(result.stdout)}\n${tail(result.stderr)}`);
  }
  return result;
}

function tail(text: string): string {
  return text.length > 4000 ? `…${text.slice(-4000)}` : text;
}

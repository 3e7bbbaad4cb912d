import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';
import type { LogSettings } from '../config/settings.ts';

export type { Logger } from 'pino';

/** Bytes of log that wait for a reader that does not read; what comes then is lost, and the server goes on. */
const MOST_WAITING = 4 << 20;

/**
 * The log, on standard error unless told otherwise. Values that come from clients have been through `printable` before they
 * get here.
 */
export function createLog({ level, format }: LogSettings, to: DestinationStream = standardError()): Logger {
  const asText = format === 'text' || (format === 'auto' && process.stderr.isTTY);
  const options = {
    level,
    base: undefined,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, asText ? textOf(to) : to);
}

function standardError(): DestinationStream {
  const stderr = destination({ dest: 2, sync: false, maxLength: MOST_WAITING });
  stderr.on('error', () => undefined); // nobody reads it any more: no reason to stop serving
  return stderr;
}

/** 2026-01-31T00:00:00.000Z info  push vault=web1 … */
function textOf(to: DestinationStream): DestinationStream {
  return {
    write(line) {
      const { time, level, msg, ...values } = JSON.parse(line) as Record<string, unknown>;
      const shown = Object.entries(values).map(([key, value]) => ` ${key}=${quoted(value)}`);
      to.write(`${time} ${String(level).padEnd(5)} ${msg}${shown.join('')}\n`);
    },
  };
}

function quoted(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[\w.,:/+@-]+$/.test(text) ? text : JSON.stringify(text);
}

/** What goes to standard output: lines, tables, JSON. Names of client files are latin1-tagged and go through here. */
import { once } from 'node:events';

/** Writes, and waits while the reader is behind. */
export async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

export async function printLine(line = ''): Promise<void> {
  await write(`${line}\n`);
}

/** JSON that is safe on a terminal: everything that is not plain to see is escaped, as JSON allows. */
export function json(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(/[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}\p{Co}]/gu, (c) =>
    [...Array(c.length).keys()].map((i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}

export async function printJson(value: unknown): Promise<void> {
  await printLine(json(value, 2));
}

/** An array whose items come one after another. */
export async function printJsonArray(items: AsyncIterable<unknown>): Promise<void> {
  let before = '[\n';
  for await (const item of items) {
    await write(`${before}${json(item)}`);
    before = ',\n';
  }
  await write(before === '[\n' ? '[]\n' : '\n]\n');
}

/** A name for JSON: as text where it is UTF-8; its bytes in base64 beside it where it is not. */
export function jsonName(key: string, name: string): Record<string, string> {
  const bytes = Buffer.from(name, 'latin1');
  const text = bytes.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(bytes)) return { [key]: text };
  return { [key]: text, [`${key}_base64`]: bytes.toString('base64') };
}

/** Columns as wide as their widest cell; those whose head begins with '>' are set to the right. */
export async function printTable(heads: string[], rows: string[][]): Promise<void> {
  const right = heads.map((head) => head.startsWith('>'));
  const lines = [heads.map((head) => head.replace(/^>/, '')), ...rows];
  const widths = heads.map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  for (const line of lines) {
    const cells = line.map((cell, i) => (right[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i])));
    await printLine(cells.join('  ').trimEnd());
  }
}

/** 1536 → '1.5 KiB' */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;
  while (Math.abs(bytes) >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${unit === 0 ? bytes : bytes.toFixed(1)} ${units[unit]}`;
}

/** 1234567 → '1,234,567' */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** RFC 3339 to 'YYYY-MM-DD HH:MM:SS' of the local time zone. */
export function localTime(rfc3339: string): string {
  const time = new Date(rfc3339);
  if (Number.isNaN(time.getTime())) return rfc3339;
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 19).replace('T', ' ');
}

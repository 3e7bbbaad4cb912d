/** Changes to the text of a nightdrop.toml that keep everything else as it stands, comments too. */
import { stringify } from 'smol-toml';

export type Entries = ReadonlyMap<string, string | number | boolean | string[]>;

/**
 * Sets keys of a table: in place of the line that sets one, of the commented one that shows its default, or below the
 * table's header. A table that is not there comes at the end, below `comment` where one is given.
 */
export function setKeys(toml: string, table: readonly string[], entries: Entries, comment?: string): string {
  if (entries.size === 0) return toml;
  const lines = toml.replace(/\n?$/, '\n').split('\n').slice(0, -1);
  const header = headerOf(table);
  let at = lines.findIndex((line) => line.replace(/#.*/, '').trim() === header);
  if (at < 0) {
    lines.push('', ...(comment === undefined ? [] : [`# ${comment}`]), header);
    at = lines.length - 1;
  }
  const missing: string[] = [];
  for (const [key, value] of entries) {
    const line = stringify({ [key]: value }).trimEnd();
    const found = findKey(lines, at + 1, key);
    if (found === undefined) missing.push(line);
    else lines[found] = line;
  }
  lines.splice(at + 1, 0, ...missing);
  return `${lines.join('\n')}\n`;
}

/** Takes a table out, from its header (and the line above it where that is `# comment`) to the next. */
export function removeTable(toml: string, table: readonly string[], comment: string): string {
  const lines = toml.split('\n');
  const header = headerOf(table);
  const at = lines.findIndex((line) => line.replace(/#.*/, '').trim() === header);
  if (at < 0) return toml;
  const after = lines.findIndex((line, i) => i > at && /^\s*\[/.test(line));
  let from = at;
  if (lines[from - 1] === `# ${comment}`) from--;
  if (lines[from - 1] === '') from--;
  lines.splice(from, (after < 0 ? lines.length : after) - from, ...(after < 0 ? [''] : []));
  return lines.join('\n');
}

function headerOf(table: readonly string[]): string {
  return `[${table.map((part) => (/^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part))).join('.')}]`;
}

/** The line that sets a key of the table that begins before `from`; else the commented one. */
function findKey(lines: string[], from: number, key: string): number | undefined {
  const end = lines.findIndex((line, i) => i >= from && /^\s*\[/.test(line));
  const within = lines.slice(from, end < 0 ? undefined : end);
  for (const pattern of [new RegExp(`^\\s*${key}\\s*=`), new RegExp(`^#${key} = `)]) {
    const found = within.findIndex((line) => pattern.test(line));
    if (found >= 0) return from + found;
  }
  return undefined;
}

/** nightdrop.toml from text to settings. Errors name the file, the line and the key, and say what would be right. */
import { readFileSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { NightdropError } from '../lib/errors.ts';
import { printable } from '../lib/names.ts';
import { lineOf } from './locate.ts';
import { schema, tables } from './schema.ts';
import type { Settings } from './settings.ts';
import { nearest } from './suggest.ts';

/** One sentence per mistake, each with its place. */
export class ConfigError extends NightdropError {
  constructor(message: string, cause?: unknown) {
    super('ERR_CONFIG', message, { cause });
  }
}

/** A file that does not exist says nothing: all defaults. @throws ConfigError */
export function loadSettings(file: string): Settings {
  let toml: string;
  try {
    toml = readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return parseSettings('', file);
    throw new ConfigError(`${file} cannot be read: ${message}`, error);
  }
  return parseSettings(toml, file);
}

/** @param file its name, for the errors */
export function parseSettings(toml: string, file: string): Settings {
  const result = schema.safeParse(parseToml(toml, file));
  if (result.success) return result.data;
  throw new ConfigError(result.error.issues.flatMap((issue) => describe(issue, toml, file)).join('\n'));
}

function parseToml(toml: string, file: string): unknown {
  try {
    return parse(toml);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const what = error.message.split('\n')[0].replace(/^Invalid TOML document: /, '');
    throw new ConfigError(`${file}:${error.line}: ${what} (column ${error.column})`, error);
  }
}

function describe(issue: z.core.$ZodIssue, toml: string, file: string): string[] {
  const path = issue.path.map(String);
  const at = (parts: string[]) => `${file}:${lineOf(toml, parts) ?? 1}: ${printable(parts.join('.'))}`;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${at([...path, key])}: unknown key${suggestion(path, key)}`);
  }
  if (issue.code === 'invalid_key') return [`${at(path)}: ${issue.issues[0]?.message ?? 'is not a name'}`];
  const wantsTable = issue.code === 'invalid_type' && (issue.expected === 'object' || issue.expected === 'record');
  if (wantsTable) return [`${at(path)}: must be a table ([${path.join('.')}])`];
  return [`${at(path)}: ${issue.message}`];
}

function suggestion(path: string[], key: string): string {
  const known = keysAt(path);
  const meant = nearest(key, known);
  if (meant !== undefined) return `; did you mean ${meant}?`;
  return known.length > 0 ? `; known here: ${known.join(', ')}` : '';
}

/** The keys that may stand in a table. */
function keysAt(path: string[]): string[] {
  if (path.length === 0) return Object.keys(tables);
  if (path.length > (path[0] === 'vaults' ? 2 : 1)) return [];
  const table = path[0] === 'vaults' ? tables.defaults : (tables as Record<string, z.core.$ZodType>)[path[0]];
  return table === undefined ? [] : objectKeys(table);
}

/** Keys of the object inside prefault() and transform(). */
function objectKeys(type: z.core.$ZodType): string[] {
  const { def } = type._zod as { def: { innerType?: z.core.$ZodType; in?: z.core.$ZodType; shape?: object } };
  const inner = def.innerType ?? def.in;
  if (inner !== undefined) return objectKeys(inner);
  return Object.keys(def.shape ?? {});
}

/** What an import changes in nightdrop.toml. */
import { parse } from 'smol-toml';
import { removeTable, setKeys } from '../../config/edit.ts';
import { parseSettings } from '../../config/load.ts';
import { NightdropError } from '../../lib/errors.ts';
import type { ClientDraft, TomlValue } from './draft.ts';
import { left } from './fate.ts';
import type { ServerDraft } from './server-parameters.ts';

const COMMENT = 'imported from rsyncd.conf';
/** Keys of a vault, and the parameters they come from. */
const SHARED_KEYS = [
  ['hosts_allow', 'hosts allow'],
  ['hosts_deny', 'hosts deny'],
  ['max_connections', 'max connections'],
  ['refuse_options', 'refuse options'],
  ['max_verbosity', 'max verbosity'],
  ['ignore_errors', 'ignore errors'],
  ['charset', 'charset'],
  ['default_uid', 'uid'],
  ['default_gid', 'gid'],
] as const;

interface Table {
  name: string[];
  entries: Map<string, TomlValue>;
  comment?: string;
}

export interface Present {
  file: string;
  before: string;
  force: boolean;
  hasClients: boolean;
}

/** @throws NightdropError where the file is written so that nothing can be added to it */
export function changeSettings(present: Present, clients: ClientDraft[], server: ServerDraft) {
  const tables = tablesOf(present, clients, server);
  const after = editSettings(present.before, tables, clients);
  checkEdit(after, present.file, clients);
  const added = tables.reduce((toml, { name, entries }) => setKeys(toml, name, entries), '').trim();
  const { server: own = {} } = parse(after) as { server?: object };
  return { after, added, saysListen: Object.hasOwn(own, 'listen') };
}

/** What goes into the settings file. */
function tablesOf({ before, force, hasClients }: Present, clients: ClientDraft[], server: ServerDraft): Table[] {
  const said = parse(before) as Record<string, Record<string, unknown> | undefined>;
  const wanted = new Map<string, TomlValue>();
  for (const [key, { value, from }] of server.settings) {
    const isSet = said.server !== undefined && Object.hasOwn(said.server, key);
    if (isSet && !force) server.fates.set(from, left(`${key} is set in nightdrop.toml already; --force replaces it`));
    else wanted.set(key, value);
  }
  const isNew =
    !hasClients && SHARED_KEYS.every(([key]) => said.defaults === undefined || !Object.hasOwn(said.defaults, key));
  return [
    { name: ['server'], entries: wanted },
    { name: ['defaults'], entries: isNew ? takeShared(clients) : new Map() },
    ...clients.map(({ name, policy }) => ({ name: ['vaults', name], entries: policy, comment: COMMENT })),
  ];
}

function editSettings(before: string, tables: Table[], clients: ClientDraft[]): string {
  const cleared = clients.reduce((toml, { name }) => removeTable(toml, ['vaults', name], COMMENT), before);
  return tables.reduce((toml, { name, entries, comment }) => setKeys(toml, name, entries, comment), cleared);
}

/** What clients of a new server have from a default of the file stands in [defaults], for those to come too. */
function takeShared(clients: ClientDraft[]): Map<string, TomlValue> {
  const shared = new Map<string, TomlValue>();
  for (const [key, parameter] of SHARED_KEYS) {
    const heirs = clients.filter(({ values }) => values.get(parameter)?.isDefault);
    const values = heirs.map(({ policy }) => JSON.stringify(policy.get(key)));
    // a client that sets nothing here would have the default, too
    if (heirs.length === 0 || new Set(values).size > 1 || clients.some(({ policy }) => !policy.has(key))) continue;
    shared.set(key, heirs[0].policy.get(key)!);
    for (const { policy } of heirs) policy.delete(key);
  }
  return shared;
}

function checkEdit(toml: string, file: string, clients: ClientDraft[]): void {
  try {
    parseSettings(toml, file);
    const { vaults = {} } = parse(toml) as { vaults?: Record<string, object> };
    for (const { name, policy } of clients) {
      const keys = Object.keys(vaults[name] ?? {});
      if (keys.some((key) => !policy.has(key))) throw new Error(`the settings of ${name} stay as they are`);
    }
  } catch (error) {
    throw new NightdropError(
      'ERR_SETTINGS_EDIT',
      `${file} is written in a way that cannot be added to; nothing was imported: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

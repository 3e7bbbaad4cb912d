/** An rsyncd.conf as a nightdrop: what would be made of it, and what becomes of each of its lines. Nothing is written. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'smol-toml';
import { removeTable, setKeys } from '../../config/edit.ts';
import { parseSettings } from '../../config/load.ts';
import { type Assignment, loadRsyncdConf, type Place } from '../../config/rsyncd/load.ts';
import type { Settings } from '../../config/settings.ts';
import { NightdropError } from '../../lib/errors.ts';
import { fromText, printable } from '../../lib/names.ts';
import { vaultLayout } from '../../vault/layout.ts';
import { listVaults } from '../../vault/vault.ts';
import { judgeModule } from './clients.ts';
import type { ClientDraft, TomlValue } from './draft.ts';
import { carried, describeFate, type Fate, left, unneeded } from './fate.ts';
import { carryModuleParameter, fatesOfSilence } from './module-parameters.ts';
import { carryServerParameters, type ServerDraft } from './server-parameters.ts';

const COMMENT = 'imported from rsyncd.conf';
const SHARED_KEYS = [
  ['hosts_allow', 'hosts allow'],
  ['hosts_deny', 'hosts deny'],
  ['refuse_options', 'refuse options'],
] as const;

export interface ImportOptions {
  dataDir: string;
  /** the rsyncd.conf */
  file: string;
  /** in place of the secrets files that it names */
  secretsFile: string | undefined;
  /** clients and settings that are here already may be replaced */
  force: boolean;
}

/** One line of the file, and what becomes of it. */
export interface Remark extends Place {
  kind: Fate['kind'];
  /** `use chroot: not needed: …` */
  text: string;
}

export interface ImportPlan {
  clients: ClientDraft[];
  remarks: Remark[];
  /** the settings file, as it is and as it will be */
  settingsFile: string;
  before: string;
  after: string;
}

export async function planImport(options: ImportOptions): Promise<ImportPlan> {
  const config = loadRsyncdConf(options.file);
  const settingsFile = path.join(options.dataDir, 'nightdrop.toml');
  const before = existsSync(settingsFile) ? readFileSync(settingsFile, 'utf8') : '';
  const own = parseSettings(before, settingsFile);
  const remarks: Remark[] = config.mistakes.map(({ file, line, sentence }) => ({
    file,
    line,
    kind: 'left',
    text: sentence,
  }));
  const fates = new Map<Assignment, Fate[]>(config.assignments.map((assignment) => [assignment, []]));
  const say = ({ file, line }: Place, what: string, fate: Fate) =>
    void remarks.push({ file, line, kind: fate.kind, text: `${what}: ${describeFate(fate)}` });

  const clients: ClientDraft[] = [];
  for (const module of config.modules) {
    const name = `[${printable(module.name)}]`;
    const { client, fates: ofModule } = judgeModule(module, options.secretsFile && fromText(options.secretsFile));
    for (const fate of ofModule) say(module, name, fate);
    if (client === undefined) continue;
    const present = options.force ? undefined : whatIsHere(client.name, options.dataDir, own);
    if (present !== undefined) {
      say(module, name, left(`${present} already; --force replaces its settings and secrets`));
      continue;
    }
    clients.push(client);
    say(module, name, carried(loginsOf(client)));
    for (const fate of fatesOfSilence(client)) say(module, name, fate);
    for (const assignment of client.values.values()) {
      const fate = carryModuleParameter(assignment, client);
      if (fate !== undefined) fates.get(assignment)!.push(fate);
    }
  }
  const server = carryServerParameters(config, clients);
  const hasClients = (await listVaults(options.dataDir)).length > 0;
  const after = editSettings(before, { ...options, hasClients }, clients, server);
  checkEdit(after, settingsFile);
  for (const [assignment, fate] of server.fates) fates.get(assignment)?.push(fate);
  for (const [assignment, list] of fates) {
    const known = list.length > 0 ? list : [unneeded('no client that is carried has it')];
    for (const fate of unique(known)) say(assignment, assignment.parameter.name, fate);
  }
  return { clients, remarks: inOrder(remarks, config.assignments), settingsFile, before, after };
}

function whatIsHere(name: string, dataDir: string, { vaults }: Settings): string | undefined {
  if (existsSync(vaultLayout(dataDir, name).folder)) return `there is a client ${name}`;
  return Object.hasOwn(vaults, name) ? `nightdrop.toml has a table for ${name}` : undefined;
}

/** As it may be told: which users push where. */
function loginsOf({ name, logins }: ClientDraft): string {
  const users = [...logins.keys()].map(printable);
  if (users.length === 1) return `client ${name}, user ${users[0]}`;
  return `client ${name}; its users ${users.join(', ')} push into one vault, as they did into one folder`;
}

function unique(fates: Fate[]): Fate[] {
  return fates.filter((fate, i) => fates.findIndex(({ kind, why }) => kind === fate.kind && why === fate.why) === i);
}

/** By file as they were read, then by line. */
function inOrder(remarks: Remark[], assignments: Assignment[]): Remark[] {
  const files = [...new Set([...assignments, ...remarks].map(({ file }) => file))];
  return remarks.sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line);
}

function editSettings(
  before: string,
  { force, hasClients }: ImportOptions & { hasClients: boolean },
  clients: ClientDraft[],
  server: ServerDraft,
): string {
  const said = parse(before) as Record<string, Record<string, unknown> | undefined>;
  const wanted = new Map<string, TomlValue>();
  for (const [key, { value, from }] of server.settings) {
    const isSet = said.server !== undefined && Object.hasOwn(said.server, key);
    if (isSet && !force) server.fates.set(from, left(`${key} is set in nightdrop.toml already; --force replaces it`));
    else wanted.set(key, value);
  }
  const isNew =
    !hasClients && SHARED_KEYS.every(([key]) => said.defaults === undefined || !Object.hasOwn(said.defaults, key));
  let toml = setKeys(before, ['server'], wanted);
  if (isNew) toml = setKeys(toml, ['defaults'], takeShared(clients));
  for (const { name, policy } of clients) {
    toml = removeTable(toml, ['vaults', name], COMMENT);
    toml = setKeys(toml, ['vaults', name], policy, COMMENT);
  }
  return toml;
}

/** What all clients of a new server have from the same default of the file stands in [defaults], for those to come too. */
function takeShared(clients: ClientDraft[]): Map<string, TomlValue> {
  const shared = new Map<string, TomlValue>();
  for (const [key, name] of SHARED_KEYS) {
    const values = clients.map(({ policy }) => JSON.stringify(policy.get(key)));
    const isDefault = clients.every(({ values: set }) => set.get(name)?.isDefault);
    if (clients.length === 0 || values[0] === undefined || new Set(values).size > 1 || !isDefault) continue;
    shared.set(key, clients[0].policy.get(key)!);
    for (const { policy } of clients) policy.delete(key);
  }
  return shared;
}

function checkEdit(toml: string, file: string): void {
  try {
    parseSettings(toml, file);
  } catch (error) {
    throw new NightdropError(
      'ERR_SETTINGS_EDIT',
      `${file} is written in a way that cannot be added to; nothing was imported: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

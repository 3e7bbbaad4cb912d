/** An rsyncd.conf as a nightdrop: what would be made of it, and what becomes of each of its lines. Nothing is written. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSettings } from '../../config/load.ts';
import { type Assignment, loadRsyncdConf, type Module, type Place, placeOf } from '../../config/rsyncd/load.ts';
import type { Settings } from '../../config/settings.ts';
import { NightdropError } from '../../lib/errors.ts';
import { fromText, printable } from '../../lib/names.ts';
import { vaultLayout } from '../../vault/layout.ts';
import { listVaults } from '../../vault/vault.ts';
import { judgeModule } from './clients.ts';
import type { ClientDraft } from './draft.ts';
import { carried, describeFate, type Fate, left, unneeded } from './fate.ts';
import { carryModuleParameter, fatesOfSilence } from './module-parameters.ts';
import { carryServerParameters } from './server-parameters.ts';
import { changeSettings } from './settings.ts';

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
  /** whether the file has any */
  hasModules: boolean;
  clients: ClientDraft[];
  remarks: Remark[];
  /** the settings file, as it is and as it will be */
  settingsFile: string;
  before: string;
  after: string;
  /** what comes into it, as TOML */
  added: string;
  /** whether it says, then, where the server listens */
  saysListen: boolean;
}

export async function planImport(options: ImportOptions): Promise<ImportPlan> {
  const config = loadRsyncdConf(options.file);
  if (options.secretsFile !== undefined) checkReadable(options.secretsFile);
  const settingsFile = path.join(options.dataDir, 'nightdrop.toml');
  const before = existsSync(settingsFile) ? readFileSync(settingsFile, 'utf8') : '';
  const own = parseSettings(before, settingsFile);
  const remarks: Remark[] = config.mistakes.map(({ file, line, sentence }) => ({
    file,
    line,
    kind: 'unneeded',
    text: `${sentence}; rsyncd passes the line over, too`,
  }));
  const fates = new Map<Assignment, Fate[]>(config.assignments.map((assignment) => [assignment, []]));
  const say = ({ file, line }: Place, what: string, fate: Fate) =>
    void remarks.push({ file, line, kind: fate.kind, text: `${what}: ${describeFate(fate)}` });

  const clients: ClientDraft[] = [];
  for (const module of config.modules) {
    const name = `[${printable(module.name)}]`;
    const verdict = judgeModule(module, options.secretsFile && fromText(options.secretsFile));
    for (const client of verdict.clients) {
      const present =
        whyNotNew(client, clients, config.modules) ??
        (options.force ? undefined : whatIsHere(client.name, options.dataDir, own));
      if (present !== undefined) {
        say(module, name, left(present));
        continue;
      }
      clients.push(client);
      if (client.logins.size > 0) say(module, name, carried(loginsOf(client)));
      for (const assignment of client.values.values()) {
        const fate = carryModuleParameter(assignment, client);
        if (fate !== undefined) fates.get(assignment)!.push(fate);
      }
    }
    for (const fate of verdict.fates) say(module, name, fate);
    const [first] = clients.filter((client) => client.module === module.name);
    if (first !== undefined) for (const fate of fatesOfSilence(first)) say(module, name, fate);
  }
  const server = carryServerParameters(config, clients);
  const hasClients = (await listVaults(options.dataDir)).length > 0;
  const change = changeSettings({ file: settingsFile, before, force: options.force, hasClients }, clients, server);
  for (const [assignment, fate] of server.fates) fates.get(assignment)?.push(fate);
  for (const [assignment, list] of fates) {
    const known = list.length > 0 ? list : [unneeded(whyUnused(assignment, config.modules))];
    for (const fate of unique(known)) say(assignment, assignment.parameter.name, fate);
  }
  const hasModules = config.modules.length > 0;
  const made = clients.filter(({ logins }) => logins.size > 0);
  return { clients: made, hasModules, remarks: inOrder(remarks, config.assignments), settingsFile, before, ...change };
}

/** Of the one that is to be used for all modules. */
function checkReadable(secretsFile: string): void {
  try {
    accessSync(secretsFile, constants.R_OK);
  } catch (error) {
    throw new NightdropError('ERR_SECRETS_FILE', `${secretsFile} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Of what nobody carried. */
function whyUnused(assignment: Assignment, modules: Module[]): string {
  if (assignment.isDefault) return 'no client that is carried has it';
  const module = modules.find(({ values }) => [...values.values()].includes(assignment));
  return module === undefined ? 'a later line replaces it' : `[${printable(module.name)}] is left out`;
}

/** Names of users that become clients may be those of other modules. */
function whyNotNew({ name, module }: ClientDraft, clients: ClientDraft[], modules: Module[]): string | undefined {
  const other = clients.find((client) => client.name === name);
  if (other !== undefined) return `${name} is a client already, made at ${placeOf(other)}`;
  const isTaken = name !== module && modules.some((one) => one.name === name);
  return isTaken ? `${name} cannot be a client of its own: a module is called so, too` : undefined;
}

function whatIsHere(name: string, dataDir: string, { vaults }: Settings): string | undefined {
  const replaces = '--force replaces its settings and secrets';
  if (existsSync(vaultLayout(dataDir, name).folder)) return `there is a client ${name} already; ${replaces}`;
  return Object.hasOwn(vaults, name) ? `nightdrop.toml has a table for ${name} already; ${replaces}` : undefined;
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

/** Which modules become clients, with whose secrets. */

import { type Module, valueIn } from '../../config/rsyncd/load.ts';
import { booleanOf, numberOf } from '../../config/rsyncd/parameters.ts';
import { printable } from '../../lib/names.ts';
import { isVaultName } from '../../vault/layout.ts';
import { MAY_ONLY_READ, pushersOf } from './auth-users.ts';
import type { ClientDraft } from './draft.ts';
import { type Fate, left, unneeded } from './fate.ts';
import { readSecretsFile, SecretsFileError } from './secrets-file.ts';

export interface ModuleVerdict {
  /** none: nobody pushes there, or the module cannot be carried; the last fate says why */
  clients: ClientDraft[];
  fates: Fate[];
}

const USER = '%RSYNC_USER_NAME%';
const READ_ONLY = unneeded("it is read only (rsyncd's default), so nobody pushes there");
const NAMES = '1 to 64 letters, digits, dots, underscores and hyphens, and begins with a letter or digit';

/** @param secretsFile in place of those that the modules name */
export function judgeModule(module: Module, secretsFile: string | undefined): ModuleVerdict {
  const why = whyNot(module);
  if (why !== undefined) return { clients: [], fates: [why] };
  if (textOf(module, 'auth users') === '') return withoutSecrets(module);
  const readOnly = isOn(module, 'read only', true);
  const file = secretsFile ?? textOf(module, 'secrets file');
  if (file === '') return { clients: [], fates: [left('it names no secrets file, so nobody can log in')] };
  let secrets: Map<string, string>;
  try {
    secrets = readSecretsFile(Buffer.from(file, 'latin1').toString('utf8'), isOn(module, 'strict modes', true));
  } catch (error) {
    if (!(error instanceof SecretsFileError)) throw error;
    return { clients: [], fates: [left(`its secrets file "${printable(file)}" ${error.message}`)] };
  }
  const { logins, fates } = pushersOf(textOf(module, 'auth users'), secrets, readOnly);
  if (logins.size === 0) {
    const reason = readOnly ? READ_ONLY : left('no user with a secret may push');
    return { clients: [], fates: [...fates.filter(({ why }) => !why.endsWith(MAY_ONLY_READ)), reason] };
  }
  if (!textOf(module, 'path').includes(USER)) return { clients: [draftOf(module, module.name, logins)], fates };
  const own = oneForEach(module, logins);
  return { clients: own.clients, fates: [...fates, ...own.fates] };
}

/** Its settings are here when somebody makes the client: what kept hosts out there does then. */
function withoutSecrets(module: Module): ModuleVerdict {
  const { name } = module;
  const why = `anybody may push there, but each client here has a secret: nightdrop client add ${name} makes it, and finds its settings here`;
  return { clients: [draftOf(module, name, new Map())], fates: [left(why)] };
}

/** Where each user has a folder of its own, each becomes a client. */
function oneForEach(module: Module, logins: Map<string, string>): ModuleVerdict {
  const clients: ClientDraft[] = [];
  const fates: Fate[] = [];
  for (const [user, secret] of logins) {
    if (isVaultName(user)) clients.push(draftOf(module, user, new Map([[user, secret]])));
    else fates.push(left(`${printable(user)} is no name of a client, which has ${NAMES}`));
  }
  fates.push(
    left(
      'one module with a folder for each user: each user becomes a client, and pushes to rsync://USER@HOST/USER/ from now on',
    ),
  );
  return { clients, fates };
}

function draftOf({ name: module, file, line, values }: Module, name: string, logins: Map<string, string>): ClientDraft {
  return { name, module, file, line, values, logins, policy: new Map() };
}

function whyNot(module: Module): Fate | undefined {
  if (numberOf(textOf(module, 'max connections')) < 0) return unneeded('max connections below 0 turns the module off');
  if (textOf(module, 'auth users') === '' && isOn(module, 'read only', true)) return READ_ONLY;
  const folder = textOf(module, 'path');
  if (!folder.includes(USER) && !isVaultName(module.name)) return left(`a client's name has ${NAMES}`);
  if (/%RSYNC_/.test(folder.replaceAll(USER, ''))) {
    return left('its folder hangs on who connects: nightdrop client add makes a client for each');
  }
  for (const name of ['auth users', 'secrets file']) {
    if (/%RSYNC_/.test(textOf(module, name))) return left(`${name} hangs on who connects`);
  }
  return undefined;
}

function textOf({ name: module, values }: Module, name: string): string {
  const assignment = values.get(name);
  return assignment === undefined ? '' : valueIn(module, assignment);
}

function isOn({ values }: Module, name: string, byDefault: boolean): boolean {
  const assignment = values.get(name);
  return assignment === undefined ? byDefault : booleanOf(assignment.value) === true;
}

/** Which modules become clients, with whose secrets. */

import type { Module } from '../../config/rsyncd/load.ts';
import { booleanOf, numberOf } from '../../config/rsyncd/parameters.ts';
import { printable } from '../../lib/names.ts';
import { isVaultName } from '../../vault/layout.ts';
import { MAY_ONLY_READ, pushersOf } from './auth-users.ts';
import type { ClientDraft } from './draft.ts';
import { type Fate, left, unneeded } from './fate.ts';
import { readSecretsFile, SecretsFileError } from './secrets-file.ts';

export interface ModuleVerdict {
  /** undefined: nobody pushes there, or the module cannot be carried; the last fate says why */
  client: ClientDraft | undefined;
  fates: Fate[];
}

/** @param secretsFile in place of those that the modules name */
export function judgeModule(module: Module, secretsFile: string | undefined): ModuleVerdict {
  const why = whyNot(module);
  if (why !== undefined) return { client: undefined, fates: [why] };
  const readOnly = isOn(module, 'read only', true);
  const file = secretsFile ?? textOf(module, 'secrets file');
  if (file === '') return { client: undefined, fates: [left('it names no secrets file, so nobody can log in')] };
  let secrets: Map<string, string>;
  try {
    secrets = readSecretsFile(Buffer.from(file, 'latin1').toString('utf8'), isOn(module, 'strict modes', true));
  } catch (error) {
    if (!(error instanceof SecretsFileError)) throw error;
    return { client: undefined, fates: [left(`${printable(file)} ${error.message}`)] };
  }
  const { logins, fates } = pushersOf(textOf(module, 'auth users'), secrets, readOnly);
  if (logins.size === 0) {
    const reason = readOnly
      ? left("it is read only (rsyncd's default), so nobody pushes there")
      : left('no user with a secret may push');
    return { client: undefined, fates: [...fates.filter(({ why }) => !why.endsWith(MAY_ONLY_READ)), reason] };
  }
  const { name, file: at, line, values } = module;
  return { client: { name, file: at, line, values, logins, policy: new Map() }, fates };
}

function whyNot(module: Module): Fate | undefined {
  if (numberOf(textOf(module, 'max connections')) < 0) return unneeded('max connections below 0 turns the module off');
  if (textOf(module, 'auth users') === '') {
    if (isOn(module, 'read only', true)) return left("it is read only (rsyncd's default), so nobody pushes there");
    return left('anybody may push there, but each client here has a secret: nightdrop client add makes one');
  }
  if (!isVaultName(module.name)) {
    return left(
      'a client has 1 to 64 letters, digits, dots, underscores and hyphens, and begins with a letter or digit',
    );
  }
  if (/%RSYNC_/.test(textOf(module, 'path'))) {
    return left('each user has a folder of its own there: nightdrop client add makes a client for each');
  }
  for (const name of ['auth users', 'secrets file']) {
    if (/%RSYNC_/.test(textOf(module, name))) return left(`${name} hangs on who connects`);
  }
  return undefined;
}

function textOf({ values }: Module, name: string): string {
  return values.get(name)?.value ?? '';
}

function isOn({ values }: Module, name: string, byDefault: boolean): boolean {
  const assignment = values.get(name);
  return assignment === undefined ? byDefault : booleanOf(assignment.value) === true;
}

import type { Command } from 'commander';
import { shellWord } from '../../lib/shell-word.ts';
import type { ClientAccess, PushTarget } from '../../server/clients.ts';
import { dataFolder } from '../data-folder.ts';
import { UsageError } from '../failure.ts';
import { count, printJson, printLine, printTable, size } from '../output.ts';
import { warnOfRoot } from '../owner.ts';
import { addAuthorize } from './client-authorize.ts';

interface AddOptions {
  secretFile?: string;
  json?: boolean;
}

const SECRET_FILE = 'file with the secret; where there is none, the new one is written there and not shown';

export function addClient(program: Command): void {
  const client = program.command('client').description('who may push: add, list, authorize, rotate, remove');
  addAdd(client);
  addList(client);
  addAuthorize(client);
  addRotate(client);
  addRemove(client);
}

function addAdd(client: Command): void {
  client
    .command('add')
    .argument('<name>', 'letters, digits, dots, underscores, hyphens')
    .description('make a client with a vault of its own; shows its secret, once, and the command to push')
    .option('--secret-file <file>', SECRET_FILE)
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nA running server knows it at once.\n\nExamples:\n  nightdrop client add web1\n  nightdrop client add web1 --secret-file web1.secret',
    )
    .action(async (name: string, options: AddOptions, command: Command) => {
      const { addClient, pushTarget } = await import('../../server/clients.ts');
      const dataDir = dataFolder(command);
      // before anything is done: it fails where the settings have mistakes
      const target = pushTarget(dataDir, name);
      const access = await addClient(dataDir, name, options.secretFile);
      await printAccess(access, target, `Added client ${name}.`, options.json);
      warnOfRoot(dataDir);
    });
}

function addRotate(client: Command): void {
  client
    .command('rotate')
    .argument('<name>', 'client')
    .description('give a client another secret; the old one is worth nothing from now on')
    .option('--secret-file <file>', SECRET_FILE)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  nightdrop client rotate web1')
    .action(async (name: string, options: AddOptions, command: Command) => {
      const { pushTarget, rotateClient } = await import('../../server/clients.ts');
      const dataDir = dataFolder(command);
      const target = pushTarget(dataDir, name);
      const access = await rotateClient(dataDir, name, options.secretFile);
      await printAccess(access, target, `Client ${name} has another secret.`, options.json);
      warnOfRoot(dataDir);
    });
}

async function printAccess(
  { layout, secret, secretFile }: ClientAccess,
  { program, url }: PushTarget,
  headline: string,
  asJson = false,
): Promise<void> {
  const file = shellWord(secretFile ?? `/root/${layout.name}.secret`);
  const command = `${program} -aHAX --delete --password-file=${file} /etc ${url}`;
  if (asJson) return printJson({ name: layout.name, secret, secretFile, url, command, vault: layout.folder });
  await printLine(headline);
  if (secret !== undefined) {
    await printLine(`Its secret, shown this once:\n\n    ${secret}\n`);
    await printLine(`On the client put it into a file that only root can read (chmod 600), then push:`);
  } else {
    await printLine(`Its secret is in ${secretFile}. Have that file on the client (chmod 600), then push:`);
  }
  await printLine(`\n    ${command}`);
}

function addList(client: Command): void {
  client
    .command('list')
    .description('list the clients')
    .option('--all', 'also those that were removed and whose backups are still here')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  nightdrop client list --all')
    .action(async (options: { all?: boolean; json?: boolean }, command: Command) => {
      const { listClients } = await import('../../server/clients.ts');
      const clients = (await listClients(dataFolder(command))).filter(({ login }) => login || options.all);
      if (options.json) return printJson(clients.map(({ totals, ...told }) => ({ ...told, ...totals })));
      if (clients.length === 0) return printLine('no clients yet');
      const rows = clients.map(({ name, login, users, snapshots, totals }) => [
        name,
        login ? users.map((user) => (user === name ? 'yes' : `as ${user}`)).join(', ') : 'no',
        count(snapshots),
        totals ? count(totals.files) : '?',
        totals ? size(totals.bytes) : '?',
      ]);
      await printTable(['Name', 'May push', '>Snapshots', '>Files', '>Size'], rows);
    });
}

function addRemove(client: Command): void {
  client
    .command('remove')
    .argument('<name>', 'client')
    .description('take the secret of a client away: it cannot push any more. Its backups stay')
    .option('--purge', 'delete its backups, too')
    .option('--yes', 'do not ask')
    .addHelpText('after', '\nExamples:\n  nightdrop client remove web1\n  nightdrop client remove web1 --purge --yes')
    .action(async (name: string, options: { purge?: boolean; yes?: boolean }, command: Command) => {
      const { removeClient } = await import('../../server/clients.ts');
      const { findVault } = await import('../../vault/vault.ts');
      const dataDir = dataFolder(command);
      await findVault(dataDir, name);
      if (options.purge && !options.yes) await confirmPurge(name);
      await removeClient(dataDir, name, options.purge ?? false);
      if (options.purge) await printLine(`Removed client ${name} and all its backups.`);
      else await printLine(`Client ${name} cannot push any more. Its backups stay (--purge deletes them).`);
    });
}

async function confirmPurge(name: string): Promise<void> {
  if (!process.stdin.isTTY) throw new UsageError(`--purge deletes all backups of ${name}: say --yes with it`);
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Delete all backups of ${name}? Type its name to go on: `);
  terminal.close();
  if (answer.trim() !== name) throw new UsageError('nothing was removed');
}

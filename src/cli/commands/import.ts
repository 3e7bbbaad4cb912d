import type { Command } from 'commander';
import type { ClientDraft } from '../../server/import/draft.ts';
import type { ImportPlan } from '../../server/import/plan.ts';
import { dataFolder } from '../data-folder.ts';
import { ExitCode } from '../exit-codes.ts';
import { printJson, printLine } from '../output.ts';
import { warnOfRoot } from '../owner.ts';

interface ImportOptions {
  secrets?: string;
  dryRun?: boolean;
  force?: boolean;
  json?: boolean;
}

/** Secrets that a person thought up are mostly shorter. */
const SHORT_SECRET = 16;

export function addImport(program: Command): void {
  program
    .command('import')
    .argument('<rsyncd.conf>', "configuration of stock rsync's daemon")
    .description("make clients of the modules of an rsyncd.conf, with their users' secrets, hosts and options")
    .option('--secrets <file>', 'secrets file in place of those that it names')
    .option('--dry-run', 'say what would be done, and what would be added to nightdrop.toml, and do nothing')
    .option('--force', 'replace settings and secrets of clients that are here already; their backups stay')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Says of each line what became of it: carried; not needed; different here, because nobody reads here; or not carried, and
why. It ends with 4 where a module, or a setting that keeps somebody out or changes what is stored, was not carried. What
lies in the folders of the modules is not brought in: the first push sends it.

Examples:
  nightdrop import /etc/rsyncd.conf --dry-run
  nightdrop import /etc/rsyncd.conf --secrets /root/rsyncd.secrets`,
    )
    .action(async (file: string, options: ImportOptions, command: Command) => {
      const { planImport } = await import('../../server/import/plan.ts');
      const { applyImport } = await import('../../server/import/apply.ts');
      const dataDir = dataFolder(command);
      const { secrets: secretsFile, dryRun = false, force = false } = options;
      const plan = await planImport({ dataDir, file, secretsFile, force });
      if (!dryRun) await applyImport(dataDir, plan);
      if (options.json) await printJson(asJson(plan));
      else await printPlan(file, plan, dryRun);
      if (!dryRun) warnOfRoot(dataDir);
      if (!isComplete(plan)) process.exitCode = ExitCode.incomplete;
    });
}

/** A file of which nobody becomes a client was not carried either. */
function isComplete({ clients, remarks }: ImportPlan): boolean {
  return clients.length > 0 && remarks.every(({ kind }) => kind !== 'left');
}

async function printPlan(file: string, plan: ImportPlan, dryRun: boolean): Promise<void> {
  const { clients, remarks, settingsFile, added, saysListen } = plan;
  const { placeOf } = await import('../../config/rsyncd/load.ts');
  for (const remark of remarks) await printLine(`${placeOf(remark)}: ${remark.text}`);
  const places = remarks.filter(({ kind }) => kind === 'left').map(placeOf);
  await printLine();
  const names = clients.map(({ name }) => name).join(', ');
  const why = plan.hasModules ? '' : `: ${file} has no modules`;
  if (clients.length === 0) await printLine(`No client ${dryRun ? 'would be' : 'was'} made${why}.`);
  else await printLine(`${dryRun ? 'Would make' : 'Made'} ${clients.length} client(s): ${names}.`);
  if (places.length > 0) await printLine(`Not carried, see above: ${[...new Set(places)].join(', ')}`);
  if (added !== '') {
    const what = `${dryRun ? 'It would be added' : 'Added'} to ${settingsFile}:`;
    await printLine(`\n${what}\n\n${added.replace(/^(?=.)/gm, '    ')}\n`);
  }
  if (!saysListen && clients.length > 0) {
    await printLine('Where it listens is not set (rsyncd: port 873): 127.0.0.1:8730, for this machine alone.');
    await printLine('Set listen in [server], or serve with --listen.');
  }
  for (const client of clients) await printAdvice(client);
}

async function printAdvice({ name, logins }: ClientDraft): Promise<void> {
  const { printable } = await import('../../lib/names.ts');
  const short = [...logins].filter(([, secret]) => secret.length < SHORT_SECRET).map(([user]) => printable(user));
  if (short.length === 0) return;
  await printLine(
    `${name}: short secrets (${short.join(', ')}) can be guessed; "client rotate ${name}" makes a long one.`,
  );
}

function asJson({ clients, remarks, added }: ImportPlan): unknown {
  const made = clients.map(({ name, logins, policy }) => ({
    name,
    users: [...logins.keys()].map((user) => Buffer.from(user, 'latin1').toString('utf8')),
    settings: Object.fromEntries(policy),
  }));
  return { clients: made, remarks, settings: added };
}

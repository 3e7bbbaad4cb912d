import type { Command } from 'commander';
import type { ClientDraft } from '../../server/import/draft.ts';
import type { ImportPlan } from '../../server/import/plan.ts';
import { dataFolder } from '../data-folder.ts';
import { ExitCode } from '../exit-codes.ts';
import { printJson, printLine } from '../output.ts';

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
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--force', 'replace settings and secrets of clients that are here already; their backups stay')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Says of each line what became of it: carried, not needed here, or not carried (exit code 4), and why. What lies in the
folders of the modules is not brought in: the first push sends it.

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
      else await printPlan(plan, dryRun);
      if (plan.remarks.some(({ kind }) => kind === 'left')) process.exitCode = ExitCode.incomplete;
    });
}

async function printPlan({ clients, remarks, before, after }: ImportPlan, dryRun: boolean): Promise<void> {
  const { placeOf } = await import('../../config/rsyncd/load.ts');
  for (const remark of remarks) await printLine(`${placeOf(remark)}: ${remark.text}`);
  const count = remarks.filter(({ kind }) => kind === 'left').length;
  const lost = count === 0 ? 'nothing was left out' : `${count} not carried, see above`;
  await printLine();
  if (clients.length === 0) return printLine(`No client ${dryRun ? 'would be' : 'was'} made: ${lost}.`);
  const names = clients.map(({ name }) => name).join(', ');
  await printLine(`${dryRun ? 'Would make' : 'Made'} ${clients.length} client(s): ${names}; ${lost}.`);
  if (dryRun && after !== before) await printLine(`nightdrop.toml would be:\n\n${after.replace(/^(?=.)/gm, '    ')}`);
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

function asJson({ clients, remarks, after }: ImportPlan): unknown {
  const made = clients.map(({ name, logins, policy }) => ({
    name,
    users: [...logins.keys()].map((user) => Buffer.from(user, 'latin1').toString('utf8')),
    settings: Object.fromEntries(policy),
  }));
  return { clients: made, remarks, settings: after };
}

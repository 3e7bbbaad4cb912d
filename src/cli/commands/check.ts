import type { Command } from 'commander';
import type { CheckReport } from '../../repository/check.ts';
import { dataFolder } from '../data-folder.ts';
import { ExitCode } from '../exit-codes.ts';
import { count, printJson, printLine, size } from '../output.ts';
import { showProgress } from '../progress.ts';

interface CheckCommandOptions {
  readData?: boolean;
  json?: boolean;
}

export function addCheck(program: Command): void {
  program
    .command('check')
    .argument('[name]', 'client; all of them when not given')
    .description('look for damage in the stored snapshots')
    .option('--read-data', 'read and verify every byte, not only what refers to what')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExit code 3 when anything is missing or damaged.\n\nExample:\n  nightdrop check --read-data',
    )
    .action(async (name: string | undefined, options: CheckCommandOptions, command: Command) => {
      const { listVaults } = await import('../../vault/vault.ts');
      const dataDir = dataFolder(command);
      const reports: (CheckReport & { name: string })[] = [];
      for (const vault of name === undefined ? await listVaults(dataDir) : [name]) {
        const report = await checkVault(dataDir, vault, options);
        reports.push({ name: vault, ...report });
        if (!report.ok) process.exitCode = ExitCode.damage;
        if (!options.json) await printReport(vault, report);
      }
      if (options.json) await printJson(reports);
    });
}

async function checkVault(dataDir: string, name: string, options: CheckCommandOptions): Promise<CheckReport> {
  const { checkRepository } = await import('../../repository/check.ts');
  const { openVault } = await import('../../vault/vault.ts');
  const { withLock } = await import('../reading.ts');
  const vault = await openVault(dataDir, name);
  const progress = await showProgress(`checking ${name}`, 'done');
  try {
    return await withLock(vault.repository, () =>
      checkRepository(vault.repository, {
        readData: options.readData,
        onProgress: ({ step, done, total }) => progress.update(done, total, `checking ${name}: ${step}`),
        onProblem: ({ kind, id, message }) => {
          if (!options.json) process.stderr.write(`nightdrop: ${name}: ${kind} ${id.slice(0, 8)}: ${message}\n`);
        },
      }),
    );
  } finally {
    progress.stop();
    await vault.close();
  }
}

async function printReport(name: string, report: CheckReport): Promise<void> {
  const read = report.bytesRead > 0 ? `, ${size(report.bytesRead)} read` : '';
  const seen = `${count(report.snapshots)} snapshots, ${count(report.trees)} trees, ${count(report.packs)} packs${read}`;
  const problems = report.problems.length + report.unlisted - report.unusedPacks;
  await printLine(`${name}: ${report.ok ? 'no errors were found' : `${count(problems)} PROBLEMS`} (${seen})`);
}

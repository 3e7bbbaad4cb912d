import type { Command } from 'commander';
import { Option } from 'commander';
import type { ExistingPolicy } from '../../restore/context.ts';
import type { RestoreReport } from '../../restore/report.ts';
import { dataFolder } from '../data-folder.ts';
import { ExitCode } from '../exit-codes.ts';
import { pathFromArgument } from '../nodes.ts';
import { count, printJson, printLine, size } from '../output.ts';
import { showProgress } from '../progress.ts';

interface RestoreCommandOptions {
  path?: string;
  to: string;
  delete?: boolean;
  existing: ExistingPolicy;
  json?: boolean;
}

export function addRestore(program: Command): void {
  program
    .command('restore')
    .argument('<name>', 'client')
    .argument('<snapshot>', 'ID, beginning of one, time, or latest')
    .requiredOption('--to <dir>', 'folder to restore into; made when it is not there')
    .option('--path <path>', "only this: a directory's content, or one file")
    .option('--delete', 'remove from the folder what the snapshot does not hold')
    .addOption(
      new Option('--existing <what>', 'what to do with files that are there')
        .choices(['update', 'replace', 'keep', 'refuse'])
        .default('update'),
    )
    .option('--json', 'the report as JSON')
    .description('write a snapshot, or a part of it, to a folder')
    .addHelpText(
      'after',
      `
Without root, owners and devices cannot be set: the rest is restored, what was not set is said at the end, and the exit
code is 0. Objects that could not be restored at all are said one by one, and the exit code is 4.

Examples:
  nightdrop restore web1 latest --to /srv/back
  nightdrop restore web1 3f9a --path etc/ssh --to /tmp/ssh`,
    )
    .action(async (name: string, snapshot: string, options: RestoreCommandOptions, command: Command) => {
      const report = await restoreSnapshot(dataFolder(command), name, snapshot, options);
      const { describeUnset } = await import('../../restore/report.ts');
      if (options.json) await printJson({ ...report, unset: Object.fromEntries(report.unset) });
      else await printReport(report);
      for (const line of describeUnset(report)) process.stderr.write(`nightdrop: ${line}\n`);
      if (report.failed > 0) process.exitCode = ExitCode.incomplete;
    });
}

async function restoreSnapshot(
  dataDir: string,
  name: string,
  wanted: string,
  options: RestoreCommandOptions,
): Promise<RestoreReport> {
  const { withVault } = await import('../reading.ts');
  const { restore } = await import('../../restore/restore.ts');
  const { entryToNode } = await import('../../vault/nodes.ts');
  const { rootOf } = await import('../../vault/rebuild.ts');
  return withVault(dataDir, name, async (vault) => {
    const info = vault.snapshot(wanted);
    const root = rootOf(info.snapshot);
    const total = options.path === undefined ? info.bytes : undefined;
    const progress = await showProgress(`restoring ${info.id.slice(0, 8)}`, 'bytes');
    try {
      return await restore({
        repository: vault.repository,
        blobs: vault.blobs,
        tree: Buffer.from(info.tree, 'hex'),
        path: options.path === undefined ? undefined : pathFromArgument(options.path),
        root: root && entryToNode(root, undefined),
        to: options.to,
        delete: options.delete,
        existing: options.existing,
        progress: (report) => progress.update(report.bytes + report.keptBytes, total),
        onWarning: ({ path, message }) => process.stderr.write(`nightdrop: ${path}: ${message}\n`),
      });
    } finally {
      progress.stop();
    }
  });
}

async function printReport(report: RestoreReport): Promise<void> {
  const parts: [number, string][] = [
    [report.files, 'files'],
    [report.directories, 'directories'],
    [report.symlinks, 'symlinks'],
    [report.specials, 'special files'],
    [report.hardLinks, 'hard links'],
  ];
  const told = parts.filter(([n]) => n > 0).map(([n, what]) => `${count(n)} ${what}`);
  await printLine(`restored ${told.join(', ') || 'nothing'} (${size(report.bytes)} written)`);
  if (report.keptFiles > 0)
    await printLine(`kept ${count(report.keptFiles)} files that were there (${size(report.keptBytes)})`);
  if (report.removed > 0) await printLine(`removed ${count(report.removed)} objects that the snapshot does not hold`);
  if (report.failed > 0) await printLine(`NOT restored: ${count(report.failed)} objects, see above`);
}

import type { Command } from 'commander';
import { dataFolder } from '../data-folder.ts';
import { count, printJson, printLine, size } from '../output.ts';
import { warnOfRoot } from '../owner.ts';
import { showProgress } from '../progress.ts';

export function addVault(program: Command): void {
  const vault = program.command('vault').description('a vault itself: where it is, and its state made anew');
  addInfo(vault);
  addRebuild(vault);
}

function addInfo(vault: Command): void {
  vault
    .command('info')
    .argument('<name>', 'client')
    .description('where the repository and its password are, for stock restic; and how much there is')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  nightdrop vault info web1')
    .action(async (name: string, options: { json?: boolean }, command: Command) => {
      const { findVault } = await import('../../vault/vault.ts');
      const { clientInfo } = await import('../../server/clients.ts');
      const { LocalBackend } = await import('../../repository/backend/local.ts');
      const layout = await findVault(dataFolder(command), name);
      const { snapshots, totals, current, login } = await clientInfo(layout);
      let storedBytes = 0;
      let packs = 0;
      for await (const pack of new LocalBackend(layout.repository, layout.temporary).list('data')) {
        storedBytes += pack.size;
        packs++;
      }
      const { folder, repository, passwordFile, secretFile, stateFile } = layout;
      const info = {
        name,
        repository,
        passwordFile,
        secretFile,
        stateFile,
        folder,
        login,
        snapshots,
        current,
        ...totals,
        packs,
        storedBytes,
      };
      if (options.json) return printJson(info);
      await printLine(`Repository:     ${repository}`);
      await printLine(`Password file:  ${passwordFile}`);
      await printLine(`Snapshots:      ${count(snapshots)}`);
      if (totals) await printLine(`Current state:  ${count(totals.files)} files, ${size(totals.bytes)}`);
      else await printLine('Current state:  not usable; the next push makes it anew, or vault rebuild does');
      await printLine(`Stored:         ${size(storedBytes)} in ${count(packs)} packs`);
      await printLine(`With restic:    restic -r ${repository} -p ${passwordFile} snapshots`);
    });
}

function addRebuild(vault: Command): void {
  vault
    .command('rebuild')
    .argument('<name>', 'client')
    .description('make the state (a cache) anew from the repository; a push does that by itself where it finds damage')
    .addHelpText('after', '\nExample:\n  nightdrop vault rebuild web1')
    .action(async (name: string, _: object, command: Command) => {
      const { openVault } = await import('../../vault/vault.ts');
      const { rebuildState } = await import('../../vault/rebuild.ts');
      const { withLock } = await import('../reading.ts');
      const dataDir = dataFolder(command);
      const vault = await openVault(dataDir, name);
      const progress = await showProgress(`rebuilding ${name}`, 'done');
      try {
        const lease = await vault.lease('vault rebuild');
        try {
          const { files, directories, packs, snapshot } = await withLock(vault.repository, () =>
            rebuildState(vault.layout, vault.repository, ({ step, done, total }) =>
              progress.update(done, total, `rebuilding ${name}: ${step}`),
            ),
          );
          progress.stop();
          const of = snapshot === undefined ? 'there is no snapshot' : `snapshot ${snapshot.slice(0, 8)}`;
          await printLine(
            `rebuilt: ${count(files)} files in ${count(directories)} directories (${of})${adopted(packs)}`,
          );
        } finally {
          lease.release();
        }
      } finally {
        progress.stop();
        await vault.close();
        warnOfRoot(dataDir);
      }
    });
}

/** Packs that a push had stored before it was cut off. */
function adopted(packs: number): string {
  return packs === 0 ? '' : `; ${count(packs)} packs that no index named were taken in`;
}

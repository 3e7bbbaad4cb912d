import type { Command } from 'commander';
import type { SnapshotInfo } from '../../vault/snapshots.ts';
import { dataFolder } from '../data-folder.ts';
import { count, localTime, printJson, printLine, printTable, size } from '../output.ts';

export function addSnapshots(program: Command): void {
  program
    .command('snapshots')
    .argument('<name>', 'client')
    .description('list the snapshots of a client, oldest first')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  nightdrop snapshots web1 --json | jq ".[-1]"')
    .action(async (name: string, options: { json?: boolean }, command: Command) => {
      const { openVault } = await import('../../vault/vault.ts');
      const { listSnapshots } = await import('../../vault/snapshots.ts');
      const vault = await openVault(dataFolder(command), name);
      try {
        const snapshots = await listSnapshots(vault.repository);
        if (options.json) await printJson(snapshots.map(asJson));
        else await printSnapshots(snapshots);
      } finally {
        await vault.close();
      }
    });
}

function asJson(info: SnapshotInfo): Record<string, unknown> {
  const { snapshot, ...told } = info;
  return {
    ...told,
    wireBytes: info.wireIn + info.wireOut,
    address: snapshot.nightdrop?.address,
    finished: snapshot.nightdrop?.finished_at ?? snapshot.summary?.backup_end,
  };
}

async function printSnapshots(snapshots: SnapshotInfo[]): Promise<void> {
  if (snapshots.length === 0) return printLine('no snapshots yet');
  const rows = snapshots.map((s) => [
    s.id.slice(0, 8),
    localTime(s.time),
    count(s.files),
    size(s.bytes),
    count(s.changed),
    size(s.wireIn + s.wireOut),
    size(s.storedBytes),
    s.complete ? 'yes' : 'no: cut short',
  ]);
  await printTable(['ID', 'Time', '>Files', '>Size', '>Changed', '>Wire', '>Stored', 'Complete'], rows);
}

import type { Command } from 'commander';
import { printable } from '../../lib/names.ts';
import type { Difference } from '../../restore/diff.ts';
import { dataFolder } from '../data-folder.ts';
import { nodeJson } from '../nodes.ts';
import { count, jsonName, printJsonArray, printLine } from '../output.ts';

export function addDiff(program: Command): void {
  program
    .command('diff')
    .argument('<name>', 'client')
    .argument('<before>', 'snapshot: ID, beginning of one, time, or latest')
    .argument('<after>', 'snapshot')
    .description('show what changed from one snapshot to another')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nLines begin with + (added), - (removed) or M (changed, and what of it).\n\nExample:\n  nightdrop diff web1 3f9a 81c2',
    )
    .action(async (name: string, before: string, after: string, options: { json?: boolean }, command: Command) => {
      const { withVault } = await import('../reading.ts');
      const { diffTrees } = await import('../../restore/diff.ts');
      await withVault(dataFolder(command), name, async (vault) => {
        const [from, to] = [before, after].map((wanted) => Buffer.from(vault.snapshot(wanted).tree, 'hex'));
        const differences = diffTrees(vault, from, to);
        if (options.json) await printJsonArray(asJson(differences));
        else await printDifferences(differences);
      });
    });
}

async function* asJson(differences: AsyncIterable<Difference>): AsyncGenerator<unknown> {
  for await (const found of differences) {
    yield {
      kind: found.kind,
      ...jsonName('path', found.path),
      ...(found.kind === 'changed' ? { aspects: found.aspects } : {}),
      ...('before' in found ? { before: nodeJson(found.path, found.before) } : {}),
      ...('after' in found ? { after: nodeJson(found.path, found.after) } : {}),
    };
  }
}

async function printDifferences(differences: AsyncIterable<Difference>): Promise<void> {
  const totals = { added: 0, removed: 0, changed: 0 };
  const letters = { added: '+', removed: '-', changed: 'M' };
  for await (const found of differences) {
    totals[found.kind]++;
    const aspects = found.kind === 'changed' ? `  (${found.aspects.join(', ')})` : '';
    await printLine(`${letters[found.kind]} ${printable(found.path)}${aspects}`);
  }
  await printLine(`${count(totals.added)} added, ${count(totals.removed)} removed, ${count(totals.changed)} changed`);
}

import type { Command } from 'commander';
import type { TreeNode } from '../../repository/tree.ts';
import type { TreeSource } from '../../restore/tree-source.ts';
import { dataFolder } from '../data-folder.ts';
import { nodeJson, nodeLine, pathFromArgument } from '../nodes.ts';
import { printJsonArray, printLine } from '../output.ts';

interface LsOptions {
  json?: boolean;
  recursive?: boolean;
}

export function addLs(program: Command): void {
  program
    .command('ls')
    .argument('<name>', 'client')
    .argument('<snapshot>', 'ID, beginning of one, time, or latest')
    .argument('[path]', 'a directory: what is in it; without one, everything there is')
    .description('list what a snapshot holds')
    .option('-r, --recursive', 'also everything below the directory')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  nightdrop ls web1 latest etc\n  nightdrop ls web1 2026-01-31T03:00 --json')
    .action(async (name: string, snapshot: string, path: string | undefined, options: LsOptions, command: Command) => {
      const { withVault } = await import('../reading.ts');
      await withVault(dataFolder(command), name, async (vault) => {
        const tree = Buffer.from(vault.snapshot(snapshot).tree, 'hex');
        const everything = path === undefined || options.recursive === true;
        const found = entries(vault, tree, pathFromArgument(path ?? ''), everything);
        if (options.json) await printJsonArray(asJson(found));
        else for await (const { path: at, node } of found) await printLine(nodeLine(at, node));
      });
    });
}

interface Listed {
  path: string;
  node: TreeNode;
}

async function* asJson(found: AsyncIterable<Listed>): AsyncGenerator<unknown> {
  for await (const { path, node } of found) yield nodeJson(path, node);
}

async function* entries(source: TreeSource, tree: Buffer, path: string, recursive: boolean): AsyncGenerator<Listed> {
  const { findNode, normalizePath } = await import('../../restore/find.ts');
  const { loadTree } = await import('../../restore/tree-source.ts');
  const { walkTree } = await import('../../restore/walk.ts');
  const at = normalizePath(path);
  const node = await findNode(source, tree, at);
  if (node !== undefined && node.subtree === undefined) return yield { path: at, node };
  const below = node?.subtree ?? tree;
  if (recursive) return yield* walkTree(source, below, at);
  for (const child of await loadTree(source, below)) {
    yield { path: at === '' ? child.name : `${at}/${child.name}`, node: child };
  }
}

import type { Command } from 'commander';

export function addInit(program: Command): void {
  program
    .command('init')
    .argument('<dir>', 'folder to make')
    .description('make a data folder with a commented nightdrop.toml')
    .addHelpText('after', '\nExample:\n  nightdrop init /srv/nightdrop')
    .action(async (dir: string) => {
      const { initDataFolder } = await import('../../server/data-folder.ts');
      const { printLine } = await import('../output.ts');
      const folder = await initDataFolder(dir);
      await printLine(`Made ${folder}. Settings: ${folder}/nightdrop.toml`);
      await printLine(`Next: nightdrop --data ${folder} client add NAME`);
      await printLine(`      nightdrop --data ${folder} serve`);
    });
}

import { createReadStream } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { dataFolder } from '../data-folder.ts';
import { printJson, printLine } from '../output.ts';

interface AuthorizeOptions {
  install?: string | true;
  json?: boolean;
}

/** Bytes of a key file that are read at most; the rest would be refused anyway. */
const MOST_BYTES = 2 << 20;

export function addAuthorize(client: Command): void {
  client
    .command('authorize')
    .argument('<name>', 'client')
    .argument('<keyfile>', 'its public key (id_ed25519.pub), a line each for several; - reads standard input')
    .description('let an ssh key push into the vault of a client, and do nothing else: prints lines of authorized_keys')
    .option('--install [file]', 'put them there (~/.ssh/authorized_keys), in place of other lines of the same keys')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
client remove makes the key worthless, too; client rotate does not touch it.

Examples:
  nightdrop --data /srv/nightdrop client authorize web1 web1.pub >> ~nightdrop/.ssh/authorized_keys
  ssh root@web1 cat .ssh/id_ed25519.pub | nightdrop --data /srv/nightdrop client authorize web1 - --install`,
    )
    .action(async (name: string, keyFile: string, options: AuthorizeOptions, command: Command) => {
      const [{ authorizedLine, installKeys }, { parsePublicKeys }, { findVault }] = await Promise.all([
        import('../../server/ssh/authorized-keys.ts'),
        import('../../server/ssh/public-keys.ts'),
        import('../../vault/vault.ts'),
      ]);
      const dataDir = dataFolder(command);
      await findVault(dataDir, name);
      const keys = parsePublicKeys(await readStart(keyFile), keyFile === '-' ? 'standard input' : keyFile);
      const words = [thisCommand(), '--data', dataDir, 'session', name];
      const lines = keys.map((key) => authorizedLine(words, key));
      if (options.install === undefined) return options.json ? printJson({ lines }) : printLine(lines.join('\n'));
      const file = options.install === true ? path.join(homedir(), '.ssh', 'authorized_keys') : options.install;
      const installed = await installKeys(file, keys, lines);
      if (options.json) return printJson({ lines, ...installed });
      const counts = (['added', 'replaced', 'unchanged'] as const).filter((what) => installed[what] > 0);
      await printLine(`${installed.file}: ${counts.map((what) => `${installed[what]} ${what}`).join(', ')}`);
    });
}

/** bin/nightdrop of the installation that is running. */
function thisCommand(): string {
  return fileURLToPath(new URL('../../../bin/nightdrop', import.meta.url));
}

async function readStart(file: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of file === '-' ? process.stdin : createReadStream(file)) {
    pieces.push(piece as Buffer);
    length += (piece as Buffer).length;
    if (length > MOST_BYTES) break;
  }
  return Buffer.concat(pieces);
}

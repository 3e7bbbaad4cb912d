import { Socket } from 'node:net';
import type { Command } from 'commander';
import { RefusedError } from '../../lib/errors.ts';
import { dataFolder } from '../data-folder.ts';

/** End a session as a cut connection does. SIGUSR1, which a stock client sends as it gives up, means nothing (bin/nightdrop). */
const ENDING = ['SIGHUP', 'SIGTERM', 'SIGINT'] as const;

export function addSession(program: Command): void {
  program
    .command('session')
    .argument('<name>', 'client')
    .description('serve one push over ssh: for sshd, as the forced command of a key (client authorize writes the line)')
    .addHelpText(
      'after',
      `
sshd starts it with standard input and output as the connection and the client's command in SSH_ORIGINAL_COMMAND. What
is not an rsync push is refused. Its log is DATA/ssh.log.

Example:
  nightdrop --data /srv/nightdrop session web1

and the line of authorized_keys that runs it:
  restrict,command="/opt/nightdrop/bin/nightdrop --data /srv/nightdrop session web1" ssh-ed25519 AAAA… root@web1`,
    )
    .action(async (name: string, _: unknown, command: Command) => {
      const dataDir = dataFolder(command);
      const [{ checkVaultName }, { clientAddress, originalCommand }, { serveSession }, { StdioStream }] =
        await Promise.all([
          import('../../vault/layout.ts'),
          import('../../server/ssh/client.ts'),
          import('../../server/ssh/session.ts'),
          import('../../server/ssh/stdio-stream.ts'),
        ]);
      checkVaultName(name);
      process.umask(0o077);
      const code = await serveSession({
        dataDir,
        vault: name,
        command: originalCommand(),
        address: clientAddress(),
        connect: () => {
          const { stdin, stdout } = process;
          if (!(stdin instanceof Socket && stdout instanceof Socket) || stdin.isTTY || stdout.isTTY)
            throw new RefusedError('session needs pipes or sockets as standard input and output, as sshd makes them');
          stdout.removeAllListeners('error');
          process.stderr.on('error', () => undefined); // the client's: nobody may read it any more
          const stream = new StdioStream(stdin, stdout);
          for (const signal of ENDING)
            process.on(signal, () => stream.destroy(new Error(`the session was ended by ${signal}`)));
          return stream;
        },
        say: (line) => new Promise((resolve) => process.stderr.write(`${line}\n`, () => resolve())),
      });
      process.exit(code);
    });
}

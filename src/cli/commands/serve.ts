import type { Command } from 'commander';
import { dataFolder } from '../data-folder.ts';

interface ServeOptions {
  listen?: string[];
}

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('serve pushes until SIGTERM; prints one line when it is ready, logs to standard error')
    .option(
      '--listen <host:port>',
      "address instead of [server]'s, may be given several times; port 0 takes any free one",
      (value: string, before: string[] | undefined) => [...(before ?? []), value],
    )
    .addHelpText(
      'after',
      `
Signals:
  SIGTERM, SIGINT  end: pushes get shutdown_grace seconds, then they are cut and kept as incomplete snapshots;
                   a second signal cuts them at once
  SIGHUP           read nightdrop.toml and the certificate again now (they are read at each connection anyway when
                   they have changed)

With [tls] in nightdrop.toml it also serves rsync-ssl, whose port is 874 (docs/operating/tls.md).

Example:
  nightdrop --data /srv/nightdrop serve --listen 0.0.0.0:8730`,
    )
    .action(async (options: ServeOptions, command: Command) => {
      const dataDir = dataFolder(command);
      const { NightdropServer } = await import('../../server/serve.ts');
      const stop = signalled();
      const server = await NightdropServer.start({
        dataDir,
        listen: options.listen,
        onReady: ({ clear, tls }) => {
          const places = [...clear, ...(tls.length > 0 ? ['TLS', ...tls] : [])];
          process.stdout.write(`nightdrop: listening on ${places.join(' ')}\n`);
        },
      });
      process.on('SIGHUP', () => void server.reload());
      await stop;
      await server.stop(signalled());
      process.exit(0);
    });
}

/** Resolves at the next signal to end. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
}

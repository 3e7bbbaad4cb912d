/** The command line. Each command is a file of its own, which loads what it needs only when it runs. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addCheck } from './commands/check.ts';
import { addClient } from './commands/client.ts';
import { addCompletion } from './commands/completion.ts';
import { addDiff } from './commands/diff.ts';
import { addImport } from './commands/import.ts';
import { addInit } from './commands/init.ts';
import { addLs } from './commands/ls.ts';
import { addRestore } from './commands/restore.ts';
import { addServe } from './commands/serve.ts';
import { addSession } from './commands/session.ts';
import { addSnapshots } from './commands/snapshots.ts';
import { addVault } from './commands/vault.ts';
import { EXIT_CODE_HELP, ExitCode } from './exit-codes.ts';
import { describeFailure, exitCodeOf } from './failure.ts';

const EXAMPLES = `
Examples:
  nightdrop init /srv/nightdrop
  nightdrop --data /srv/nightdrop serve
  nightdrop --data /srv/nightdrop client add web1
  nightdrop --data /srv/nightdrop snapshots web1
  nightdrop --data /srv/nightdrop restore web1 latest --path etc --to /tmp/etc`;

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return String(version);
}

function createProgram(): Command {
  const program = new Command('nightdrop')
    .description('A write-only backup server for stock rsync clients: rsync in, restic out.')
    .option('--data <dir>', 'data folder (or NIGHTDROP_DATA; ./nightdrop-data when it is there)')
    .option('-V, --version', 'print the version')
    .on('option:version', () => {
      process.stdout.write(`${version()}\n`);
      process.exit(ExitCode.ok);
    })
    .addHelpText('after', `${EXAMPLES}\n${EXIT_CODE_HELP}`)
    .showHelpAfterError('(add --help to see what can be given)')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? ExitCode.ok : ExitCode.usage))
    .configureOutput({ outputError: (text, out) => out(text.replace(/^error: /, 'nightdrop: ')) });
  for (const add of [
    addInit,
    addServe,
    addClient,
    addImport,
    addSnapshots,
    addLs,
    addDiff,
    addRestore,
    addCheck,
    addVault,
  ]) {
    add(program);
  }
  addSession(program);
  addCompletion(program);
  return program;
}

// `nightdrop ls … | head` is no error
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : ExitCode.error));

try {
  const program = createProgram();
  if (process.argv[2] === '__complete') {
    const { candidates } = await import('./complete.ts');
    for (const candidate of candidates(program, process.argv.slice(3))) process.stdout.write(`${candidate}\n`);
  } else {
    await program.parseAsync();
  }
} catch (error) {
  process.stderr.write(`${describeFailure(error)}\n`);
  process.exitCode = exitCodeOf(error);
}

/** What a client asks an ssh server to run, reduced to what a stock rsync asks for (docs/protocol.md, "Over ssh"). */
import { RefusedError, RsyncExit } from '../lib/errors.ts';
import { brief } from '../lib/names.ts';
import { splitWords } from './shell-words.ts';

export type RemoteCommand =
  /** `rsync --server --daemon .`: the daemon's conversation follows on the connection */
  | { kind: 'daemon' }
  /** `rsync --server OPTIONS . PATH`; `args` begin with --server. latin1-tagged */
  | { kind: 'server'; args: string[] };

/** Programs that clients put in front by --rsync-path, which have no meaning here, and what may follow them. */
const LAUNCHERS = new Set(['sudo', 'doas', 'nice', 'ionice']);
const LAUNCHER_OPTION = /^-[A-Za-z0-9-]*$|^\d{1,3}$/;
const RSYNC = /^(?:open)?rsync[\w.-]*$/;

/** @param command latin1-tagged @throws RefusedError (exit code 1) for everything that is not the start of an rsync server */
export function parseRemoteCommand(command: string): RemoteCommand {
  const words = splitWords(command);
  const program = words.findIndex((word, i) => !isLauncher(word, i));
  const name = (words[program] ?? '').split('/').at(-1)!;
  if (!RSYNC.test(name)) throw refused(`this key is for rsync only; ${brief(words[0] ?? 'nothing')} is not run`);
  const given = words.slice(program + 1);
  const end = given.indexOf('.');
  const options = end < 0 ? given : given.slice(0, end);
  const at = options.indexOf('--server');
  if (at < 0) throw refused('this key is for rsync clients only, which ask for rsync --server');
  // what --rsync-path='rsync --option' puts in front
  const rest = [...given.slice(0, at), ...given.slice(at + 1)];
  if (!options.includes('--daemon')) {
    // the empty path of `HOST:` is no word any more when a client before 3.1 has sent it through a shell
    if (end === given.length - 1) rest.push('.');
    return { kind: 'server', args: ['--server', ...rest] };
  }
  if (rest.length > 2 || rest[0] !== '--daemon' || (rest[1] ?? '.') !== '.')
    throw refused('a daemon with options of its own is not started here');
  return { kind: 'daemon' };
}

function isLauncher(word: string, i: number): boolean {
  return LAUNCHERS.has(word.split('/').at(-1)!) || (i > 0 && LAUNCHER_OPTION.test(word));
}

function refused(message: string): RefusedError {
  return new RefusedError(message, { rsyncExit: RsyncExit.syntax });
}

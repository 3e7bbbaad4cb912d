import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { NightdropServer, nightdropOk, projectFolder } from './nightdrop.ts';
import { Pair } from './pair.ts';
import { makeFolder, removeFolder, type Scope } from './temporary.ts';

/** Where a stand-in for ssh pretends to come from. */
export const RSH_ADDRESS = '192.0.2.7';

/**
 * A program that rsync takes for ssh (-e): the host `stock` runs the command by a shell in a folder, as sshd does without a
 * forced command; every other host runs `nightdrop session NAME` with it, as sshd does with one.
 *
 * @param session the session's program, where it is not nightdrop itself
 */
export function writeRsh(
  folder: string,
  { data, name, home, session }: { data: string; name: string; home: string; session?: string },
): string {
  const file = path.join(folder, 'rsh');
  const command = session ?? `"${projectFolder}/bin/nightdrop"`;
  writeFileSync(
    file,
    `#!/bin/sh
# [-l USER] HOST COMMAND...
while :; do
  case $1 in
    -l) shift 2 ;;
    -*) shift ;;
    *) break ;;
  esac
done
host=$1
shift
if [ "$host" = stock ]; then
  cd "${home}"
  exec sh -c "$*"
fi
export SSH_ORIGINAL_COMMAND="$*" SSH_CONNECTION="${RSH_ADDRESS} 50000 192.0.2.1 22"
exec ${command} --data "${data}" session ${name}
`,
  );
  chmodSync(file, 0o755);
  return file;
}

/** A data folder with one client, and no server: a session needs none. */
export async function makeData(
  scope: Scope,
  name: string,
  configure: (toml: string) => string = (toml) => toml,
): Promise<NightdropServer> {
  const parent = makeFolder('ssh');
  scope.after(() => removeFolder(parent));
  const data = path.join(parent, 'data');
  await nightdropOk(undefined, ['init', data]);
  const file = path.join(data, 'nightdrop.toml');
  writeFileSync(file, configure(readFileSync(file, 'utf8')));
  await nightdropOk(data, ['client', 'add', name, '--secret-file', path.join(parent, 'secret')]);
  return new NightdropServer(data);
}

/** nightdrop and a stock rsync behind the same stand-in for ssh; `-e RSH` has to be among the arguments of pushes. */
export class RshPair extends Pair {
  readonly rsh: string;

  constructor(server: NightdropServer, scratch: string, name: string) {
    const home = path.join(scratch, 'home');
    mkdirSync(home);
    const client = { name, secret: '', url: 'ours:', env: { RSYNC_PASSWORD: '' } };
    const stock = { port: 0, pid: 0, folder: home, url: 'stock:', stop: () => Promise.resolve() };
    super(server, client, stock, scratch);
    this.rsh = writeRsh(scratch, { data: server.data, name, home });
  }

  /** What the sessions have logged. */
  get lines(): Record<string, unknown>[] {
    return sessionLog(this.server.data);
  }

  protected override url(base: string, sub: string): string {
    return `${base}${sub}`;
  }
}

export async function startRshPair(scope: Scope, configure?: (toml: string) => string): Promise<RshPair> {
  const server = await makeData(scope, 'web1', configure);
  const scratch = makeFolder('rsh');
  scope.after(() => removeFolder(scratch));
  return new RshPair(server, scratch, 'web1');
}

/** Lines of DATA/ssh.log. */
export function sessionLog(data: string): Record<string, unknown>[] {
  const text = readFileSync(path.join(data, 'ssh.log'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

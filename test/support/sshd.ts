import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { runOk } from './run.ts';
import { freePort, ServerProcess, waitForPort } from './server.ts';
import { type Scope, temporaryFolder } from './temporary.ts';

/** A real sshd on a port of its own, for the current user, and what a client needs to get in. */
export interface Sshd {
  /** lets in whom it names */
  authorizedKeys: string;
  /** public key of the client */
  publicKey: string;
  /** for `ssh -F`: the host is called `vault` */
  clientConfig: string;
  server: ServerProcess;
}

export async function startSshd(scope: Scope): Promise<Sshd> {
  const folder = temporaryFolder(scope, 'sshd');
  const at = (name: string) => path.join(folder, name);
  for (const key of ['host', 'client']) await makeKey(at(key));
  const port = await freePort();
  // sshd refuses to start as root without it
  if (process.geteuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  writeFileSync(at('authorized_keys'), '');
  writeFileSync(
    at('sshd_config'),
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${at('host')}
AuthorizedKeysFile ${at('authorized_keys')}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
`,
  );
  writeFileSync(at('known_hosts'), `[127.0.0.1]:${port} ${readFileSync(at('host.pub'), 'utf8')}`);
  writeFileSync(
    at('client_config'),
    `Host vault
  HostName 127.0.0.1
  Port ${port}
  User ${userInfo().username}
  IdentityFile ${at('client')}
  IdentitiesOnly yes
  UserKnownHostsFile ${at('known_hosts')}
  StrictHostKeyChecking yes
  BatchMode yes
  LogLevel ERROR
`,
  );
  const server = new ServerProcess('/usr/sbin/sshd', ['-D', '-e', '-f', at('sshd_config')]);
  scope.after(() => server.stop());
  await waitForPort(port, () => server.ended);
  return {
    authorizedKeys: at('authorized_keys'),
    publicKey: at('client.pub'),
    clientConfig: at('client_config'),
    server,
  };
}

/** Without a passphrase. */
export async function makeKey(file: string, type = 'ed25519'): Promise<void> {
  await runOk('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', `${path.basename(file)} key`, '-f', file]);
}

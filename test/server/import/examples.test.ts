/** rsyncd.confs as they are found: what each becomes, with which exit code, and what a dry run shows. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadSettings } from '../../../src/config/load.ts';
import { startNightdrop } from '../../support/nightdrop.ts';
import { run } from '../../support/run.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { importConf, makeData } from './site.ts';

/** Files by name; the first is the main one. DIR in them stands for their folder. */
function write(t: TestContext, files: Record<string, string>): string {
  const folder = temporaryFolder(t, 'etc');
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text.replaceAll('DIR', folder));
    if (name.endsWith('secrets')) chmodSync(file, 0o600);
  }
  return path.join(folder, Object.keys(files)[0]);
}

interface Told {
  code: number | null;
  /** without the folder's name, each told line once: not carried, different here */
  left: string[];
  different: string[];
  /** from the first line after the verdicts */
  summary: string;
  stdout: string;
}

async function dryRun(t: TestContext, files: Record<string, string>, data?: string): Promise<Told> {
  const conf = write(t, files);
  const into = data ?? (await makeData(t));
  const { code, stdout, stderr } = await importConf(into, conf, '--dry-run');
  assert.equal(stderr, '');
  const text = stdout.replaceAll(`${path.dirname(conf)}/`, '').replaceAll(into, 'DATA');
  const [verdicts] = text.split('\n\n', 1);
  const told = (word: string) => verdicts.split('\n').filter((line) => line.includes(`: ${word}: `));
  const summary = text.slice(verdicts.length + 2);
  return { code, left: told('not carried'), different: told('different here'), summary, stdout: text };
}

test('the example of Debian is there for reading: nobody becomes a client', async (t) => {
  const { code, left, summary, stdout } = await dryRun(t, {
    'rsyncd.conf':
      '# sample rsyncd.conf configuration file\n#motd file=/etc/motd\n\n[ftp]\n\n\tcomment = public archive\n\tpath = /var/www/pub\n' +
      '\tuse chroot = yes\n#\tmax connections=10\n\tlock file = /var/lock/rsyncd\n\tread only = yes\n\tlist = yes\n\tuid = nobody\n' +
      '\tgid = nogroup\n#\texclude = \n\tstrict modes = yes\n\tignore errors = no\n\tignore nonreadable = yes\n\ttransfer logging = no\n' +
      '\ttimeout = 600\n\trefuse options = checksum dry-run\n\tdont compress = *.gz *.tgz *.zip *.z *.rpm *.deb *.iso *.bz2 *.tbz\n',
  });
  assert.deepEqual([code, left, summary], [4, [], 'No client would be made.\n']);
  assert.match(
    stdout,
    /^rsyncd\.conf:4: \[ftp\]: not needed: it is read only \(rsyncd's default\), so nobody pushes there$/m,
  );
  assert.match(stdout, /^rsyncd\.conf:7: path: not needed: \[ftp\] is left out$/m);
});

const BACKUP_SERVER = `uid = 34
gid = 34
use chroot = yes
max connections = 10
syslog facility = local5
pid file = /var/run/rsyncd.pid
lock file = /var/run/rsync.lock
log file = /var/log/rsyncd.log
timeout = 600
read only = no
hosts allow = 10.0.0.0/8 192.168.1.0/255.255.255.0 127.0.0.1
hosts deny = *
secrets file = DIR/rsyncd.secrets
transfer logging = yes
log format = %t %a %m %f %b

[web1]
   comment = web server
   path = /srv/backup/web1
   auth users = web1
   list = yes
[db1]
   path = /srv/backup/db1
   auth users = db1, dba, joe:ro
   hosts allow = 10.1.2.3
   refuse options = delete delete-*
   max connections = 1
[pub]
   path = /srv/pub
   read only = yes
   exclude = *.tmp
`;
const SECRETS = { 'rsyncd.secrets': 'web1:one\ndb1:two\ndba:three\njoe:four\n' };

test('a backup server with several modules is carried; what a write-only server has not are notes', async (t) => {
  const told = await dryRun(t, { 'rsyncd.conf': BACKUP_SERVER, ...SECRETS });
  assert.equal(told.code, 0, told.stdout);
  assert.deepEqual(told.left, []);
  assert.deepEqual(told.different, [
    'rsyncd.conf:14: transfer logging: different here: the log has a line for each push, not for each file',
    'rsyncd.conf:17: [web1]: different here: clients cannot read any more; nightdrop restore, on the server, can',
    'rsyncd.conf:21: list: different here: names of clients are not listed; list_modules = true in [server] lists all of them',
    'rsyncd.conf:22: [db1]: different here: joe may only read',
    'rsyncd.conf:22: [db1]: different here: clients cannot read any more; nightdrop restore, on the server, can',
  ]);
  assert.equal(
    told.summary,
    `Would make 2 client(s): web1, db1.

It would be added to DATA/nightdrop.toml:

    [server]
    io_timeout = 600

    [defaults]
    hosts_allow = [ "10.0.0.0/8", "192.168.1.0/255.255.255.0", "127.0.0.1" ]
    hosts_deny = [ "*" ]
    max_connections = 10
    default_uid = 34
    default_gid = 34

    [vaults.db1]
    max_connections = 1
    hosts_allow = [ "10.1.2.3" ]
    refuse_options = [ "delete", "delete-*" ]

Where it listens is not set (rsyncd: port 873): 127.0.0.1:8730, for this machine alone.
Set listen in [server], or serve with --listen.
web1: short secrets (web1) can be guessed; "client rotate web1" makes a long one.
db1: short secrets (db1, dba) can be guessed; "client rotate db1" makes a long one.
`,
  );
});

test('what is printed is what comes into the settings', async (t) => {
  const conf = write(t, { 'rsyncd.conf': BACKUP_SERVER, ...SECRETS });
  const data = await makeData(t);
  const settings = () => readFileSync(path.join(data, 'nightdrop.toml'), 'utf8');
  const said = () =>
    settings()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
  const before = said();
  const { stdout } = await importConf(data, conf, '--dry-run');
  assert.deepEqual(said(), before);
  await importConf(data, conf);
  const added = said().filter((line) => !before.includes(line) || /^\[(server|defaults)\]$/.test(line));
  const shown = stdout.split('\n').flatMap((line) => (/^ {4}\S/.test(line) ? [line.slice(4)] : []));
  assert.deepEqual([...shown].sort(), [...added].sort());
});

test('a setting that keeps somebody out, or changes what is stored, is not carried: 4', async (t) => {
  for (const line of [
    'exclude = lost+found/ *.tmp',
    'filter = - *.o',
    'include from = DIR/some',
    'incoming chmod = Du=rwx,Dgo=,Fu=rw,Fgo=',
    'pre-xfer exec = /usr/local/bin/may-push',
    'post-xfer exec = /usr/local/bin/snapshot',
    'hosts allow = @trusted',
    'charset = utf-77',
    'auth users = a @staff:rw',
  ]) {
    const module = `[a]\npath = /a\nread only = no\nauth users = a\nsecrets file = DIR/secrets\n${line}\n`;
    const told = await dryRun(t, { 'rsyncd.conf': module, secrets: 'a:secret\n' });
    assert.equal(told.code, 4, told.stdout);
    const at = line.startsWith('auth') ? 1 : 6;
    assert.equal(told.left.length, 1, told.stdout);
    assert.match(told.left[0], new RegExp(`^rsyncd\\.conf:${at}: `));
    assert.match(told.summary, new RegExp(`^Not carried, see above: rsyncd\\.conf:${at}$`, 'm'));
  }
});

test('a place that cannot be listened on is not carried', async (t) => {
  for (const line of ['address = [::1]', 'port = 99999', 'port = -1']) {
    const told = await dryRun(t, {
      'rsyncd.conf': `${line}\n[a]\nread only = no\nauth users = a\nsecrets file = DIR/secrets\n`,
      secrets: 'a:a secret of sixteen\n',
    });
    assert.equal(told.code, 4, told.stdout);
    assert.match(
      told.left.join(),
      /^rsyncd\.conf:1: (address|port): not carried: \S+ is no place to listen on: set listen$/,
    );
    assert.match(told.summary, /^Where it listens is not set/m);
  }
});

test('settings that a write-only server has no use for are notes: 0', async (t) => {
  const lines = [
    'use chroot = no',
    'munge symlinks = yes',
    'numeric ids = no',
    'fake super = yes',
    'temp dir = /tmp',
    'name converter = /usr/local/bin/names',
    'list = yes',
    'write only = no',
    'transfer logging = yes',
    'max verbosity = 3',
    'outgoing chmod = a-w',
    'uid = somebody-nobody-knows',
    'path = /srv/%RSYNC_MODULE_NAME%',
    'read-only = yes',
    'ignore errors',
  ];
  const module = `motd file = DIR/none\nsocket options = SO_SNDBUF=65536\n[a]\nread only = no\nauth users = %RSYNC_MODULE_NAME%\nsecrets file = DIR/%RSYNC_MODULE_NAME%.secrets\n${lines.join('\n')}\n`;
  const told = await dryRun(t, { 'rsyncd.conf': module, 'a.secrets': 'a:a secret of sixteen\n' });
  assert.deepEqual([told.code, told.left], [0, []], told.stdout);
  assert.match(
    told.stdout,
    /^rsyncd\.conf:20: read-only: unknown parameter; did you mean read only\?; rsyncd passes the line over, too$/m,
  );
});

test('included files, defaults that modules replace, lines that go on', async (t) => {
  const told = await dryRun(t, {
    'rsyncd.conf': 'uid=0\n gid =0\n&merge DIR/common.inc\n&include DIR/rsyncd.d\n',
    'common.inc':
      '  Read  Only=NO\nsecrets file = DIR/rsync\\\nd.secrets\n hosts allow   =   10.0.0.0/8, \\\n\t2001:db8::/32 ,\\\n  *.example.org\ntimeout = 60\n',
    'rsyncd.d/db1.conf': '[ db1 ]\npath=/y\nauth users=db1\nfilter = - *.o\nhosts\\\n allow =\n',
    'rsyncd.d/web1.conf': '[web1]\npath=/x\nauth users=web1 \\\n  , dba\ntimeout = 90\n',
    ...SECRETS,
  });
  assert.equal(told.code, 4);
  assert.deepEqual(told.left, [
    'rsyncd.d/db1.conf:4: filter: not carried: nothing is passed over here: exclude it at the client',
  ]);
  assert.match(told.stdout, /^common\.inc:7: timeout: different here: modules differ in it; /m);
  assert.match(told.summary, /^Would make 2 client\(s\): db1, web1\.$/m);
  const toml = /nightdrop\.toml:\n\n([\s\S]*?)\n\n(?! )/.exec(told.summary)?.[1].replaceAll('    ', '');
  assert.equal(
    toml,
    '[defaults]\ndefault_uid = 0\ndefault_gid = 0\n\n[vaults.web1]\nhosts_allow = [ "10.0.0.0/8", "2001:db8::/32", "*.example.org" ]',
  );
});

test('a module that anybody may push to is not carried, but the client that is made of it later has its settings', async (t) => {
  const conf = write(t, {
    'rsyncd.conf':
      'read only = no\n[open]\npath = /open\nhosts allow = 192.0.2.7\nrefuse options = delete\n' +
      '[a]\nauth users = a\nsecrets file = DIR/secrets\n',
    secrets: 'a:a secret of sixteen\n',
  });
  const data = await makeData(t);
  const told = await importConf(data, conf);
  assert.equal(told.code, 4);
  assert.match(told.stdout, /^Made 1 client\(s\): a\.$/m);
  assert.match(told.stdout, /:4: hosts allow: carried: hosts_allow$/m);
  const server = await startNightdrop(t, { data });
  const { url, env } = await server.addClient('open');
  const refused = await run('rsync', ['-a', conf, `${url}/`], { env });
  assert.deepEqual([refused.code, refused.stderr.split('\n')[0]], [5, '@ERROR: auth failed on module open']);
  const { vaults } = loadSettings(path.join(data, 'nightdrop.toml'));
  assert.deepEqual([vaults.open.hostsAllow, vaults.open.refuseOptions], [['192.0.2.7'], ['delete']]);
});

test('a folder for each user: each user becomes a client, and pushes by its own name', async (t) => {
  const conf = write(t, {
    'rsyncd.conf':
      'secrets file = DIR/rsyncd.secrets\nread only = no\n[home]\npath = /backup/%RSYNC_USER_NAME%\nauth users = *, \n' +
      '[dba]\npath = /dba\nauth users = dba\n',
    'rsyncd.secrets': 'web1:one\ndb1:two\ndba:three\nno name!:four\n+x:five\n',
  });
  const data = await makeData(t);
  const told = await importConf(data, conf);
  assert.equal(told.code, 4, told.stdout);
  assert.match(told.stdout, /:3: \[home\]: carried: client web1, user web1$/m);
  assert.match(
    told.stdout,
    /:3: \[home\]: not carried: dba cannot be a client of its own: a module is called so, too$/m,
  );
  assert.match(told.stdout, /:3: \[home\]: not carried: \+x is no name of a client, which has 1 to 64 letters/m);
  assert.match(
    told.stdout,
    /:3: \[home\]: not carried: one module with a folder for each user: each user becomes a client, /m,
  );
  assert.match(told.stdout, /^Made 3 client\(s\): web1, db1, dba\.$/m);
  const server = await startNightdrop(t, { data });
  const push = async (user: string, module: string, password: string) => {
    const url = `rsync://${user}@127.0.0.1:${server.port}/${module}/`;
    return (await run('rsync', ['-a', conf, url], { env: { RSYNC_PASSWORD: password } })).code;
  };
  assert.deepEqual([await push('web1', 'web1', 'one'), await push('dba', 'dba', 'three')], [0, 0]);
  assert.deepEqual([await push('web1', 'db1', 'one'), await push('dba', 'web1', 'three')], [5, 5]);
});

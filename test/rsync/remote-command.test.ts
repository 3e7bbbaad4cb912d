import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRemoteCommand } from '../../src/rsync/remote-command.ts';

const letters = '-logDtpre.iLsfxCIvu';

/** As stock clients of all ages send them (recorded from 3.5.0, --old-args, --protocol=27). */
const pushes: [string, string[]][] = [
  [`rsync --server ${letters} . .`, ['--server', letters, '.', '.']],
  [`rsync --server ${letters} . /a\\ b\\&c`, ['--server', letters, '.', '/a b&c']],
  [`rsync --server ${letters} . /it\\'s\\ \\"q\\"\\ \\$x`, ['--server', letters, '.', '/it\'s "q" $x']],
  [`rsync --server ${letters} . '/old args'`, ['--server', letters, '.', '/old args']],
  [`rsync --server ${letters} . w*[1]?`, ['--server', letters, '.', 'w*[1]?']],
  [`rsync --server ${letters} . ~/here`, ['--server', letters, '.', './here']],
  [`rsync --server ${letters} . \\~/here`, ['--server', letters, '.', '~/here']],
  [`rsync --server ${letters} . byte\xff\xe9`, ['--server', letters, '.', 'byte\xff\xe9']],
  ['rsync --server -slogDtpre.iLsfxCIvu', ['--server', '-slogDtpre.iLsfxCIvu']],
  // `HOST:` of 3.0.9
  ['rsync --server -logDtpre.iLsf . ', ['--server', '-logDtpre.iLsf', '.', '.']],
  ['rsync --server -logDtpr . p27', ['--server', '-logDtpr', '.', 'p27']],
  [`rsync --server ${letters} --suffix=~\\ x . .`, ['--server', letters, '--suffix=~ x', '.', '.']],
  ['rsync --server --sender -de.LsfxCIvu . .', ['--server', '--sender', '-de.LsfxCIvu', '.', '.']],
  [`/usr/local/bin/rsync --server ${letters} . .`, ['--server', letters, '.', '.']],
  [`openrsync --server -a . .`, ['--server', '-a', '.', '.']],
  [`sudo -n /usr/bin/rsync --fake-super --server -r . .`, ['--server', '--fake-super', '-r', '.', '.']],
  [`nice -n 19 ionice -c3 rsync --server -r . .`, ['--server', '-r', '.', '.']],
];

for (const [command, args] of pushes) {
  test(`${JSON.stringify(command)} asks for a server`, () => {
    assert.deepEqual(parseRemoteCommand(command), { kind: 'server', args });
  });
}

test('rsync --server --daemon . asks for the conversation of a daemon', () => {
  assert.deepEqual(parseRemoteCommand('rsync --server --daemon .'), { kind: 'daemon' });
  assert.deepEqual(parseRemoteCommand('/usr/bin/rsync --server --daemon .'), { kind: 'daemon' });
});

const others = [
  '',
  'ls -la',
  '/usr/lib/openssh/sftp-server',
  'internal-sftp',
  'scp -t /etc',
  'sh -c rsync',
  'rsync',
  'rsync --version',
  'rsync -a /etc /tmp',
  'rsync --daemon',
  'rsync --daemon --config=/x',
  'rsync --server --daemon --config=/etc/passwd .',
  'rsync --config=/x --server --daemon .',
  'rsync --server --daemon . /x',
  'rsync . --server',
  'env -S rsync --server . .',
  'rsync/ --server . .',
  'notrsync --server . .',
  'borg serve',
  "git-upload-pack 'x'",
];

for (const command of others) {
  test(`${JSON.stringify(command)} is refused with a sentence for the client`, () => {
    assert.throws(() => parseRemoteCommand(command), { code: 'ERR_REFUSED', rsyncExit: 1, forClient: true });
  });
}

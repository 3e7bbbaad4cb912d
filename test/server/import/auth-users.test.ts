/** Who may push by "auth users" and a secrets file: stock rsyncd is the judge. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { pushersOf } from '../../../src/server/import/auth-users.ts';
import { readSecretsFile } from '../../../src/server/import/secrets-file.ts';
import { isRoot } from '../../support/make-tree.ts';
import { run } from '../../support/run.ts';
import { freePort, ServerProcess, waitForPort } from '../../support/server.ts';
import { fileScope, temporaryFolder } from '../../support/temporary.ts';

const scope = fileScope();
const folder = temporaryFolder(scope);
const secretsFile = path.join(folder, 'secrets');
const USERS = ['joe', 'Joe', 'admin', 'susan', 'sam', 'backup1', 'x:y'];
writeFileSync(
  secretsFile,
  '# joe:comment\n@guest:group\njoe:first secret \njoe:second\n\nadmin:a:b\r\nsusan:s\nsam:s\nbackup1:s\nno line\n',
);
chmodSync(secretsFile, 0o640);

const cases: [rules: string, readOnly: boolean][] = [
  ['joe', false],
  ['joe', true],
  ['joe:deny susan joe sam', false],
  ['admin:rw, susan:ro,sam', true],
  ['admin:RW susan:Ro sam:nonsense', false],
  ['admin:r susan:d', false],
  ['*', false],
  ['backup? s*:rw *:deny', true],
  ['[a-j]*', false],
  ['joe:ro *', false],
  [', joe:deny, susan , sam', false],
  ['', false],
];

test('the same users may push as into stock rsyncd', async (t) => {
  const files = path.join(folder, 'files');
  mkdirSync(files);
  const conf = path.join(folder, 'rsyncd.conf');
  const lines = ['use chroot = no', `secrets file = ${secretsFile}`];
  if (isRoot) lines.push('uid = root', 'gid = root');
  cases.forEach(([rules, readOnly], i) => {
    lines.push(`[m${i}]`, `path = ${files}`, `auth users = ${rules}`, `read only = ${readOnly}`);
  });
  writeFileSync(conf, `${lines.join('\n')}\n`);
  const port = await freePort();
  const args = ['--daemon', '--no-detach', '--address=127.0.0.1', `--port=${port}`, `--config=${conf}`];
  const stock = new ServerProcess('rsync', args);
  t.after(() => stock.stop());
  await waitForPort(port, () => stock.ended);

  const secrets = readSecretsFile(secretsFile, true);
  for (const [i, [rules, readOnly]] of cases.entries()) {
    if (rules === '') continue; // anybody may, which no client here may
    const { logins } = pushersOf(rules, secrets, readOnly);
    const theirs = USERS.map(async (user) => {
      const env = { RSYNC_PASSWORD: secrets.get(user) ?? 's' };
      return (await run('rsync', ['-n', secretsFile, `rsync://${user}@127.0.0.1:${port}/m${i}/`], { env })).code === 0;
    });
    assert.deepEqual(
      USERS.map((user) => logins.has(user)),
      await Promise.all(theirs),
      `${rules} ${readOnly}`,
    );
  }
});

test('what of the rules is not carried is told', () => {
  const secrets = readSecretsFile(secretsFile, true);
  const told = (rules: string, readOnly = false) => {
    const { logins, fates } = pushersOf(rules, secrets, readOnly);
    return [[...logins.keys()], fates.map(({ kind, why }) => `${kind}: ${why}`)];
  };
  assert.deepEqual(told('joe nobody susan:ro'), [
    ['joe'],
    ['different: susan may only read', 'unneeded: nobody has no secret, and could not log in'],
  ]);
  assert.deepEqual(told('joe @guest:deny susan @staff sam'), [
    ['joe'],
    [
      'left: @guest: groups of the system are not known here',
      'left: @staff: groups of the system are not known here',
      'left: susan: whether @guest keeps it out is not known here',
      'left: sam: whether @guest keeps it out is not known here',
    ],
  ]);
  assert.deepEqual(told('@staff:rw joe'), [['joe'], ['left: @staff: groups of the system are not known here']]);
});

test('secrets are read as they stand; a file that others can read gives none', () => {
  assert.deepEqual(
    [...readSecretsFile(secretsFile, true)],
    [
      ['joe', 'first secret '],
      ['admin', 'a:b'],
      ['susan', 's'],
      ['sam', 's'],
      ['backup1', 's'],
    ],
  );
  const open = path.join(folder, 'open');
  writeFileSync(open, 'joe:secret\n');
  for (const [mode, isTaken] of [
    [0o644, false],
    [0o602, false],
    [0o660, true],
    [0o601, true],
  ] as const) {
    chmodSync(open, mode);
    if (isTaken) assert.equal(readSecretsFile(open, true).size, 1);
    else assert.throws(() => readSecretsFile(open, true), /can be read or written by others.*chmod/);
    assert.equal(readSecretsFile(open, false).size, 1);
  }
  if (isRoot) {
    chmodSync(open, 0o600);
    chownSync(open, 65534, 65534);
    assert.throws(() => readSecretsFile(open, true), /is not owned by root/);
  }
  assert.throws(() => readSecretsFile(path.join(folder, 'none'), true), /cannot be read: ENOENT/);
});

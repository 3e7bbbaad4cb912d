import assert from 'node:assert/strict';
import { chmodSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { type NightdropServer, nightdrop, projectFolder } from '../support/nightdrop.ts';
import { makeData } from '../support/rsh.ts';
import { makeKey } from '../support/sshd.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

const scope = fileScope();
let server: NightdropServer;
let folder: string;
let key: string;

before(async () => {
  server = await makeData(scope, 'web1');
  folder = temporaryFolder(scope, 'keys');
  for (const type of ['ed25519', 'rsa', 'ecdsa']) await makeKey(path.join(folder, type), type);
  key = readFileSync(path.join(folder, 'ed25519.pub'), 'utf8').trim();
});

const at = (name: string) => path.join(folder, name);
const authorize = (...args: string[]) => server.cliOk(['client', 'authorize', 'web1', ...args]);

test('it prints a line for each key, with absolute paths and everything but the push taken away', async () => {
  const command = `${projectFolder}bin/nightdrop --data ${server.data} session web1`;
  assert.equal(await authorize(at('ed25519.pub')), `restrict,command="${command}" ${key}\n`);
  const all = ['ed25519', 'rsa', 'ecdsa'].map((name) => readFileSync(at(`${name}.pub`), 'utf8'));
  const { code, stdout } = await server.cli(['client', 'authorize', 'web1', '-'], {
    input: `# keys of web1\n\n${all.join('')}`,
  });
  assert.equal(code, 0);
  const lines = stdout.trimEnd().split('\n');
  assert.deepEqual(
    lines,
    all.map((one) => `restrict,command="${command}" ${one.trim()}`),
  );
});

test('--install adds a line once, keeps all others, and the mode 0600', async () => {
  const file = at('authorized_keys');
  const other = readFileSync(at('rsa.pub'), 'latin1');
  const foreign = `# comment \xff\nfrom="192.0.2.1",command="say \\"hi\\"" ${other}`;
  writeFileSync(file, Buffer.from(foreign, 'latin1'));
  chmodSync(file, 0o644);
  assert.equal(await authorize(at('ed25519.pub'), '--install', file), `${file}: 1 added\n`);
  const line = await authorize(at('ed25519.pub'));
  assert.equal(readFileSync(file, 'latin1'), foreign + line);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(await authorize(at('ed25519.pub'), '--install', file), `${file}: 1 unchanged\n`);
  assert.equal(readFileSync(file, 'latin1'), foreign + line);
});

test('--install puts its line in place of all others of the same key', async () => {
  const file = at('authorized_keys_2');
  const plain = readFileSync(at('ed25519.pub'), 'utf8');
  writeFileSync(file, `${plain}ssh-ed25519 AAAA other\nno-pty ${plain}`);
  assert.equal(await authorize(at('ed25519.pub'), '--install', file), `${file}: 1 replaced\n`);
  assert.equal(readFileSync(file, 'utf8'), `${await authorize(at('ed25519.pub'))}ssh-ed25519 AAAA other\n`);
});

test('--install without a home to install into says so', async (t) => {
  const home = path.join(temporaryFolder(t), 'none');
  const arguments_ = ['client', 'authorize', 'web1', at('ed25519.pub'), '--install'];
  const result = await server.cli(arguments_, { env: { HOME: home } });
  assert.deepEqual([result.code, result.stdout], [1, '']);
  assert.equal(result.stderr, `nightdrop: ${home} is not there: make the home of the user first, or name a file\n`);
});

test('--install makes ~/.ssh and follows a symlink', async () => {
  const home = temporaryFolder(scope, 'home');
  const arguments_ = ['client', 'authorize', 'web1', at('ed25519.pub'), '--install'];
  await server.cliOk(arguments_, { env: { HOME: home } });
  const file = path.join(home, '.ssh', 'authorized_keys');
  assert.equal(statSync(path.dirname(file)).mode & 0o777, 0o700);
  assert.equal(readFileSync(file, 'utf8'), await authorize(at('ed25519.pub')));
  const link = path.join(home, 'link');
  symlinkSync(file, link);
  assert.equal(await authorize(at('rsa.pub'), '--install', link), `${file}: 1 added\n`);
  assert.equal(readFileSync(file, 'utf8').split('\n').length, 3);
});

const wrong: [string, (key: string) => string, RegExp][] = [
  ['options in front', (k) => `no-pty ${k}`, /options stand in front of the key/],
  ['options with blanks', (k) => `command="x y" ${k}`, /options stand in front of the key/],
  ['nothing', () => '\n# only a comment\n', /holds no public key/],
  ['an unknown type', (k) => k.replace('ssh-ed25519', 'ssh-dss'), /ssh-dss is no type of key/],
  ['another type than the key says', (k) => k.replace('ssh-ed25519', 'ssh-rsa'), /damaged or not whole/],
  ['a key cut short', (k) => k.slice(0, 30), /damaged or not whole/],
  ['bytes that are no base64', (k) => k.replace('AAAA', 'AA!A'), /damaged or not whole/],
  ['a private key', () => '-----BEGIN OPENSSH PRIVATE KEY-----\nb3\n', /private key, which belongs on the client/],
  ['a certificate', (k) => k.replace('ssh-ed25519', 'ssh-ed25519-cert-v01@openssh.com'), /no type of key/],
  ['control characters', (k) => `\x1b[31m ${k}`, /options stand in front/],
];

for (const [what, make, sentence] of wrong) {
  test(`a file with ${what} is refused, and nothing is installed`, async () => {
    const file = at('untouched');
    writeFileSync(file, 'as before\n');
    const result = await server.cli(['client', 'authorize', 'web1', '-', '--install', file], { input: make(key) });
    assert.equal(result.code, 1);
    assert.match(result.stderr, sentence);
    assert.match(result.stderr, /^nightdrop: [\x20-\x7e]+\n$/);
    assert.equal(readFileSync(file, 'utf8'), 'as before\n');
  });
}

test('a comment cannot break out of its line', async () => {
  const { stdout } = await server.cli(['client', 'authorize', 'web1', '-'], { input: `${key}\t"x\\\x07\r\n` });
  assert.equal(stdout.split('\n').length, 2);
  assert.ok(stdout.endsWith(' ?x???\n') || stdout.endsWith(' ?x??\n'), JSON.stringify(stdout));
});

test('there has to be such a client', async () => {
  const result = await nightdrop(server.data, ['client', 'authorize', 'nobody', at('ed25519.pub')]);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /there is no client nobody/);
});

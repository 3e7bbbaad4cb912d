import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, chownSync, copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { loadTlsFiles, type TlsFiles, TlsFilesError } from '../../src/server/tls/files.ts';
import { isRoot } from '../support/make-tree.ts';
import { nightdrop, nightdropOk } from '../support/nightdrop.ts';
import { runOk } from '../support/run.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';
import { Authority, install, type Pair } from './certificates.ts';
import { SECRETS } from './peer.ts';
import { until } from './processes.ts';
import { openTlsListener } from './tls-peer.ts';

const scope = fileScope();
const authority = await Authority.make(scope);
const good = await authority.server();
const other = await authority.server();

const filesOf = (pair: Pair, more: Partial<TlsFiles> = {}): TlsFiles => ({
  ...pair,
  clientCertificates: 'no',
  clientCa: '',
  clientCrl: '',
  ...more,
});

async function refused(files: TlsFiles, message: RegExp): Promise<void> {
  await assert.rejects(loadTlsFiles(files), (error) => error instanceof TlsFilesError && message.test(error.message));
}

function written(text: string | Buffer, mode = 0o600): string {
  const file = path.join(temporaryFolder(scope), 'file.pem');
  writeFileSync(file, text, { mode });
  return file;
}

test('a pair that fits is taken, with certificates of its issuers', async () => {
  const chain = written(Buffer.concat([readFileSync(good.certificate), readFileSync(authority.certificate)]));
  const { subject, notAfter } = await loadTlsFiles(filesOf({ ...good, certificate: chain }));
  assert.equal(subject, 'CN=localhost');
  assert.ok(notAfter > Date.now());
});

test('what cannot be used is told by its file, and what to do', async () => {
  const { key, certificate } = good;
  const wrongOrder = written(Buffer.concat([readFileSync(authority.certificate), readFileSync(certificate)]));
  const locked = path.join(temporaryFolder(scope), 'locked.pem');
  await runOk('openssl', ['pkey', '-in', key, '-out', locked, '-aes128', '-passout', 'pass:x']);
  const past = await authority.issue('past', { from: '20200101000000Z', to: '20210101000000Z' });
  const future = await authority.issue('future', { from: '20980101000000Z', to: '20990101000000Z' });
  const none = '/nonexistent/x.pem';
  const folder = temporaryFolder(scope);
  chmodSync(folder, 0o700);
  const text = written('nothing of use\n');
  const broken = written(readFileSync(certificate, 'latin1').replace(/[A-Za-z0-9]{60}/, 'x'));
  const cases: [TlsFiles, string][] = [
    [filesOf({ key, certificate: none }), `${none} cannot be read: ENOENT`],
    [filesOf({ certificate, key: none }), `${none} cannot be read: ENOENT`],
    [filesOf({ certificate, key: folder }), `${folder} is no regular file`],
    [filesOf({ key, certificate: text }), `${text} holds no certificate in PEM`],
    [filesOf({ key, certificate: broken }), `${broken} holds a certificate that cannot be read`],
    [filesOf({ certificate, key: text }), `${text} holds no private key in PEM`],
    [filesOf({ certificate, key: locked }), `${locked} is locked by a passphrase, .* openssl pkey`],
    [filesOf({ certificate, key: other.key }), `${other.key} is not the key of ${certificate}: use two files`],
    [filesOf({ key, certificate: wrongOrder }), `${wrongOrder} has the certificates in the wrong order`],
    [filesOf(past), `${past.certificate} ended on 2021-01-01T00:00:00.000Z: renew the certificate`],
    [filesOf(future), `${future.certificate} is valid from 2098-01-01T00:00:00.000Z on: look at .* clock`],
    [filesOf(good, { clientCertificates: 'required', clientCa: text }), `${text} holds no certificate in PEM`],
    [filesOf(good, { clientCertificates: 'required', clientCa: none }), `${none} cannot be read`],
    [
      filesOf(good, { clientCertificates: 'required', clientCa: authority.certificate, clientCrl: text }),
      `OpenSSL does not take .*${text}`,
    ],
  ];
  for (const [files, message] of cases) await refused(files, new RegExp(`^${message}`));
});

test('a key that others can read is refused; root may have given it to a group of ours', async () => {
  const key = written(readFileSync(good.key));
  for (const mode of [0o604, 0o640, 0o660]) {
    chmodSync(key, mode);
    await refused(filesOf({ ...good, key }), /can be read by others; chmod 600 it$/);
  }
  if (!isRoot) return;
  // as another user, in a process of its own: this one's other files are root's
  const script = `
    process.setgid(65534); process.setuid(65534);
    const { loadTlsFiles } = await import(${JSON.stringify(path.resolve('src/server/tls/files.ts'))});
    await loadTlsFiles(${JSON.stringify(filesOf({ key, certificate: good.certificate }))}).then(
      () => console.log('taken'), (error) => console.log(error.message));`;
  const asNobody = async () => (await runOk(process.execPath, ['--input-type=module', '-e', script])).stdout;
  for (const name of [key, good.certificate]) chmodSync(path.dirname(name), 0o755);
  chmodSync(good.certificate, 0o644);
  chownSync(key, 0, 65534);
  chmodSync(key, 0o640);
  assert.equal(await asNobody(), 'taken\n');
  chmodSync(key, 0o644);
  assert.match(await asNobody(), /can be read by others/);
});

for (const [what, make, message] of [
  ['of another key', async () => ({ ...good, key: other.key }), /is not the key of/],
  ['that has ended', () => authority.issue('old', { from: '20200101000000Z', to: '20210101000000Z' }), /ended on 2021/],
] as const) {
  test(`the server does not start with a certificate ${what}, and says so`, async (t) => {
    const data = path.join(temporaryFolder(t), 'data');
    await nightdropOk(undefined, ['init', data]);
    const { certificate, key } = await make();
    const lines = `listen = "127.0.0.1:0"\ncertificate = "${certificate}"\nkey = "${key}"\n`;
    writeFileSync(path.join(data, 'nightdrop.toml'), `[server]\nlisten = "127.0.0.1:0"\n[tls]\n${lines}`);
    const { code, stdout, stderr } = await nightdrop(data, ['serve']);
    assert.deepEqual([code, stdout], [1, '']);
    assert.equal(stderr.split('\n').length, 2, stderr);
    assert.match(stderr, message);
    assert.ok(stderr.includes(certificate));
  });
}

test('a renewed pair counts from the next connection on; what is open stays open', async (t) => {
  const listener = await openTlsListener(t);
  const old = await listener.secure();
  const serial = old.socket.getPeerCertificate().serialNumber;
  install(await listener.authority.server(), listener.files);
  const fresh = await listener.secure();
  assert.notEqual(fresh.socket.getPeerCertificate().serialNumber, serial);
  assert.equal(await old.login('web1', SECRETS.web1), '@RSYNCD: OK');
  assert.equal(await fresh.login('web1', SECRETS.web1), '@RSYNCD: OK');
  assert.equal(listener.log.filter(({ msg }) => msg === 'certificate taken up').length, 2);
});

test('a bad pair leaves the old one in use, with one line in the log, until it is a good one', async (t) => {
  const listener = await openTlsListener(t, { processes: 2 });
  const held = await listener.secure();
  const serial = held.socket.getPeerCertificate().serialNumber;
  const renewed = await listener.authority.server();
  copyFileSync(renewed.certificate, listener.files.certificate); // its key does not come yet
  for (let i = 0; i < 3; i++) {
    const peer = await listener.secure();
    assert.equal(peer.socket.getPeerCertificate().serialNumber, serial);
    assert.equal(await peer.login('web1', SECRETS.web1), '@RSYNCD: OK');
  }
  const errors = () => listener.log.filter(({ level }) => level === 50);
  const line = await until(() => errors()[0]);
  assert.match(String(line.msg), /those before them stay/);
  assert.match(
    String(line.error),
    new RegExp(`^${listener.files.key} is not the key of ${listener.files.certificate}`),
  );
  writeFileSync(listener.files.key, readFileSync(renewed.key));
  const peer = await listener.secure();
  assert.notEqual(peer.socket.getPeerCertificate().serialNumber, serial);
  assert.equal(errors().length, 1);
});

test('a pair that was replaced by renaming is seen without a connection when it is asked for', async (t) => {
  const listener = await openTlsListener(t);
  const renewed = await listener.authority.server();
  const aside = { certificate: `${listener.files.certificate}.new`, key: `${listener.files.key}.new` };
  install(renewed, aside);
  renameSync(aside.key, listener.files.key);
  renameSync(aside.certificate, listener.files.certificate);
  listener.door.reload();
  await until(() => listener.log.filter(({ msg }) => msg === 'certificate taken up').length === 2);
});

test('a certificate that ends soon is told of', async (t) => {
  const listener = await openTlsListener(t);
  const soon = new Date(Date.now() + 3 * 86_400_000).toISOString().replace(/[-:T]|\.\d+/g, '');
  install(await listener.authority.issue('soon', { subject: '/CN=localhost', to: soon }), listener.files);
  appendFileSync(listener.files.certificate, '\n');
  listener.door.reload();
  await until(() => listener.log.find(({ msg }) => msg === 'the certificate ends soon: renew it'));
});

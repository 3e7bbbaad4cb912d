import assert from 'node:assert/strict';
import { cpSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { makeTree } from '../support/make-tree.ts';
import { type NightdropServer, startNightdrop } from '../support/nightdrop.ts';
import { startPair } from '../support/pair.ts';
import { Random } from '../support/random.ts';
import { type RunResult, run } from '../support/run.ts';
import { freePort, ServerProcess, waitForPort } from '../support/server.ts';
import { fileScope, type Scope, temporaryFolder } from '../support/temporary.ts';
import { Authority, install, type Pair } from './certificates.ts';
import { childrenOf, isAlive, logLines, until } from './processes.ts';

/** What rsync-ssl can be told to use. */
const HELPERS = ['openssl', 'gnutls', 'stunnel'];

const scope = fileScope();
const authority = await Authority.make(scope);
const stranger = await Authority.make(scope, 'Other');
const files = (() => {
  const folder = temporaryFolder(scope, 'tls');
  return { certificate: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') };
})();
install(await authority.server(), files);

function withTls(lines: string[] = []): (toml: string) => string {
  const tls = ['listen = "127.0.0.1:0"', `certificate = "${files.certificate}"`, `key = "${files.key}"`, ...lines];
  return (toml) => toml.replace('[tls]\n', `[tls]\n${tls.join('\n')}\n`);
}

function tlsPort({ printed }: NightdropServer): number {
  return Number(/listening on .*TLS 127\.0\.0\.1:(\d+)\n/.exec(printed)?.[1]);
}

interface Push {
  type?: string;
  ca?: string;
  client?: Pair;
  secret?: string;
  args?: string[];
}

function pushTo(port: number, source: string, options: Push = {}): Promise<RunResult> {
  const { type = 'openssl', ca = authority.certificate, client, secret, args = ['-a'] } = options;
  const env: Record<string, string> = { RSYNC_SSL_CA_CERT: ca };
  if (client) Object.assign(env, { RSYNC_SSL_CERT: client.certificate, RSYNC_SSL_KEY: client.key });
  if (secret !== undefined) env.RSYNC_PASSWORD = secret;
  const url = `rsync://web1@localhost:${port}/web1/`;
  // gnutls-cli loses bytes when it writes faster than rsync reads, unless rsync lets it wait (docs/operating/tls.md)
  const more = type === 'gnutls' ? ['--blocking-io'] : [];
  return run('rsync-ssl', [`--type=${type}`, ...more, ...args, `${source}/`, url], { env });
}

function makeSource(owner: Scope, bytes: number): string {
  const source = temporaryFolder(owner, 'source');
  writeFileSync(path.join(source, 'large'), new Random(3).bytes(bytes));
  for (let i = 0; i < 40; i++) writeFileSync(path.join(source, `file${i}`), new Random(i).bytes(i * 997));
  return source;
}

for (const type of HELPERS) {
  test(`pushes by rsync-ssl with ${type} leave what stock rsyncd holds`, async (t) => {
    const pair = await startPair(t, { configure: withTls() });
    const source = temporaryFolder(t, 'source');
    if (type === 'openssl') makeTree(source);
    writeFileSync(path.join(source, 'large'), new Random(3).bytes(4_000_000));
    utimesSync(source, 1e9, 1e9); // not by chance that of stock's folder
    const args = ['-aHAXi', '--delete'];
    const both = async () => {
      const stock = await run('rsync', [...args, `${source}/`, `${pair.stock.url}/`]);
      const ours = await pushTo(tlsPort(pair.server), source, { type, args, secret: pair.client.secret });
      assert.equal(ours.code, 0, ours.stderr);
      assert.deepEqual([ours.code, ours.stdout], [stock.code, stock.stdout]);
      await pair.assertSame();
    };
    await both();
    const changed = new Random(3).bytes(4_000_000);
    changed.fill(0x55, 1_000_000, 1_000_500);
    writeFileSync(path.join(source, 'large'), changed);
    await both();
    const pushes = logLines(pair.server.printed).filter(({ msg }) => msg === 'push');
    assert.ok(Number(pushes[1].matched_bytes) > 3_900_000, `${pushes[1].matched_bytes} bytes matched`);
  });
}

test('a client whose authority is another does not go on, with any helper', async (t) => {
  const server = await startNightdrop(t, { configure: withTls() });
  const { secret } = await server.addClient('web1');
  const source = makeSource(t, 1000);
  for (const type of HELPERS) {
    const { code } = await pushTo(tlsPort(server), source, { type, ca: stranger.certificate, secret });
    assert.notEqual(code, 0, type);
  }
  assert.deepEqual(await server.snapshots('web1'), []);
});

test('plain rsync on the TLS port hears what to do', async (t) => {
  const server = await startNightdrop(t, { configure: withTls() });
  const { env } = await server.addClient('web1');
  const url = `rsync://web1@127.0.0.1:${tlsPort(server)}/web1/`;
  const { code, stderr } = await run('rsync', ['-a', `${makeSource(t, 10)}/`, url], { env });
  assert.equal(code, 5);
  assert.match(stderr, /@ERROR: this port speaks TLS: use the command rsync-ssl\n/);
});

for (const type of ['openssl', 'gnutls']) {
  test(`certificates of clients in place of secrets, by rsync-ssl with ${type}`, async (t) => {
    const lines = ['client_certificates = "required"', `client_ca = "${authority.certificate}"`];
    const server = await startNightdrop(t, { configure: withTls(lines) });
    await server.addClient('web1');
    const [source, port] = [makeSource(t, 1000), tlsPort(server)];
    const client = await authority.client('web1');
    const pushed = await pushTo(port, source, { type, client });
    assert.equal(pushed.code, 0, pushed.stderr);
    const none = await pushTo(port, source, { type });
    assert.equal(none.code, 5);
    assert.match(none.stderr, /@ERROR: this server asks for a certificate of the client/);
    const other = await pushTo(port, source, { type, client: await authority.client('web2') });
    assert.equal(other.code, 5);
    assert.match(other.stderr, /@ERROR: auth failed on module web1/);
    assert.equal((await server.snapshots('web1')).length, 1);
    await server.cliOk(['client', 'remove', 'web1']);
    assert.match((await pushTo(port, source, { type, client })).stderr, /@ERROR: auth failed on module web1/);
  });
}

test('a push that is under way survives a new certificate, and the end of a grace period cuts it', async (t) => {
  const grace = (toml: string) => toml.replace('#shutdown_grace = 10', 'shutdown_grace = 0');
  const server = await startNightdrop(t, { configure: (toml) => withTls()(grace(toml)) });
  const { secret } = await server.addClient('web1');
  const source = makeSource(t, 8_000_000);
  const pushing = pushTo(tlsPort(server), source, { secret, args: ['-a', '--bwlimit=1M'] });
  await until(() => childrenOf(server.pid).some(({ title }) => title === 'nightdrop: push web1'));
  install(await authority.server(), files);
  process.kill(server.pid, 'SIGHUP');
  await until(() => logLines(server.printed).filter(({ msg }) => msg === 'certificate taken up').length === 2);
  assert.ok(childrenOf(server.pid).some(({ title }) => title === 'nightdrop: push web1'));
  const helpers = childrenOf(server.pid).filter(({ title }) => title === 'nightdrop: tls');
  assert.equal(await server.stop(), 0);
  assert.notEqual((await pushing).code, 0);
  for (const { pid } of helpers) assert.equal(isAlive(pid), false);
  assert.deepEqual(
    (await server.snapshots('web1')).map(({ complete }) => complete),
    [false],
  );
});

test('when the server is killed, TLS processes end, too', async (t) => {
  const server = await startNightdrop(t, { configure: withTls() });
  const { secret } = await server.addClient('web1');
  const pushing = pushTo(tlsPort(server), makeSource(t, 8_000_000), { secret, args: ['-a', '--bwlimit=1M'] });
  await until(() => childrenOf(server.pid).some(({ title }) => title === 'nightdrop: push web1'));
  const children = childrenOf(server.pid);
  await server.stop('SIGKILL');
  assert.notEqual((await pushing).code, 0);
  for (const { pid } of children) await until(() => !isAlive(pid));
});

test('only TLS, no plain port: clients are told the command for it', async (t) => {
  const data = path.join(temporaryFolder(t), 'data');
  mkdirSync(data, { mode: 0o700 });
  const lines = `listen = "127.0.0.1:0"\ncertificate = "tls/cert.pem"\nkey = "tls/key.pem"\n`;
  writeFileSync(path.join(data, 'nightdrop.toml'), `[server]\nlisten = []\n[tls]\n${lines}`);
  cpSync(path.dirname(files.key), path.join(data, 'tls'), { recursive: true });
  const server = new ServerProcess(path.resolve('bin/nightdrop'), ['--data', data, 'serve']);
  t.after(() => server.stop());
  const [, port] = await server.waitFor(/^nightdrop: listening on TLS 127\.0\.0\.1:(\d+)$/m);
  const add = await run('bin/nightdrop', ['--data', data, 'client', 'add', 'web1', '--json']);
  const { command, secret } = JSON.parse(add.stdout) as { command: string; secret: string };
  assert.match(command, new RegExp(`^rsync-ssl .* rsync://web1@127\\.0\\.0\\.1:${port}/web1/$`));
  assert.equal((await pushTo(Number(port), makeSource(t, 1000), { secret })).code, 0);
});

test('HAProxy in front, as a proxy that tells who connects: plain, and passing TLS on', async (t) => {
  const trust = 'proxy_protocol = true\ntrusted_proxies = ["127.0.0.1"]';
  const server = await startNightdrop(t, {
    configure: (toml) => withTls([trust])(toml).replace('[server]\n', `[server]\n${trust}\n`),
  });
  const { secret, env } = await server.addClient('web1');
  const ports = { plain: await freePort(), tls: await freePort() };
  const config = path.join(temporaryFolder(t), 'haproxy.cfg');
  const part = (name: 'plain' | 'tls', to: number) =>
    `listen ${name}\n  bind 127.0.0.1:${ports[name]}\n  server s 127.0.0.1:${to} send-proxy-v2 check check-send-proxy inter 200ms\n`;
  const timeouts = 'defaults\n  mode tcp\n  timeout connect 10s\n  timeout client 1m\n  timeout server 1m\n';
  writeFileSync(config, timeouts + part('plain', server.port) + part('tls', tlsPort(server)));
  const haproxy = new ServerProcess('/usr/sbin/haproxy', ['-db', '-f', config]);
  t.after(() => haproxy.stop());
  for (const port of Object.values(ports)) await waitForPort(port, () => haproxy.ended);
  const source = makeSource(t, 100_000);
  const plainUrl = `rsync://web1@127.0.0.1:${ports.plain}/web1/`;
  const plain = await run('rsync', ['-a', '--address=127.0.0.5', `${source}/`, plainUrl], { env });
  assert.equal(plain.code, 0, plain.stderr);
  const secured = await pushTo(ports.tls, source, { secret });
  assert.equal(secured.code, 0, secured.stderr);
  const pushes = await until(() => {
    const found = logLines(server.printed).filter(({ msg }) => msg === 'push');
    return found.length === 2 && found;
  });
  assert.deepEqual(
    pushes.map(({ address }) => address),
    ['127.0.0.5', '127.0.0.1'],
  );
  const direct = await run('rsync', ['-a', `${source}/`, `rsync://web1@127.0.0.1:${server.port}/web1/`], { env });
  assert.notEqual(direct.code, 0);
});

/** hosts_allow and hosts_deny beside stock rsyncd: who gets in, what the others are told, and what they cannot learn. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { HostNames } from '../../src/server/host-names.ts';
import { HostRules } from '../../src/server/host-rules.ts';
import { startNightdrop } from '../support/nightdrop.ts';
import { run } from '../support/run.ts';
import { freePort, ServerProcess, waitForPort } from '../support/server.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';
import { answerTo, Peer } from './peer.ts';
import { logLines, until } from './processes.ts';

const scope = fileScope();
const source = temporaryFolder(scope, 'source');
writeFileSync(path.join(source, 'file'), 'content\n');

const server = await startNightdrop(scope);
const settings = path.join(server.data, 'nightdrop.toml');
const template = readFileSync(settings, 'utf8');
const { secret } = await server.addClient('web1');

/** allow list, deny list; those with names are asked from 127.0.0.1 alone, whose name /etc/hosts has */
const rules: [string, string][] = [
  ['', ''],
  ['127.0.0.1', ''],
  ['127.0.0.2', ''],
  ['', '127.0.0.1'],
  ['', '*'],
  ['127.0.0.0/8', '*'],
  ['127.0.0.1 127.0.0.3', '127.0.0.0/8'],
  ['127.0.0.1,127.0.0.5\t10.0.0.0/8', ''],
  ['127.0.0.0/30', ''],
  ['127.0.0.0/31', ''],
  ['127.0.0.0/0', ''],
  ['127.0.0.0/255.255.255.252', ''],
  ['127.0.0.5/255.0.0.255', ''],
  ['10.0.0.0/8', '192.168.0.0/16'],
  ['', '0.0.0.0/0'],
  ['*', '127.0.0.1'],
  ['UNDETERMINED', ''],
];
const namedRules: [string, string][] = [
  ['localhost', ''],
  ['LocalHost', ''],
  ['*.example', ''],
  ['local*', ''],
  ['l?calhost', '*'],
  ['', 'local[a-i]ost'],
  ['', 'loc*'],
  ['', 'nowhere.invalid'],
];

test('stock rsyncd lets the same peers in', async (t) => {
  const all = [...rules, ...namedRules];
  const conf = path.join(temporaryFolder(t), 'rsyncd.conf');
  const modules = all.map(([allow, deny], i) =>
    [`[m${i}]`, `path = ${source}`, `hosts allow = ${allow}`, `hosts deny = ${deny}`].concat(
      i < rules.length ? [] : ['reverse lookup = yes'],
    ),
  );
  writeFileSync(conf, ['use chroot = no', 'reverse lookup = no', ...modules.flat(), ''].join('\n'));
  const port = await freePort();
  const args = ['--daemon', '--no-detach', '--address=127.0.0.1', `--port=${port}`, `--config=${conf}`];
  const stock = new ServerProcess('rsync', args);
  t.after(() => stock.stop());
  await waitForPort(port, () => stock.ended);

  const names = new HostNames();
  const ours = async (i: number, address: string): Promise<boolean> => {
    const [hostsAllow, hostsDeny] = all[i].map((list) => list.split(/[\s,]+/).filter((word) => word !== ''));
    const how = { reverseLookup: i >= rules.length, forwardLookup: true };
    return (await new HostRules({ hostsAllow, hostsDeny }, new Map(), how).judge(address, names)).anywhere;
  };
  const theirs = async (i: number, address: string): Promise<boolean> => {
    const peer = await Peer.connect(port, t, address);
    await peer.line();
    peer.send(`@RSYNCD: 31.0\nm${i}\n`);
    const told = await peer.line();
    peer.socket.destroy();
    if (told === '@RSYNCD: OK') return true;
    assert.match(String(told), /^@ERROR: access denied to m\d+ from (UNDETERMINED|localhost) \(127\.0\.0\.\d\)$/);
    return false;
  };
  for (let i = 0; i < all.length; i++) {
    for (const address of i < rules.length ? ['127.0.0.1', '127.0.0.2', '127.0.0.5'] : ['127.0.0.1']) {
      assert.equal(await ours(i, address), await theirs(i, address), `${all[i].join(' | ')} from ${address}`);
    }
  }
});

function push(from: string, module: string, password = secret): ReturnType<typeof run> {
  const url = `rsync://${module}@127.0.0.1:${server.port}/${module}/`;
  return run('rsync', ['-a', `--address=${from}`, `${source}/`, url], { env: { RSYNC_PASSWORD: password } });
}

test('a peer that no rule lets in is told what stock tells it, whatever module it names', async () => {
  writeFileSync(
    settings,
    `${template}\n[vaults.web1]\nhosts_allow = ["127.0.0.2"]\n[vaults.web2]\numask = 0\n`.replace(
      '#hosts_allow = []',
      'hosts_allow = ["127.0.0.2", "127.0.0.9"]',
    ),
  );
  for (const module of ['web1', 'nobody']) {
    const { code, stderr } = await push('127.0.0.1', module);
    assert.equal(code, 5, stderr);
    assert.match(stderr, new RegExp(`^@ERROR: access denied to ${module} from UNDETERMINED \\(127\\.0\\.0\\.1\\)\n`));
  }
  assert.equal((await push('127.0.0.2', 'web1')).code, 0);
});

test('a peer that may talk to another vault cannot tell this one from none', async () => {
  writeFileSync(settings, `${template}\n[vaults.web1]\nhosts_allow = ["127.0.0.2"]\n`);
  const told: string[] = [];
  for (const [module, password] of [
    ['web1', secret],
    ['web1', 'wrong'],
    ['nobody', secret],
  ]) {
    const { code, stderr } = await push('127.0.0.1', module, password);
    assert.equal(code, 5, stderr);
    told.push(stderr.replaceAll(module, 'M'));
  }
  assert.match(told[0], /^@ERROR: auth failed on module M\n/);
  assert.deepEqual(new Set(told).size, 1);
  const reasons = await until(() => {
    const lines = logLines(server.printed).filter(({ msg }) => msg === 'login refused');
    return lines.length >= 3 && lines.map(({ reason }) => reason);
  });
  assert.deepEqual(
    reasons.slice(-3).map((reason) => /hosts_allow/.test(String(reason))),
    [true, false, false],
  );
  assert.equal((await push('127.0.0.2', 'web1')).code, 0);
});

test('the challenge comes before any word of rules, and the times are alike', async (t) => {
  const times: Record<string, number[]> = { web1: [], nobody: [] };
  for (let i = 0; i < 4; i++) {
    for (const module of Object.keys(times)) {
      const peer = await Peer.connect(server.port, t, `127.0.1.${i + 1}`);
      const challenge = await peer.askFor(module);
      assert.ok(challenge.length > 20);
      const started = performance.now();
      assert.equal(await answered(peer, challenge, module), `@ERROR: auth failed on module ${module}`);
      times[module].push(performance.now() - started);
    }
  }
  // an answer leaves at multiples of 60 ms after it was asked for (login.test.ts)
  for (const list of Object.values(times)) assert.ok(Math.min(...list) >= 55, list.join());
});

async function answered(peer: Peer, challenge: string, module: string): Promise<string | undefined> {
  peer.send(`${module} ${answerTo(challenge, secret)}\n`);
  return peer.line();
}

test('who is let in nowhere is listed nothing', async () => {
  writeFileSync(
    settings,
    `${template}`
      .replace('#hosts_deny = []', 'hosts_deny = ["127.0.0.3"]')
      .replace('#list_modules = false', 'list_modules = true'),
  );
  const list = async (from: string) =>
    (await run('rsync', [`--address=${from}`, `rsync://127.0.0.1:${server.port}/`])).stdout;
  assert.match(await list('127.0.0.1'), /^web1 /m);
  assert.equal(await list('127.0.0.3'), '');
  writeFileSync(settings, template);
});

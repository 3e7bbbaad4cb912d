/** An rsyncd.conf that stock rsyncd serves is imported, and its clients push to nightdrop as they did there. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { loadSettings } from '../../../src/config/load.ts';
import { assertSameTrees } from '../../support/compare-trees.ts';
import { isRoot } from '../../support/make-tree.ts';
import { nightdropOk, startNightdrop } from '../../support/nightdrop.ts';
import { run } from '../../support/run.ts';
import { freePort, ServerProcess, waitForPort } from '../../support/server.ts';
import { importConf, makeData, makeSite } from './site.ts';

test('the same clients with the same secrets push as they did, and are refused as they were', async (t) => {
  const site = makeSite(
    t,
    [
      'Hosts Allow = 127.0.0.1, \\',
      '   127.0.0.2',
      'read only = no',
      'write only = yes',
      'reverse lookup = no',
      '[web1]',
      'path = FOLDER/web1',
      'auth users = backup, web1 other:deny',
      'refuse options = delete c',
      '[web2]',
      'path = FOLDER/web2',
      'auth users = *:ro web2',
      'read only = yes',
      '[web3]',
      'path = FOLDER/web3',
      'auth users = web3',
      'max connections = 3',
    ],
    'backup:päss of backup\nweb1:own\nother:x\nweb2:y\nweb3:third\n',
  );
  const port = await freePort();
  const args = ['--daemon', '--no-detach', '--address=127.0.0.1', `--port=${port}`, `--config=${site.conf}`];
  const stock = new ServerProcess('rsync', args);
  t.after(() => stock.stop());
  await waitForPort(port, () => stock.ended);

  const data = await makeData(t);
  const told = await importConf(data, site.conf);
  assert.equal(told.code, 0, told.stdout + told.stderr);
  assert.match(told.stdout, /^\S+rsyncd\.conf:\d+: \[web2\]: not needed: it is read only/m);
  assert.match(told.stdout, /^Made 2 client\(s\): web1, web3\.$/m);
  assert.match(await nightdropOk(data, ['client', 'list']), /^web1 +yes, as backup /m);
  const server = await startNightdrop(t, { data });

  const source = path.join(site.folder, 'source');
  mkdirSync(source);
  writeFileSync(path.join(source, 'file'), 'content\n');
  const passwords = path.join(site.folder, 'password');
  const push = async (user: string, module: string, password: string, ...options: string[]) => {
    writeFileSync(passwords, `${password}\n`, { mode: 0o600 });
    const outcome = async (at: number) => {
      const url = `rsync://${user}@127.0.0.1:${at}/${module}/`;
      const result = await run('rsync', ['-a', `--password-file=${passwords}`, ...options, `${source}/`, url]);
      return { code: result.code, told: /^(@ERROR.*|rsync: The server.*)$/m.exec(result.stderr)?.[1] };
    };
    const [theirs, ours] = [await outcome(port), await outcome(server.port)];
    assert.deepEqual(ours, theirs, `${user} ${module} ${options}`);
    return ours;
  };
  assert.deepEqual(await push('backup', 'web1', 'päss of backup'), { code: 0, told: undefined });
  assert.deepEqual(await push('web1', 'web1', 'own'), { code: 0, told: undefined });
  assert.deepEqual(await push('web3', 'web3', 'third', '--delete'), { code: 0, told: undefined });
  assert.equal((await push('other', 'web1', 'x')).code, 5);
  assert.equal((await push('backup', 'web1', 'own')).code, 5);
  assert.equal((await push('backup', 'web3', 'päss of backup')).code, 5);
  assert.match(String((await push('backup', 'web1', 'päss of backup', '--delete')).told), /refuse --delete/);
  assert.match(String((await push('web1', 'web1', 'own', '-c')).told), /refuse --checksum \(-c\)/);
  assert.match(
    String((await push('web1', 'web1', 'own', '--address=127.0.0.9')).told),
    /^@ERROR: access denied to web1 from UNDETERMINED \(127\.0\.0\.9\)/,
  );
  const restored = path.join(site.folder, 'restored');
  await server.cliOk(['restore', 'web1', 'latest', '--to', restored]);
  assertSameTrees(restored, path.join(site.folder, 'web1'), { ignore: ['rootAttributes'] });
});

test('each line is told of; a dry run writes nothing; secrets are shown nowhere', async (t) => {
  const site = makeSite(
    t,
    [
      'pid file = /run/x.pid',
      'reed only = no',
      'timeout = 77',
      'address = ::1',
      'motd file = FOLDER/motd',
      '[one]',
      'path = FOLDER/one',
      'read only = no',
      'write only = yes',
      'auth users = one',
      'exclude = *.tmp',
      'hosts deny = @netgroup',
      '[two words]',
      'read only = no',
      'auth users = one',
      '[open]',
      'read only = no',
      '[home]',
      'path = /home/%RSYNC_HOST_NAME%',
      'read only = no',
      'auth users = one',
      '[off]',
      'max connections = -1',
    ],
    'one:geheimgeheim\n',
  );
  writeFileSync(path.join(site.folder, 'motd'), 'Hello\nthere\n');
  const data = await makeData(t);
  const before = readFileSync(path.join(data, 'nightdrop.toml'), 'utf8');
  const dry = await importConf(data, site.conf, '--dry-run');
  assert.equal(dry.code, 4, dry.stderr);
  assert.equal(readFileSync(path.join(data, 'nightdrop.toml'), 'utf8'), before);
  assert.equal(await nightdropOk(data, ['client', 'list', '--all']), 'no clients yet\n');
  const lines = dry.stdout.replaceAll(`${site.folder}/`, '').split('\n');
  const offset = isRoot ? 5 : 3;
  for (const [line, text] of [
    [1, 'pid file: not needed: whatever starts the server knows its process; a lock keeps a second one away'],
    [2, 'reed only: unknown parameter; did you mean read only?; rsyncd passes the line over, too'],
    [3, 'timeout: carried: io_timeout in [server]'],
    [4, 'address: carried: listen in [server]'],
    [5, 'motd file: carried: motd in [server]'],
    [6, '[one]: carried: client one, user one'],
    [7, 'path: not needed: nothing is a path here; what lies there stays there, and the first push sends all'],
    [11, 'exclude: not carried: nothing is passed over here: exclude it at the client'],
    [
      12,
      'hosts deny: not carried: @netgroup names a netgroup, which nightdrop has not: all are kept out whom hosts_allow does not let in',
    ],
    [
      13,
      "[two words]: not carried: a client's name has 1 to 64 letters, digits, dots, underscores and hyphens, and begins with a letter or digit",
    ],
    [
      16,
      '[open]: not carried: anybody may push there, but each client here has a secret: nightdrop client add open makes it, and finds its settings here',
    ],
    [18, '[home]: not carried: its folder hangs on who connects: nightdrop client add makes a client for each'],
    [19, 'path: not needed: [home] is left out'],
    [22, '[off]: not needed: max connections below 0 turns the module off'],
  ] as const) {
    assert.ok(lines.includes(`rsyncd.conf:${line + offset}: ${text}`), `${line} ${text}\n${dry.stdout}`);
  }
  const real = await importConf(data, site.conf);
  assert.equal(`${dry.stdout}${real.stdout}`.includes('geheim'), false);
  assert.match(real.stdout, /one: short secrets \(one\) can be guessed/);
  const { server, vaults } = loadSettings(path.join(data, 'nightdrop.toml'));
  assert.deepEqual([server.listen, server.ioTimeout, server.motd], [['[::1]:873'], 77, 'Hello\nthere']);
  assert.deepEqual(vaults.one.hostsDeny, ['*']);
  assert.equal(statSync(path.join(data, 'nightdrop.toml')).mode & 0o777, 0o600);
  assert.equal(statSync(path.join(data, 'vaults', 'one', 'secret')).mode & 0o777, 0o600);
});

test('what is here already is not replaced, but with --force', async (t) => {
  const module = ['[a]', 'path = /x', 'read only = no', 'write only = yes', 'auth users = a', 'max connections = 2'];
  const site = makeSite(t, ['port = 99', ...module], 'a:imported secret\n');
  const data = await makeData(t);
  const settings = path.join(data, 'nightdrop.toml');
  writeFileSync(settings, `${readFileSync(settings, 'utf8').replace('#listen', 'listen')}\n[vaults.a]\numask = 7\n`);
  await nightdropOk(data, ['client', 'add', 'a']);
  const secret = () => readFileSync(path.join(data, 'vaults', 'a', 'secret'), 'utf8');
  const own = secret();
  const told = await importConf(data, site.conf);
  assert.equal(told.code, 4);
  assert.match(told.stdout, /\[a\]: not carried: there is a client a already; --force replaces/);
  assert.match(told.stdout, /port: not carried: listen is set in nightdrop\.toml already; --force replaces it/);
  assert.equal(secret(), own);
  assert.equal(loadSettings(settings).vaults.a.umask, 7);
  const forced = await importConf(data, site.conf, '--force');
  assert.equal(forced.code, 0, forced.stdout);
  assert.equal(secret(), 'imported secret\n');
  assert.equal(loadSettings(settings).vaults.a.umask, undefined);
  assert.equal(loadSettings(settings).vaults.a.maxConnections, 2);
  assert.deepEqual(loadSettings(settings).server.listen, ['[::]:99']);
  await nightdropOk(data, ['client', 'rotate', 'a']);
  assert.notEqual(secret(), 'imported secret\n');
});

test('settings of a client that is not here yet are not replaced either', async (t) => {
  const site = makeSite(t, ['[a]', 'path = /x', 'read only = no', 'auth users = a'], 'a:secret\n');
  const data = await makeData(t);
  writeFileSync(path.join(data, 'nightdrop.toml'), '[vaults]\na = { umask = 7 }\n');
  const told = await importConf(data, site.conf);
  assert.match(told.stdout, /nightdrop\.toml has a table for a already/);
  const forced = await importConf(data, site.conf, '--force');
  assert.equal(forced.code, 1, 'a table written like that cannot be changed by a program');
  assert.match(forced.stderr, /^nightdrop: \S+ is written in a way that cannot be added to; nothing was imported: /);
});

test('secrets that cannot be had are a line each, and an unreadable file is an error', async (t) => {
  const module = (name: string, secrets: string) => [
    `[${name}]`,
    'path = /x',
    'read only = no',
    'write only = yes',
    'auth users = u',
    `secrets file = ${secrets}`,
  ];
  const site = makeSite(
    t,
    [...module('open', 'FOLDER/open'), ...module('gone', 'FOLDER/gone'), ...module('none', '')],
    'u:secret\n',
  );
  writeFileSync(path.join(site.folder, 'open'), 'u:secret\n');
  chmodSync(path.join(site.folder, 'open'), 0o644);
  const data = await makeData(t);
  const told = await importConf(data, site.conf);
  assert.equal(told.code, 4);
  assert.match(told.stdout, /\[open\]: not carried: its secrets file "\S+\/open" can be read or written by others/);
  assert.match(told.stdout, /\[gone\]: not carried: its secrets file "\S+\/gone" cannot be read: ENOENT/);
  assert.match(told.stdout, /\[none\]: not carried: it names no secrets file, so nobody can log in/);
  const given = await importConf(data, site.conf, '--secrets', site.secrets, '--json');
  assert.equal(given.code, 0, given.stdout);
  const { clients } = JSON.parse(given.stdout) as { clients: { name: string; users: string[] }[] };
  assert.deepEqual(
    clients.map(({ name, users }) => [name, users]),
    [
      ['open', ['u']],
      ['gone', ['u']],
      ['none', ['u']],
    ],
  );
  const missing = await importConf(data, site.conf, '--secrets', path.join(site.folder, 'nothing'), '--force');
  assert.deepEqual([missing.code, missing.stdout], [1, '']);
  assert.match(missing.stderr, /^nightdrop: \S+nothing cannot be read: ENOENT/);
  const mistaken = await importConf(data, site.secrets);
  assert.equal(mistaken.code, 4);
  assert.match(mistaken.stdout, /^No client was made: \S+secrets has no modules\.$/m);
  assert.equal(mistaken.stdout.includes('secret\n'), false);
  const none = await importConf(data, path.join(site.folder, 'nothing'));
  assert.deepEqual([none.code, none.stdout], [1, '']);
  assert.match(none.stderr, /^nightdrop: \S+nothing cannot be read: ENOENT/);
});

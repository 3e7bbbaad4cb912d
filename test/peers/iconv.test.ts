import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startNightdrop } from '../support/nightdrop.ts';
import { assertSameOutput } from '../support/outputs.ts';
import { Pair } from '../support/pair.ts';
import { startStock } from '../support/rsyncd.ts';
import { run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Names of a client in UTF-8, of which two and a target have no counterpart in Latin-1, and one is no UTF-8 at all. */
function makeSource(root: string): void {
  for (const name of ['dé/ü', 'zä', 'bad€']) mkdirSync(path.join(root, name), { recursive: true });
  for (const name of ['é', 'a', 'z', 'zz', 'ÿ', 'dé/ü/ö', 'zä/x', '€uro', 'bad€/in', 'dé/n'])
    writeFileSync(path.join(root, name), `${name}\n`);
  writeFileSync(Buffer.from(`${root}/raw\xff`, 'latin1'), 'raw\n');
  symlinkSync('zä', path.join(root, 'lé'));
  symlinkSync('€', path.join(root, 'to-euro'));
  execFileSync('ln', [path.join(root, 'é'), path.join(root, 'zä/hé')]);
  stamp(root);
}

/** Nothing has the time of the test. */
function stamp(root: string): void {
  execFileSync('find', [root, '-depth', '-exec', 'touch', '-h', '-d', '2024-01-02 03:04:05', '{}', '+']);
}

test('--iconv keeps names, targets, messages and deletions in the character set of the vault, as with stock', async (t) => {
  const server = await startNightdrop(t, {
    configure: (toml) => toml.replace('#charset = "utf-8"', 'charset = "iso-8859-1"'),
  });
  const client = await server.addClient('web1');
  const stock = await startStock(t, { module: 'web1', lines: ['charset = iso-8859-1'] });
  const pair = new Pair(server, client, stock, temporaryFolder(t, 'scratch'));
  const source = temporaryFolder(t, 'source');
  makeSource(source);
  // with incremental recursion a stock receiver ends where a directory has no name; nightdrop has none with --iconv
  const push = async (...args: string[]) => {
    const options = ['-aH', '--iconv=utf-8,iso-8859-1', '--no-inc-recursive', ...args];
    const result = await pair.push(options, [`${source}/`], args.includes('-s') ? 'ö/' : '');
    assertSameOutput(result);
    return result;
  };
  await push();
  const { ours } = await push('-ii');
  assert.equal(ours.code, 23);
  assert.match(ours.stderr, /\[Receiver\] cannot convert filename: bad\xe2\x82\xac\/in \(Invalid/);
  await pair.assertSame();
  const restored = await pair.restore();
  assert.ok(existsSync(Buffer.from(`${restored}/d\xe9/\xfc/\xf6`, 'latin1')));

  for (const name of ['dé/ü', 'é', 'lé']) rmSync(path.join(source, name), { recursive: true });
  appendFileSync(path.join(source, 'zz'), 'more\n');
  stamp(source);
  // an error of the list keeps all deletions away
  await push('-i', '--delete');
  for (const name of ['bad€', '€uro', 'to-euro']) rmSync(path.join(source, name), { recursive: true });
  rmSync(Buffer.from(`${source}/raw\xff`, 'latin1'));
  stamp(source);
  await push('-s', '--mkpath');
  // gives the module's own directory its time back
  await push();
  await push('-i', '--delete', '-n', '--exclude=z*');
  await push('-v', '--delete', '--protocol=30');
  await pair.assertSame({ ignore: ['dirMtime'] });
});

test('without a setting names are kept in UTF-8, whatever the client has', async (t) => {
  const server = await startNightdrop(t);
  const client = await server.addClient('web1');
  const source = temporaryFolder(t, 'source');
  writeFileSync(Buffer.from(`${source}/\xe9t\xe9`, 'latin1'), 'summer\n');
  for (const args of [['--iconv=iso-8859-1'], ['--iconv=iso-8859-1', '-s', '--protocol=30']]) {
    const done = await run('rsync', ['-a', ...args, `${source}/`, `${client.url}/`], { env: client.env });
    assert.equal(done.code, 0, done.stderr);
  }
  const to = path.join(temporaryFolder(t, 'restored'), 'to');
  await server.cliOk(['restore', 'web1', 'latest', '--to', to]);
  assert.ok(existsSync(path.join(to, 'été')));
});

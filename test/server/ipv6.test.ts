import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { startNightdrop } from '../support/nightdrop.ts';
import { run } from '../support/run.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';
import { logLines, until } from './processes.ts';

const scope = fileScope();
const skip = networkInterfaces().lo?.some(({ address }) => address === '::1') ? false : 'no IPv6 on this machine';
const source = temporaryFolder(scope, 'source');
writeFileSync(path.join(source, 'file'), 'content\n');

test('several addresses are listened on; of both families at once, where IPv4 is told as IPv4', { skip }, async (t) => {
  const server = await startNightdrop(t, { args: ['--listen', '[::1]:0', '--listen', '[::]:0'] });
  const ready = /listening on 127\.0\.0\.1:(\d+) \[::1\]:(\d+) \[::\]:(\d+)\n/.exec(server.printed);
  assert.ok(ready, server.printed);
  const { env } = await server.addClient('web1');
  const [, four, six, both] = ready;
  const cases = [
    [`127.0.0.1:${four}`, '127.0.0.1'],
    [`[::1]:${six}`, '::1'],
    [`[::1]:${both}`, '::1'],
    [`127.0.0.1:${both}`, '127.0.0.1'],
  ];
  for (const [at, address] of cases) {
    const { code, stderr } = await run('rsync', ['-a', `${source}/`, `rsync://web1@${at}/web1/`], { env });
    assert.equal(code, 0, stderr);
    const pushes = () => logLines(server.printed).filter(({ msg }) => msg === 'push');
    const line = await until(() => pushes().at(cases.findIndex((c) => c[0] === at)));
    assert.equal(line.address, address);
  }
});

test('a place that is taken is an error, and nothing is listened on', { skip }, async (t) => {
  const server = await startNightdrop(t);
  const data = path.join(temporaryFolder(t), 'data');
  await run('mkdir', ['-m', '700', data]);
  writeFileSync(path.join(data, 'nightdrop.toml'), `[server]\nlisten = ["[::1]:0", "127.0.0.1:${server.port}"]\n`);
  const second = await run('bin/nightdrop', ['--data', data, 'serve']);
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${server.port}: .*EADDRINUSE`));
});

import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { type Client, type NightdropServer, startNightdrop } from '../support/nightdrop.ts';
import { type RunResult, run } from '../support/run.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

const scope = fileScope();
let server: NightdropServer;
let client: Client;
let to: string;

before(async () => {
  server = await startNightdrop(scope);
  client = await server.addClient('web1');
  to = temporaryFolder(scope, 'to');
  const source = temporaryFolder(scope, 'source');
  writeFileSync(path.join(source, 'file'), 'stored content\n');
  const pushed = await run('rsync', ['-a', `${source}/`, `${client.url}/`], { env: client.env });
  assert.equal(pushed.code, 0, pushed.stderr);
});

function rsync(args: string[], secret = client.secret): Promise<RunResult> {
  return run('rsync', args, { env: { RSYNC_PASSWORD: secret } });
}

const reads: [string, (url: string, to: string) => string[]][] = [
  ['a pull', (url, to) => ['-a', `${url}/`, `${to}/`]],
  ['a pull of one file', (url, to) => [`${url}/file`, `${to}/`]],
  ['a listing', (url) => [`${url}/`]],
  ['a recursive listing', (url) => ['-r', `${url}/`]],
  ['--list-only', (url) => ['--list-only', `${url}/`]],
  ['a pull that removes its source', (url, to) => ['-a', '--remove-source-files', `${url}/`, `${to}/`]],
  ['a dry-run pull', (url, to) => ['-an', `${url}/`, `${to}/`]],
  ['a pull by protocol 30', (url, to) => ['-a', '--protocol=30', `${url}/`, `${to}/`]],
];

for (const [what, args] of reads) {
  test(`${what} is refused as write only, and nothing arrives`, async () => {
    const result = await rsync(args(client.url, to));
    assert.equal(result.code, what.includes('protocol 30') ? result.code : 1, result.stderr);
    assert.notEqual(result.code, 0);
    assert.match(result.stderr, /ERROR: module is write only/);
    assert.equal(result.stdout.includes('stored content'), false);
    assert.equal(existsSync(path.join(to, 'file')), false);
  });
}

test('the module list is empty', async () => {
  const result = await rsync([`rsync://127.0.0.1:${server.port}/`]);
  assert.equal(result.code, 0, result.stderr);
  assert.equal(result.stdout, '');
});

test('a wrong secret, a wrong user and a module that does not exist read alike', async () => {
  const url = (user: string, module: string) => `rsync://${user}@127.0.0.1:${server.port}/${module}/`;
  const refusals = [
    await rsync(['-a', `${to}/`, url('web1', 'web1')], 'wrong'),
    await rsync(['-a', `${to}/`, url('other', 'web1')]),
    await rsync(['-a', `${to}/`, url('web1', 'unknown')]),
    await rsync([`${url('web1', 'unknown')}`]),
  ];
  for (const refusal of refusals) {
    assert.equal(refusal.code, 5, refusal.stderr);
    assert.match(refusal.stderr, /@ERROR: auth failed on module (web1|unknown)/);
    assert.equal(withoutNames(refusal.stderr), withoutNames(refusals[0].stderr));
  }
});

/** A listing and a push end at different lines of rsync's source; the names are the client's own. */
function withoutNames(text: string): string {
  return text
    .replace(/web1|unknown/g, 'MODULE')
    .replace(/at main\.c\(\d+\)/g, '')
    .replace(/\[\w+=[\d.]+\]/g, '');
}

test('one client cannot push into the vault of another', async () => {
  const other = await server.addClient('web2');
  const result = await rsync(['-a', `${to}/`, `rsync://web2@127.0.0.1:${server.port}/web1/`], other.secret);
  assert.equal(result.code, 5, result.stderr);
});

test('an option that is not carried is refused by its name', async () => {
  const result = await rsync(['-a', '--write-devices', `${to}/`, `${client.url}/`]);
  assert.notEqual(result.code, 0);
  assert.match(result.stderr, /the option --write-devices/);
});

test('transfers without checksums are refused: nothing would be verified', async () => {
  const result = await rsync(['-a', '--checksum-choice=none', `${to}/`, `${client.url}/`]);
  assert.notEqual(result.code, 0);
  assert.match(result.stderr, /the option --checksum-choice is refused: none is not one of/);
});

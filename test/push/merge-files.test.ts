import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { VaultPolicy } from '../../src/vault/policy.ts';
import { createVault } from '../../src/vault/vault.ts';
import { startPushServer } from '../support/push-server.ts';
import { type RunResult, run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';

const SECRET = 'correct horse battery staple';

/** Two pushes of a file, the second with it as a merge file; what the client of the second heard. */
async function secondPush(t: TestContext, content: string, policy: Partial<VaultPolicy> = {}): Promise<RunResult> {
  const folder = temporaryFolder(t, 'merge-files');
  const source = path.join(folder, 'source');
  mkdirSync(source);
  writeFileSync(path.join(source, 'rules'), content);
  writeFileSync(path.join(source, 'gone'), '');
  const { folder: vaultDir } = await createVault(path.join(folder, 'vault'), 'demo');
  const server = await startPushServer(t, { vaultDir, vault: 'demo', policy });
  const url = `rsync://127.0.0.1:${server.port}/demo/`;
  const first = await run('rsync', ['-a', `${source}/`, url]);
  assert.equal(first.code, 0, first.stderr);
  const empty = path.join(folder, 'empty');
  mkdirSync(empty);
  const result = await run('rsync', ['-ai', '--delete', '--filter=: rules', `${empty}/`, url]);
  await server.waitForReports(2);
  assert.equal(server.reports[1].defect, undefined);
  return result;
}

test('where nothing may be revealed merge rules are refused', async (t) => {
  const { code, stderr, stdout } = await secondPush(t, '- gone\n', { reveal: 'nothing' });
  assert.equal(code, 4);
  assert.match(stderr, /the filter rule : rules is refused/);
  assert.equal(stdout, '');
});

test('a merge file of more than 1 MiB is refused', async (t) => {
  const { code, stderr, stdout } = await secondPush(t, '- gone\n'.repeat(150_000));
  assert.equal(code, 4);
  assert.match(stderr, /a merge file in the destination is too long/);
  assert.doesNotMatch(stdout, /deleting/);
});

test('a stored file that holds no rules ends the push without a word of it', async (t) => {
  const { code, stderr, stdout } = await secondPush(t, `${SECRET}\n`);
  assert.equal(code, 1);
  assert.match(stderr, /a merge file in the destination has a rule that cannot be read/);
  for (const word of SECRET.split(' ')) assert.ok(!`${stdout}${stderr}`.includes(word));
});

test('merge files that name each other without an end are refused', async (t) => {
  const { code, stderr } = await secondPush(t, '. rules\n');
  assert.equal(code, 11);
  assert.match(stderr, /names a file that cannot be read/);
});

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

interface Second {
  policy?: Partial<VaultPolicy>;
  /** what the second push deletes by */
  rules?: string[];
}

/** Two pushes of a file, the second with it as a merge file; what the client of the second heard. */
async function secondPush(t: TestContext, content: string, second: Second = {}): Promise<RunResult> {
  const { policy = { mergeFiles: true }, rules = ['--filter=: rules'] } = second;
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
  const result = await run('rsync', ['-ai', '--delete', ...rules, `${empty}/`, url]);
  await server.waitForReports(2);
  assert.equal(server.reports[1].defect, undefined);
  return result;
}

for (const [rules, name] of [
  ['--filter=: rules', ': rules'],
  ['--filter=dir-merge,- rules', ':- rules'],
  ['-F', ': /.rsync-filter'],
  ['-C', ':C .cvsignore (a part of -C)'],
]) {
  test(`unless the vault allows it ${rules} with --delete is refused, in one line`, async (t) => {
    const { code, stderr, stdout } = await secondPush(t, '- gone\n', { policy: {}, rules: [rules] });
    assert.equal(code, 4);
    assert.match(stderr, /^ERROR: [^\n]*\n/);
    assert.ok(
      stderr.startsWith(
        `ERROR: the filter rule ${name} is refused: rules in stored files would let a client test guesses about them ` +
          '(merge_files = true allows it)\n',
      ),
      stderr,
    );
    assert.equal(stdout, '');
  });
}

test("the client's own rules need no permission, the excludes that -C has built in included", async (t) => {
  const rules = ['--exclude=/keep', '--filter=P rules', '--filter=-C', '--filter=:s rules'];
  const { code, stderr, stdout } = await secondPush(t, '- gone\n', { policy: {}, rules });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^\*deleting {3}gone$/m);
  assert.doesNotMatch(stdout, /deleting {3}rules/);
});

test('where nothing may be revealed merge rules are refused, whatever merge_files says', async (t) => {
  const policy = { reveal: 'nothing', mergeFiles: true } as const;
  const { code, stderr, stdout } = await secondPush(t, '- gone\n', { policy });
  assert.equal(code, 4);
  assert.match(stderr, /the filter rule : rules is refused: .* \(reveal = "nothing" never allows it\)/);
  assert.equal(stdout, '');
});

test('where the vault allows it merge rules are carried', async (t) => {
  const { code, stderr, stdout } = await secondPush(t, 'P gone\n');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^\*deleting {3}rules$/m);
  assert.doesNotMatch(stdout, /deleting {3}gone/);
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

/** max_verbosity and ignore_errors beside stock rsyncd's "max verbosity" and "ignore errors". */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { VaultPolicy } from '../../src/vault/policy.ts';
import { createVault } from '../../src/vault/vault.ts';
import { isRoot } from '../support/make-tree.ts';
import { startPushServer } from '../support/push-server.ts';
import { startStock } from '../support/rsyncd.ts';
import { run } from '../support/run.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

const scope = fileScope();
const folder = temporaryFolder(scope);
chmodSync(folder, 0o755);
for (const name of ['full', 'empty', 'broken', 'broken/closed']) mkdirSync(path.join(folder, name));
for (const name of ['a', 'b']) writeFileSync(path.join(folder, 'full', name), name);
chmodSync(path.join(folder, 'broken', 'closed'), 0);
// a directory that stock deletes from has another time by that alone
utimesSync(path.join(folder, 'broken'), 1e9, 1e9);
const stock = await startStock(scope, { module: 'demo' });
const stockConf = path.join(path.dirname(stock.folder), 'rsyncd.conf');
const stockTemplate = readFileSync(stockConf, 'utf8');
const policy: Partial<VaultPolicy> = {};
const { folder: vaultDir } = await createVault(path.join(folder, 'vault'), 'demo');
const ours = await startPushServer(scope, { vaultDir, vault: 'demo', policy });

/** As somebody to whom a directory can be closed. */
const rsync = isRoot ? ['setpriv', '--reuid=65534', '--clear-groups', 'rsync'] : ['rsync'];

async function push(...args: string[]): Promise<{ code: number; lines: string[] }[]> {
  const results = [];
  for (const url of [`${stock.url}/`, `rsync://127.0.0.1:${ours.port}/demo/`]) {
    const { code, stdout } = await run(rsync[0], [...rsync.slice(1), ...args, url], { cwd: folder });
    results.push({
      code,
      lines: stdout
        .split('\n')
        .filter((line) => !/^(sent|total size|total:|opening tcp) /.test(line))
        .sort(),
    });
  }
  return results;
}

for (const level of [0, 1]) {
  test(`max_verbosity = ${level}: the client is told what stock tells it`, async () => {
    policy.maxVerbosity = level;
    writeFileSync(stockConf, `${stockTemplate}\nmax verbosity = ${level}\n`);
    for (const args of [['-rtvv'], ['-rtv', '--delete']]) {
      await push('-rt', '--delete', 'full/');
      const [theirs, told] = await push(...args, args.includes('--delete') ? 'empty/' : 'full/');
      assert.deepEqual(told, theirs, args.join(' '));
    }
  });
}

test('ignore_errors: deletions go on after an error of the client', async () => {
  const left = async () => {
    const { stdout } = await run('rsync', ['-rn', '--delete', '-i', 'empty/', `rsync://127.0.0.1:${ours.port}/demo/`], {
      cwd: folder,
    });
    return /\*deleting +a$/m.test(stdout);
  };
  for (const ignoreErrors of [false, true]) {
    policy.ignoreErrors = ignoreErrors;
    writeFileSync(stockConf, `${stockTemplate}\nignore errors = ${ignoreErrors}\n`);
    await push('-rt', '--delete', 'full/');
    const [theirs, told] = await push('-rti', '--delete-before', 'broken/');
    assert.deepEqual([told.code, told.lines], [theirs.code, theirs.lines]);
    assert.equal(told.code, 23);
    assert.equal(await left(), !ignoreErrors);
  }
});

/** refuse_options beside stock rsyncd's "refuse options": the same clients are refused, in the same words. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { VaultPolicy } from '../../src/vault/policy.ts';
import { createVault } from '../../src/vault/vault.ts';
import { startPushServer } from '../support/push-server.ts';
import { startStock } from '../support/rsyncd.ts';
import { run } from '../support/run.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

const scope = fileScope();
const source = temporaryFolder(scope, 'source');
writeFileSync(path.join(source, 'file'), 'content\n');
const stock = await startStock(scope, { module: 'demo' });
const stockConf = path.join(path.dirname(stock.folder), 'rsyncd.conf');
const stockTemplate = readFileSync(stockConf, 'utf8');
const policy: Partial<VaultPolicy> = {};
const { folder: vaultDir } = await createVault(path.join(temporaryFolder(scope), 'vault'), 'demo');
const ours = await startPushServer(scope, { vaultDir, vault: 'demo', policy });

/** What is refused; then what a client says, and whether that is refused. */
const cases: [string, [string, boolean][]][] = [
  [
    'c delete',
    [
      ['-a', false],
      ['-ac', true],
      ['-a --delete', true],
      ['-a --delete-before', true],
      ['-a --delete-excluded --exclude=x', true],
    ],
  ],
  [
    'delete-* !delete-during',
    [
      ['-a --delete', false],
      ['-a --del', false],
      ['-a --delete-after', true],
      ['-a --delete-before', true],
    ],
  ],
  [
    'delete-during',
    [
      ['-a --delete-after', false],
      ['-a --del', true],
      ['-a --delete', false],
    ],
  ],
  ['del', [['-a --delete-during', true]]],
  [
    '* !a !v',
    [
      ['-a', false],
      ['-av', false],
      ['-rltv', false],
      ['-aH', true],
      ['-az', true],
      ['-aW', true],
      ['-an', false],
    ],
  ],
  [
    '* !a !compress*',
    [
      ['-az', false],
      ['-az --compress-level=1', false],
      ['-a --numeric-ids', true],
    ],
  ],
  [
    'compress',
    [
      ['-az', true],
      ['-a --compress-choice=zstd', true],
      ['-a --zc=lz4', true],
      ['-a --zc=none', false],
    ],
  ],
  ['z', [['-az', true]]],
  [
    'archive',
    [
      ['-r', true],
      ['-c', false],
      ['-l', true],
    ],
  ],
  ['archive*', [['-a', false]]],
  [
    'a !t',
    [
      ['-t', false],
      ['-p', true],
    ],
  ],
  [
    '[HX]',
    [
      ['-aH', true],
      ['-aX', true],
      ['-aA', false],
    ],
  ],
  [
    'perms owner',
    [
      ['-a', true],
      ['-rlt', false],
      ['-rp', true],
      ['-ro', true],
    ],
  ],
  [
    'partial',
    [
      ['-a --partial', true],
      ['-a --inplace', true],
      ['-a', false],
    ],
  ],
  [
    'checksum-seed n dry-run',
    [
      ['-an', true],
      ['-a --checksum-seed=5', true],
      ['-a', false],
    ],
  ],
  [
    'checksum-*',
    [
      ['-a --checksum-seed=5', false],
      ['-a --checksum-choice=md5', true],
    ],
  ],
  ['cc', [['-a --checksum-choice=md5', true]]],
  [
    'existing',
    [
      ['-a --ignore-non-existing', true],
      ['-a --ignore-existing', false],
    ],
  ],
  [
    's',
    [
      ['-as', true],
      ['-a', false],
    ],
  ],
  [
    'bwlimit timeout',
    [
      ['-a --bwlimit=1m', true],
      ['-a --timeout=99', true],
    ],
  ],
  ['max-delete !max-delete', [['-a --delete --max-delete=5', false]]],
  [
    '! delete',
    [
      ['-a', false],
      ['-a --delete', true],
    ],
  ],
];

for (const [words, clients] of cases) {
  test(`"${words}" refuses what stock refuses by it`, async () => {
    policy.refuseOptions = words.split(' ').filter((word) => word !== '!');
    writeFileSync(stockConf, `${stockTemplate}\nrefuse options = ${words}\n`);
    await Promise.all(clients.map(([args, isRefused]) => compare(args.split(' '), isRefused)));
  });
}

async function compare(args: string[], isRefused: boolean): Promise<void> {
  const push = (url: string) => run('rsync', [...args, `${source}/`, url]);
  const [there, here] = await Promise.all([push(`${stock.url}/`), push(`rsync://127.0.0.1:${ours.port}/demo/`)]);
  const told = (text: string) => text.split('\n').filter((line) => line.includes('configured to refuse'));
  assert.deepEqual([told(here.stderr), here.code], [told(there.stderr), there.code], `${args}: ${here.stderr}`);
  assert.equal(there.code === 4, isRefused, `${args}: ${there.code} ${there.stderr}`);
}

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { commitSnapshot } from '../../src/vault/commit.ts';
import { vaultSeed } from '../../src/vault/layout.ts';
import { createVault, findVault, listVaults, openRepository, openVault, writeSecret } from '../../src/vault/vault.ts';
import { resticCheck } from '../support/restic.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { meta, testVault, withState } from './helpers.ts';

const mode = (file: string) => statSync(file).mode & 0o777;

test('a new vault is closed to everyone else, and stock restic opens it with its password file', async (t) => {
  const { layout, info } = await testVault(t);
  for (const folder of [layout.folder, layout.repository, layout.temporary]) assert.equal(mode(folder), 0o700);
  for (const file of [layout.passwordFile, layout.stateFile]) assert.equal(mode(file), 0o600);
  assert.match(readFileSync(layout.passwordFile, 'utf8'), /^[A-Za-z0-9_-]{43}\n$/);
  await resticCheck(info);
  assert.equal(
    withState(layout, (store) => store.checksumSeed),
    vaultSeed(layout),
  );
  assert.ok(vaultSeed(layout) > 0 && vaultSeed(layout) < 2 ** 31);
});

test('names that could mean another folder, and vaults that are there, are refused', async (t) => {
  const data = temporaryFolder(t);
  for (const name of ['', '.', '..', '../x', 'a/b', '.hidden', '-x', 'x'.repeat(65), 'a b', 'a\0', 'ä', '#list']) {
    await assert.rejects(createVault(data, name), { code: 'ERR_VAULT_NAME' }, JSON.stringify(name));
  }
  await createVault(data, 'web-1.example_org');
  await assert.rejects(createVault(data, 'web-1.example_org'), { code: 'ERR_VAULT_EXISTS' });
  mkdirSync(path.join(data, 'vaults', 'left'));
  writeFileSync(path.join(data, 'vaults', 'left', 'something'), '');
  await assert.rejects(createVault(data, 'left'), { code: 'ERR_VAULT_EXISTS' });
  await createVault(data, 'b');
  assert.deepEqual(await listVaults(data), ['b', 'left', 'web-1.example_org']);
  assert.deepEqual(await listVaults(path.join(data, 'nowhere')), []);
  await assert.rejects(findVault(data, 'c'), { code: 'ERR_NO_VAULT' });
  assert.deepEqual(
    readdirSync(path.join(data, 'vaults')).sort(),
    ['b', 'left', 'web-1.example_org'],
    'nothing half made is left',
  );
});

test('a command opens a vault, with the lease when it writes', async (t) => {
  const { layout, repository } = await testVault(t);
  withState(layout, (store) => store.writeDir('', []));
  await commitSnapshot(repository, layout, meta());
  const vault = await openVault(path.dirname(path.dirname(layout.folder)), 'demo');
  const lease = await vault.lease('a test');
  const notes: string[] = [];
  const sound = await vault.soundState((note) => notes.push(note));
  const reader = vault.openState();
  assert.deepEqual(notes, []);
  assert.equal(reader.snapshotId, sound.snapshotId);
  for (const store of [sound, reader]) store.close();
  lease.release();
  await vault.close();
});

test('a secret replaces the one before as a whole, readable by its owner only', async (t) => {
  const file = path.join(temporaryFolder(t), 'secret');
  writeFileSync(file, 'old\n', { mode: 0o644 });
  await writeSecret(file, 'new');
  assert.deepEqual([readFileSync(file, 'utf8'), mode(file)], ['new\n', 0o600]);
  assert.deepEqual(readdirSync(path.dirname(file)), ['secret']);
});

test('a missing password is named', async (t) => {
  const { layout } = await testVault(t);
  await assert.rejects(openRepository({ ...layout, passwordFile: path.join(layout.folder, 'nowhere') }), {
    code: 'ERR_NO_PASSWORD',
    message: /nowhere/,
  });
});

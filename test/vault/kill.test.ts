import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { commitSnapshot } from '../../src/vault/commit.ts';
import { ensureState } from '../../src/vault/prepare.ts';
import { projectFolder } from '../support/nightdrop.ts';
import { Random } from '../support/random.ts';
import { resticCheck } from '../support/restic.ts';
import { meta, testVault, withState } from './helpers.ts';

const KILLS = 12;

test('killed at any moment of storing and committing, a vault settles by itself and goes on', async (t) => {
  const seed = Date.now() % 100_000;
  const random = new Random(seed);
  const vault = await testVault(t);
  let committed = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const child = spawn(
      process.execPath,
      [path.join(projectFolder, 'test/vault/pushing-process.ts'), vault.layout.folder, String(seed + kill)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    child.stdout.on('data', (text: Buffer) => {
      committed += text.toString().split('\n').length - 1;
    });
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    await sleep(random.below(150));
    child.kill('SIGKILL');
    await exited;
    // the line it begins with stands for no snapshot
    committed--;
    const notes = await ensureState(vault.layout, vault.repository);
    assert.ok(!notes.join().includes('rebuilt'), `seed ${seed}, kill ${kill}: ${notes}`);
    assert.deepEqual(
      await ensureState(vault.layout, vault.repository),
      [],
      `seed ${seed}, kill ${kill}: settled at once`,
    );
    // every snapshot that was told of is there, and the state leads nowhere that is not stored
    const snapshots = withState(vault.layout, (store) => store.knownSnapshots().size);
    assert.ok(snapshots >= committed, `seed ${seed}, kill ${kill}: ${snapshots} of ${committed} snapshots`);
    await commitSnapshot(vault.repository, vault.layout, meta());
    committed++;
    if (kill % 4 === 3) await resticCheck(vault.info);
  }
});

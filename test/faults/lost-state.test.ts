import assert from 'node:assert/strict';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createVault } from '../../src/vault/vault.ts';
import { statistic } from '../support/outputs.ts';
import { startPushServer } from '../support/push-server.ts';
import { Random } from '../support/random.ts';
import { resticCheck } from '../support/restic.ts';
import { runOk } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';

const SIZE = 2 << 20;

for (const how of ['missing', 'damaged'] as const) {
  test(`a push that finds the state ${how} has it rebuilt, and leaves block sums that the next one uses`, {
    timeout: 120_000,
  }, async (t) => {
    const layout = await createVault(path.join(temporaryFolder(t, 'data'), 'data'), 'demo');
    const server = await startPushServer(t, { vaultDir: layout.folder, vault: 'demo' });
    const source = temporaryFolder(t, 'source');
    const random = new Random(5);
    const push = async () => {
      const ended = server.reports.length;
      const { stdout } = await runOk(
        'rsync',
        ['-a', '--stats', `${source}/`, `rsync://127.0.0.1:${server.port}/demo/`],
        {
          timeout: 60,
        },
      );
      await server.waitForReports(ended + 1);
      return statistic(stdout, 'Literal data');
    };
    writeFileSync(path.join(source, 'before'), random.bytes(SIZE));
    await push();

    for (const beside of ['-wal', '-shm']) rmSync(layout.stateFile + beside, { force: true });
    if (how === 'missing') rmSync(layout.stateFile);
    else writeFileSync(layout.stateFile, random.bytes(40_000));
    writeFileSync(path.join(source, 'during'), random.bytes(SIZE));
    assert.equal(await push(), SIZE, 'only the new file is sent');

    for (const name of ['before', 'during']) appendFileSync(path.join(source, name), 'one more line\n');
    const literal = await push();
    assert.ok(literal < SIZE / 4, `${literal} bytes were sent for two lines`);
    await resticCheck({ repository: layout.repository, passwordFile: layout.passwordFile });
  });
}

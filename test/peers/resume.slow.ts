import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { assertSameTrees } from '../support/compare-trees.ts';
import { makeTree } from '../support/make-tree.ts';
import { startNightdrop } from '../support/nightdrop.ts';
import { statistic } from '../support/outputs.ts';
import { Random } from '../support/random.ts';
import { resticCheck } from '../support/restic.ts';
import { runOk } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';

const LARGE = 24 << 20;

for (const options of [[], ['--partial'], ['--inplace']]) {
  test(`a push cut short ${options.join(' ')} is kept as incomplete, and the next one completes it`, async (t) => {
    const server = await startNightdrop(t);
    const client = await server.addClient('web1');
    const source = temporaryFolder(t, 'source');
    makeTree(source, { files: 20 });
    mkdirSync(path.join(source, 'zz')); // sent last
    writeFileSync(path.join(source, 'zz', 'large'), new Random(3).bytes(LARGE));
    const args = ['-aHAX', ...options, `${source}/`, `${client.url}/`];
    await cut(['--bwlimit=8M', '--progress', ...args], client.env);

    const cutShort = await server.waitForSnapshots('web1', 1);
    assert.ok(cutShort.every((snapshot) => snapshot.complete === false));
    const vault = await server.vaultInfo('web1');
    await resticCheck(vault);

    const { stdout } = await runOk('rsync', ['--stats', ...args], { env: client.env });
    const literal = statistic(stdout, 'Literal data');
    const atMost = options.length > 0 ? LARGE * 0.8 : LARGE; // what had arrived whole is never sent again
    assert.ok(literal <= atMost, `${literal} literal bytes after the cut`);
    const snapshots = await server.snapshots('web1');
    assert.equal(snapshots.at(-1)?.complete, true);
    const to = path.join(temporaryFolder(t, 'to'), 'restored');
    await server.cliOk(['restore', 'web1', 'latest', '--to', to]);
    assertSameTrees(to, source);
    await resticCheck(vault);
  });
}

/** Kills the client in the middle of its large file. */
async function cut(args: string[], env: Record<string, string>): Promise<void> {
  const child = spawn('rsync', args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'ignore'] });
  let seen = '';
  child.stdout.on('data', (piece: Buffer) => {
    seen += piece.toString('latin1');
    if (/zz\/large[\s\S]*\b[3-7]\d%/.test(seen)) child.kill('SIGKILL');
  });
  await once(child, 'close');
  assert.equal(child.signalCode, 'SIGKILL', 'the push ended before it could be cut');
}

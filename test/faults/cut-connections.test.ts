import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { assertSameTrees } from '../support/compare-trees.ts';
import { cutter } from '../support/cutter.ts';
import { makeTree } from '../support/make-tree.ts';
import { startNightdrop } from '../support/nightdrop.ts';
import { statistic } from '../support/outputs.ts';
import { Random } from '../support/random.ts';
import { resticCheck } from '../support/restic.ts';
import { run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** .ci/run asks for more. */
const CUTS = Number(process.env.NIGHTDROP_CUTS ?? 4);

test('a connection cut after any byte leaves a vault that restic accepts, and the next push goes on', {
  timeout: 60_000 + CUTS * 15_000,
}, async (t) => {
  const seed = Number(process.env.NIGHTDROP_SEED ?? Date.now() % 100_000);
  t.diagnostic(`seed ${seed}`);
  const random = new Random(seed);
  const server = await startNightdrop(t);
  const client = await server.addClient('web1');
  const { port, limit } = await cutter(t, server.port);
  const source = temporaryFolder(t, 'source');
  makeTree(source, { files: 30 });
  const url = `rsync://web1@127.0.0.1:${port}/web1/`;
  const push = () =>
    run('rsync', ['-aHAX', '--delete', '--stats', `${source}/`, url], { env: client.env, timeout: 60 });
  let sent = { up: 0, down: 0 };
  let early = 0;
  for (let cut = 0; cut <= CUTS; cut++) {
    for (let i = 0; i < 10; i++) writeFileSync(path.join(source, `f${i}`), random.text(random.below(200_000)));
    if (cut > 0) {
      // the beginning has the most steps; the end is where things are settled
      const way = random.below(3) === 0 ? 'down' : 'up';
      limit[way] = cut % 2 ? 1 + random.below(400) : 1 + random.below(sent[way]);
      const ended = await push();
      Object.assign(limit, { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY });
      if (ended.code === 0) {
        // less had changed than the time before
        assert.ok(++early < CUTS, `seed ${seed}: pushes end before they can be cut`);
        cut--;
        continue;
      }
    }
    const whole = await push();
    assert.equal(whole.code, 0, `seed ${seed}, cut ${cut}: ${whole.stderr}\n${server.printed.slice(-2000)}`);
    const [, up, down] = /sent ([\d,]+) bytes {2}received ([\d,]+) bytes/.exec(whole.stdout) ?? [];
    sent = { up: number(up), down: number(down) };
    if (cut % 8 === 0 || cut === CUTS) await resticCheck(await server.vaultInfo('web1'));
  }
  const to = path.join(temporaryFolder(t, 'to'), 'restored');
  await server.cliOk(['restore', 'web1', 'latest', '--to', to]);
  assertSameTrees(to, source);
});

test('a large file that was cut in its middle goes on from there', { timeout: 120_000 }, async (t) => {
  const size = 12 << 20;
  const server = await startNightdrop(t);
  const client = await server.addClient('web1');
  const { port, limit } = await cutter(t, server.port);
  const source = temporaryFolder(t, 'source');
  writeFileSync(path.join(source, 'large'), randomBytes(size));
  const push = () =>
    run('rsync', ['-a', '--stats', `${source}/`, `rsync://web1@127.0.0.1:${port}/web1/`], {
      env: client.env,
      timeout: 60,
    });
  limit.up = size * 0.75;
  assert.notEqual((await push()).code, 0);
  limit.up = Number.POSITIVE_INFINITY;
  await server.waitForSnapshots('web1', 1);
  const again = await push();
  assert.equal(again.code, 0, `${again.stderr}\n${server.printed.slice(-2000)}`);
  const literal = statistic(again.stdout, 'Literal data');
  assert.ok(literal < size * 0.3, `${literal} of ${size} bytes were sent again`);
  await resticCheck(await server.vaultInfo('web1'));
  const to = path.join(temporaryFolder(t, 'to'), 'restored');
  await server.cliOk(['restore', 'web1', 'latest', '--to', to]);
  assertSameTrees(to, source);
});

function number(text: string | undefined): number {
  return Number((text ?? '').replaceAll(',', ''));
}

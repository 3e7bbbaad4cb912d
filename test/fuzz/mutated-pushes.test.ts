import assert from 'node:assert/strict';
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Random } from '../support/random.ts';
import { replay } from '../support/replay.ts';
import { resticCheck } from '../support/restic.ts';
import type { Scope } from '../support/temporary.ts';
import { mutate } from './mutations.ts';
import { makeSource, STORED_WORDS } from './option-sets.ts';
import { makeKeyQuick } from './quick-key.ts';
import type { Lane, Recording } from './recordings.ts';
import { useStandingWorkers } from './standing-worker.ts';

useStandingWorkers();
const { startPushServer } = await import('../support/push-server.ts');
const { createVault } = await import('../../src/vault/vault.ts');
const { push, record } = await import('./recordings.ts');

/** Replays in all; NIGHTDROP_FUZZ asks for more. */
const REPLAYS = Number(process.env.NIGHTDROP_FUZZ ?? 400);
const SEED = Number(process.env.NIGHTDROP_SEED ?? 20261124);
/** The first replay: with NIGHTDROP_FUZZ=1, one of them again. */
const FIRST = Number(process.env.NIGHTDROP_FIRST ?? 0);
/** Vaults that are pushed into side by side: much of a bent push is waiting. */
const LANES = 6;
/** Seconds that a push may take to end once its client has said all. */
const MOST_SECONDS = 20;

test('mutated and truncated pushes end in one clear error, and cost neither the process nor the vault anything', {
  timeout: 120_000 + REPLAYS * 100,
}, async (t) => {
  t.diagnostic(`seed ${SEED}, ${REPLAYS} replays from ${FIRST} on`);
  const folder = quickFolder(t);
  const lanes: Lane[] = [await makeLane(t, path.join(folder, 'lane-0'))];
  const recordings = await record(t, lanes[0], path.join(folder, 'client'), new Random(SEED));
  while (lanes.length < LANES) lanes.push(await makeLane(t, path.join(folder, `lane-${lanes.length}`), recordings[0]));

  const memoryBefore = process.memoryUsage().rss;
  let next = FIRST;
  let refused = 0;
  const work = async (lane: Lane) => {
    while (next < FIRST + REPLAYS) if (await oneReplay(lane, recordings, next++)) refused++;
  };
  await Promise.all(lanes.map(work));

  if (REPLAYS >= 100)
    assert.ok(refused > REPLAYS / 4, `only ${refused} of ${REPLAYS} mutations were noticed: they reach nothing`);
  const grown = (process.memoryUsage().rss - memoryBefore) / 2 ** 20;
  assert.ok(grown < 400, `the process grew by ${grown.toFixed(0)} MiB`);
  // the vaults still take a push, and restic finds nothing wrong
  const source = path.join(folder, 'last');
  mkdirSync(source);
  makeSource(source, 'last words');
  for (const { server, layout, rules } of lanes) {
    rules.policy = {};
    const ended = server.reports.length;
    assert.equal((await push(server.port, source, '', ['-aHAX', '--delete'])).code, 0);
    await server.waitForReports(ended + 1);
    await resticCheck({ repository: layout.repository, passwordFile: layout.passwordFile });
  }
});

/** True when the server refused it. */
async function oneReplay({ layout, server, rules }: Lane, recordings: Recording[], number: number): Promise<boolean> {
  const random = new Random(SEED * 1_000_003 + number);
  const recording = recordings[number % recordings.length];
  // every other one meets what those before have left
  if (random.below(2) === 0) recording.start.restore(layout.folder);
  rules.policy = recording.policy;
  const ended = server.reports.length;
  const name = `replay ${number} of seed ${SEED} (${recording.name})`;
  const heard = await replay(server.port, mutate(recording.turns, random));
  await server.waitForReports(ended + 1, MOST_SECONDS).catch(() => assert.fail(`${name} did not end`));
  const report = server.reports[ended];
  const context = `${name}: ${report.error}`;
  assert.equal(report.defect, undefined, `${context}\n${report.defect}`);
  assert.ok(!heard.bytes.includes(STORED_WORDS), `${context}: stored content went out`);
  assert.ok(!heard.bytes.includes('.ts:'), `${context}: a stack trace went out`);
  return report.error !== undefined;
}

async function makeLane(t: Scope, data: string, like?: Recording): Promise<Lane> {
  const layout = await createVault(data, 'demo');
  makeKeyQuick(layout);
  like?.start.restore(layout.folder);
  const rules: Lane['rules'] = { policy: {} };
  const options = Object.assign(rules, { vaultDir: layout.folder, vault: 'demo', ioTimeout: 2 });
  return { layout, server: await startPushServer(t, options), rules };
}

/** In memory where there is such a place: thousands of pushes flush their files to the disk. */
function quickFolder(scope: Scope): string {
  let parent = '/dev/shm';
  try {
    accessSync(parent, constants.W_OK);
  } catch {
    parent = tmpdir();
  }
  const folder = mkdtempSync(path.join(parent, 'nightdrop-fuzz-'));
  scope.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

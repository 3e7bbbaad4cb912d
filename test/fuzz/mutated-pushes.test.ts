import assert from 'node:assert/strict';
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { VaultLayout } from '../../src/vault/layout.ts';
import type { PushServer } from '../support/push-server.ts';
import { Random } from '../support/random.ts';
import { recordTurns, replay, type Turn } from '../support/replay.ts';
import { resticCheck } from '../support/restic.ts';
import { run } from '../support/run.ts';
import type { Scope } from '../support/temporary.ts';
import { mutate } from './mutations.ts';
import { makeKeyQuick } from './quick-key.ts';
import { useStandingWorkers } from './standing-worker.ts';
import { VaultImage } from './vault-image.ts';

useStandingWorkers();
const { startPushServer } = await import('../support/push-server.ts');
const { createVault } = await import('../../src/vault/vault.ts');

/** Replays in all; NIGHTDROP_FUZZ asks for more. */
const REPLAYS = Number(process.env.NIGHTDROP_FUZZ ?? 400);
const SEED = Number(process.env.NIGHTDROP_SEED ?? 20261124);
/** The first replay: with NIGHTDROP_FUZZ=1, one of them again. */
const FIRST = Number(process.env.NIGHTDROP_FIRST ?? 0);
/** Vaults that are pushed into side by side: much of a bent push is waiting. */
const LANES = 6;
/** Seconds that a push may take to end once its client has said all. */
const MOST_SECONDS = 20;
/** Words that are stored and in no recording: what the server says must not hold them. */
const STORED_WORDS = 'only-stored-content-has-these-words';

const OPTIONS = [
  [],
  ['-z'],
  ['-z', '--compress-choice=zlibx'],
  ['--protocol=30'],
  ['--no-acls', '--no-xattrs', '--protocol=28', '-z'],
  ['--no-inc-recursive', '--checksum'],
];

interface Recording {
  options: string[];
  turns: Turn[];
  /** the vault as it was before */
  start: VaultImage;
}

interface Lane {
  layout: VaultLayout;
  server: PushServer;
}

test('mutated and truncated pushes end in one clear error, and cost neither the process nor the vault anything', {
  timeout: 120_000 + REPLAYS * 100,
}, async (t) => {
  t.diagnostic(`seed ${SEED}, ${REPLAYS} replays from ${FIRST} on`);
  const folder = quickFolder(t);
  const source = path.join(folder, 'source');
  const lanes: Lane[] = [await makeLane(t, path.join(folder, 'lane-0'))];
  const recordings = await record(t, lanes[0], source);
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
  for (const { server, layout } of lanes) {
    assert.equal((await push(server.port, source)).code, 0);
    await resticCheck({ repository: layout.repository, passwordFile: layout.passwordFile });
  }
});

/** True when the server refused it. */
async function oneReplay({ layout, server }: Lane, recordings: Recording[], number: number): Promise<boolean> {
  const random = new Random(SEED * 1_000_003 + number);
  const recording = recordings[number % recordings.length];
  // every other one meets what those before have left
  if (random.below(2) === 0) recording.start.restore(layout.folder);
  const ended = server.reports.length;
  const name = `replay ${number} of seed ${SEED} (${recording.options.join(' ')})`;
  const heard = await replay(server.port, mutate(recording.turns, random));
  await server.waitForReports(ended + 1, MOST_SECONDS).catch(() => assert.fail(`${name} did not end`));
  const report = server.reports[ended];
  const context = `${name}: ${report.error}`;
  assert.equal(report.defect, undefined, `${context}\n${report.defect}`);
  assert.ok(!heard.bytes.includes(STORED_WORDS), `${context}: stored content went out`);
  assert.ok(!heard.bytes.includes('.ts:'), `${context}: a stack trace went out`);
  return report.error !== undefined;
}

/** First pushes into an empty vault, and the pushes of a day later: plain, compressed, of an older protocol. */
async function record(t: Scope, { layout, server }: Lane, source: string): Promise<Recording[]> {
  const random = new Random(SEED);
  const empty = new VaultImage(layout.folder);
  const recordings: Recording[] = [];
  for (const options of OPTIONS) {
    for (const base of ['empty', 'pushed']) {
      rmSync(source, { recursive: true, force: true });
      empty.restore(layout.folder);
      if (base === 'pushed') {
        makeSource(source, random, STORED_WORDS);
        const ended = server.reports.length;
        assert.equal((await push(server.port, source)).code, 0);
        await server.waitForReports(ended + 1);
        changeSource(source, random);
      } else {
        makeSource(source, random, 'words that the recordings have');
      }
      const start = new VaultImage(layout.folder);
      const ended = server.reports.length;
      const turns = await recordTurns(t, server.port, async (port) =>
        assert.equal((await push(port, source, ...options)).code, 0),
      );
      await server.waitForReports(ended + 1);
      const said = Buffer.concat(turns.map(({ bytes }) => bytes));
      assert.ok(!said.includes(STORED_WORDS), 'a recording holds the words that only stored content should have');
      recordings.push({ options: [base, ...options], turns, start });
    }
  }
  return recordings;
}

function makeSource(folder: string, random: Random, words: string): void {
  mkdirSync(path.join(folder, 'dir/deep'), { recursive: true });
  // above the reveal floor: with --checksum smaller ones are sent whatever they hold
  writeFileSync(path.join(folder, 'small'), `${words} ${random.u32()} `.repeat(40));
  utimesSync(path.join(folder, 'small'), 1e9, 1e9);
  const text = random.text(30_000);
  text.write(words, 5000);
  writeFileSync(path.join(folder, 'dir/changing'), text);
  writeFileSync(path.join(folder, 'dir/deep/same'), 'same as ever');
  utimesSync(path.join(folder, 'dir/deep/same'), 1e9, 1e9);
  writeFileSync(path.join(folder, 'dir/old'), random.bytes(3000));
}

/** The words stay in a file that does not change, and in the blocks that do not of one that does. */
function changeSource(folder: string, random: Random): void {
  const text = random.text(30_000);
  const before = readFileSync(path.join(folder, 'dir/changing'));
  before.copy(text, 0, 0, 12_000);
  writeFileSync(path.join(folder, 'dir/changing'), text);
  rmSync(path.join(folder, 'dir/old'));
  writeFileSync(path.join(folder, 'dir/new'), random.bytes(3000));
}

async function makeLane(t: Scope, data: string, like?: Recording): Promise<Lane> {
  const layout = await createVault(data, 'demo');
  makeKeyQuick(layout);
  like?.start.restore(layout.folder);
  const server = await startPushServer(t, { vaultDir: layout.folder, vault: 'demo', ioTimeout: 2 });
  return { layout, server };
}

function push(port: number, source: string, ...options: string[]) {
  return run('rsync', ['-aHAX', '--delete', ...options, `${source}/`, `rsync://127.0.0.1:${port}/demo/`], {
    timeout: 30,
  });
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

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createVault } from '../../src/vault/vault.ts';
import { startPushServer } from '../support/push-server.ts';
import { Random } from '../support/random.ts';
import { recordTurns, replay, type Turn } from '../support/replay.ts';
import { resticCheck } from '../support/restic.ts';
import { run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Replays in all; NIGHTDROP_FUZZ asks for more. */
const REPLAYS = Number(process.env.NIGHTDROP_FUZZ ?? 1200);
const SEED = Number(process.env.NIGHTDROP_SEED ?? 20261124);
const SECRET_CONTENT = 'only-stored-content-has-these-words';
/** Text of the conversation before the arguments: it has tests of its own. */
const TEXT_TURNS = 2;

/** Values that break what does not check. */
const EXTREMES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

function makeSource(folder: string, random: Random, version: number): void {
  mkdirSync(path.join(folder, 'dir/deep'), { recursive: true });
  writeFileSync(path.join(folder, 'small'), `${SECRET_CONTENT} ${version}`);
  const text = random.text(30_000);
  text.write(SECRET_CONTENT, 5000);
  writeFileSync(path.join(folder, 'dir/changing'), text);
  writeFileSync(path.join(folder, 'dir/deep/same'), 'same as ever');
  utimesSync(path.join(folder, 'dir/deep/same'), 1e9, 1e9);
  writeFileSync(path.join(folder, `dir/new-${version}`), random.bytes(3000));
}

function mutate(turns: Turn[], random: Random): Turn[] {
  const at = TEXT_TURNS + random.below(Math.max(1, turns.length - TEXT_TURNS));
  const target = Buffer.from(turns[at].bytes);
  const place = random.below(Math.max(1, target.length));
  const kind = random.below(7);
  const changed = [...turns];
  const put = (bytes: Buffer) => {
    changed[at] = { ...turns[at], bytes };
  };
  if (kind === 0) return [...turns.slice(0, at), { ...turns[at], bytes: target.subarray(0, place) }];
  if (kind === 1) target[place] ^= 1 << random.below(8);
  else if (kind === 2) target[place] = random.below(256);
  else if (kind === 3 && target.length >= 4)
    target.writeUInt32LE(random.pick(EXTREMES) >>> 0, Math.min(place, target.length - 4));
  else if (kind === 4) {
    put(Buffer.concat([target.subarray(0, place), random.bytes(1 + random.below(16)), target.subarray(place)]));
    return changed;
  } else if (kind === 5) {
    put(
      Buffer.concat([
        target.subarray(0, place),
        target.subarray(Math.min(target.length, place + 1 + random.below(16))),
      ]),
    );
    return changed;
  } else {
    put(Buffer.concat([target, turns[TEXT_TURNS + random.below(turns.length - TEXT_TURNS)].bytes]));
    return changed;
  }
  put(target);
  return changed;
}

test('mutated and truncated pushes end in one clear error, and cost neither the process nor the vault anything', {
  timeout: 600_000,
}, async (t) => {
  t.diagnostic(`seed ${SEED}, ${REPLAYS} replays`);
  const random = new Random(SEED);
  const folder = temporaryFolder(t, 'fuzz');
  const data = path.join(folder, 'data');
  const layout = await createVault(data, 'demo');
  const source = path.join(folder, 'source');
  const server = await startPushServer(t, { vaultDir: layout.folder, vault: 'demo', ioTimeout: 2 });
  const push = (port: number, ...options: string[]) =>
    run('rsync', ['-aHAX', '--delete', ...options, `${source}/`, `rsync://127.0.0.1:${port}/demo/`], { timeout: 30 });

  // recordings of first pushes into an empty vault, and of a delta on top: plain, compressed, of an older protocol
  const empty = path.join(folder, 'empty');
  cpSync(layout.folder, empty, { recursive: true });
  const recordings: { turns: Turn[]; start: string }[] = [];
  for (const options of [
    [],
    ['-z'],
    ['-z', '--compress-choice=zlibx'],
    ['--protocol=30'],
    ['--no-inc-recursive', '--checksum'],
  ]) {
    for (const base of ['empty', 'pushed']) {
      const start = path.join(folder, `start-${recordings.length}`);
      rmSync(source, { recursive: true, force: true });
      makeSource(source, random, 1);
      reset(layout.folder, empty);
      if (base === 'pushed') {
        assert.equal((await push(server.port)).code, 0);
        await server.waitForReports(1);
        makeSource(source, random, 2);
      }
      cpSync(layout.folder, start, { recursive: true });
      const ended = server.reports.length;
      const turns = await recordTurns(t, server.port, async (port) =>
        assert.equal((await push(port, ...options)).code, 0),
      );
      await server.waitForReports(ended + 1);
      recordings.push({ turns, start });
    }
  }

  const memoryBefore = process.memoryUsage().rss;
  let refused = 0;
  for (let i = 0; i < REPLAYS; i++) {
    const { turns, start } = recordings[i % recordings.length];
    if (i % 40 < recordings.length) reset(layout.folder, start);
    const ended = server.reports.length;
    const heard = await replay(server.port, mutate(turns, random));
    await Promise.race([
      server.waitForReports(ended + 1),
      new Promise((_, reject) => setTimeout(() => reject(new Error(`replay ${i} did not end`)), 20_000).unref()),
    ]);
    const report = server.reports[server.reports.length - 1];
    const context = `replay ${i} of seed ${SEED}: ${report.error}`;
    assert.equal(report.defect, undefined, `${context}\n${report.defect}`);
    assert.ok(!heard.bytes.includes(SECRET_CONTENT), `${context}: stored content went out`);
    assert.ok(!heard.bytes.includes('.ts:'), `${context}: a stack trace went out`);
    if (report.error !== undefined) refused++;
  }
  assert.ok(
    refused > REPLAYS / 4,
    `only ${refused} of ${REPLAYS} mutations were noticed: they do not reach the protocol`,
  );
  const grown = (process.memoryUsage().rss - memoryBefore) / 2 ** 20;
  assert.ok(grown < 400, `the process grew by ${grown.toFixed(0)} MiB`);

  // the vault still takes a push, and restic finds nothing wrong
  assert.equal((await push(server.port)).code, 0);
  await resticCheck({ repository: layout.repository, passwordFile: layout.passwordFile });
});

function reset(folder: string, from: string): void {
  rmSync(folder, { recursive: true, force: true });
  cpSync(from, folder, { recursive: true });
}

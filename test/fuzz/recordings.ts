import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { PushReport } from '../../src/push/request.ts';
import type { Entry } from '../../src/vault/entry.ts';
import type { VaultLayout } from '../../src/vault/layout.ts';
import type { VaultPolicy } from '../../src/vault/policy.ts';
import { StateStore } from '../../src/vault/state/store.ts';
import { cutter } from '../support/cutter.ts';
import type { PushServer } from '../support/push-server.ts';
import type { Random } from '../support/random.ts';
import { recordTurns, type Turn } from '../support/replay.ts';
import { run } from '../support/run.ts';
import type { Scope } from '../support/temporary.ts';
import { makeSource, OPTION_SETS, type OptionSet, STORED_WORDS } from './option-sets.ts';
import { VaultImage } from './vault-image.ts';

/** Bytes after which a push is cut off: within the longest file, and behind what of it is worth to be kept. */
const CUT_AFTER = 140_000;

export interface Recording {
  /** for people */
  name: string;
  turns: Turn[];
  policy: Partial<VaultPolicy>;
  /** the vault as it was before */
  start: VaultImage;
}

/** A vault, and the server of pushes into it. */
export interface Lane {
  layout: VaultLayout;
  server: PushServer;
  /** the policy of the pushes that come next */
  rules: { policy: Partial<VaultPolicy> };
}

/** A push of each set of options, and the vault that it was made into. */
export async function record(scope: Scope, lane: Lane, folder: string, random: Random): Promise<Recording[]> {
  const { layout, server } = lane;
  const empty = new VaultImage(layout.folder);
  const pushed = new Map<string, VaultImage>();
  const source = path.join(folder, 'source');
  const recordings: Recording[] = [];
  for (const set of OPTION_SETS) {
    const [first] = set.into;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(source, { recursive: true });
    makeSource(source, set.change === undefined ? 'words that the recordings have' : STORED_WORDS);
    if (set.change === undefined) empty.restore(layout.folder);
    else if (pushed.has(first)) pushed.get(first)!.restore(layout.folder);
    else {
      empty.restore(layout.folder);
      await reportOf(server, async () => assert.equal((await push(server.port, source, first, ['-aHAX'])).code, 0));
      pushed.set(first, new VaultImage(layout.folder));
    }
    set.change?.(source, random);
    recordings.push(await recordOne(scope, lane, folder, set));
  }
  return recordings;
}

async function recordOne(
  scope: Scope,
  { layout, server, rules }: Lane,
  folder: string,
  set: OptionSet,
): Promise<Recording> {
  const { change, cut, into } = set;
  const source = path.join(folder, 'source');
  const options = set.options.map((option) => option.replace('{folder}', folder));
  const name = `${change === undefined ? 'first' : 'later'} ${set.options.join(' ')}`;
  rules.policy = set.policy ?? {};
  if (cut !== undefined) {
    const { port, limit } = await cutter(scope, server.port);
    limit.up = CUT_AFTER;
    await reportOf(server, async () => assert.notEqual((await push(port, source, into[1], ['-aHAX', ...cut])).code, 0));
  }
  const start = new VaultImage(layout.folder);
  const before = entriesOf(layout);
  let turns: Turn[] = [];
  const report = await reportOf(server, async () => {
    turns = await recordTurns(scope, server.port, async (port) => {
      const { code, stderr } = await push(port, source, into[1], options);
      assert.equal(code, set.code ?? 0, `${name}: ${stderr}`);
    });
  });
  assert.ok(set.shows?.({ report, before, after: entriesOf(layout) }) ?? true, `${name}: the options did nothing`);
  const said = Buffer.concat(turns.map(({ bytes }) => bytes));
  assert.ok(
    !said.includes(STORED_WORDS),
    `${name}: the recording holds the words that only stored content should have`,
  );
  return { name, turns, policy: rules.policy, start };
}

/** Pushes what is in a folder. */
export function push(port: number, source: string, into: string, options: string[]) {
  return run('rsync', [...options, './', `rsync://127.0.0.1:${port}/demo/${into}`], { timeout: 30, cwd: source });
}

/** What the server reports of the one push that is made. */
async function reportOf(server: PushServer, make: () => Promise<void>): Promise<PushReport> {
  const ended = server.reports.length;
  await make();
  await server.waitForReports(ended + 1);
  return server.reports[ended];
}

/** The vault's current state, by path. */
export function entriesOf({ stateFile }: VaultLayout): Map<string, Entry> {
  const found = new Map<string, Entry>();
  if (!existsSync(stateFile)) return found;
  const store = StateStore.open(stateFile, { readOnly: true });
  for (const { path: folder, entries } of store.walk(''))
    for (const entry of entries) found.set(path.join(folder, entry.name), entry);
  store.close();
  return found;
}

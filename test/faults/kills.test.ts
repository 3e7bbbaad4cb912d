import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertSameTrees } from '../support/compare-trees.ts';
import { makeTree } from '../support/make-tree.ts';
import { type Client, type NightdropServer, startNightdrop, type VaultInfo } from '../support/nightdrop.ts';
import { Random } from '../support/random.ts';
import { resticCheck } from '../support/restic.ts';
import { type RunResult, run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Of either kind; .ci/run asks for 25. */
const KILLS = Number(process.env.NIGHTDROP_KILLS ?? 2);
/** Kills between two looks by stock restic, and at the whole tree. */
const LOOK_EVERY = 12;
const LARGE = 8 << 20;

/** A vault whose pushes are killed. */
interface Victim {
  server: NightdropServer;
  client: Client;
  vault: VaultInfo;
  source: string;
  random: Random;
  /** milliseconds that a push takes, as far as is known: less when one was over before it could be killed */
  usual: number;
}

/** Who is killed: the process of the push alone, or all there is of the server. */
for (const target of ['session', 'server'] as const) {
  test(`killed ${KILLS} times at any moment of a push (the ${target}), a vault loses nothing and goes on`, {
    timeout: 60_000 + KILLS * 15_000,
  }, async (t) => {
    const seed = Number(process.env.NIGHTDROP_SEED ?? Date.now() % 100_000);
    t.diagnostic(`seed ${seed}`);
    const victim = await makeVictim(t, new Random(seed));
    let kills = 0;
    for (let round = 0; kills < KILLS; round++) {
      assert.ok(round < KILLS * 12, `only ${kills} pushes of ${round} could be killed before they ended`);
      changeSource(victim);
      const before = snapshotsOf(victim);
      if (!(await killPush(victim, target))) continue;
      kills++;
      const context = `seed ${seed}, kill ${kills}`;
      const after = snapshotsOf(victim);
      for (const id of before) assert.ok(after.includes(id), `${context}: a snapshot is gone`);
      await victim.server.cliOk(['check', 'web1', '--read-data']);
      const went = await push(victim);
      assert.equal(went.code, 0, `${context}: ${went.stderr}\n${victim.server.printed.slice(-3000)}`);
      if (kills % LOOK_EVERY === 0 || kills === KILLS) await lookAtAll(t, victim);
    }
  });
}

async function makeVictim(t: TestContext, random: Random): Promise<Victim> {
  const server = await startNightdrop(t);
  const client = await server.addClient('web1');
  const source = temporaryFolder(t, 'source');
  makeTree(source, { files: 60 });
  writeFileSync(path.join(source, 'large'), noise(random.u32(), LARGE));
  const victim: Victim = { server, client, vault: await server.vaultInfo('web1'), source, random, usual: 0 };
  const first = await push(victim);
  assert.equal(first.code, 0, first.stderr);
  changeSource(victim);
  victim.usual = (await push(victim)).seconds * 1000;
  return victim;
}

/** Work for a push: new content in a large file and small ones, one more of them, and one renamed. */
function changeSource({ source, random }: Victim): void {
  const large = readFileSync(path.join(source, 'large'));
  for (let i = 0; i < 20; i++) random.bytes(2000).copy(large, random.below(LARGE - 2000));
  noise(random.u32(), 2 << 20).copy(large, random.below(LARGE - (2 << 20)));
  writeFileSync(path.join(source, 'large'), large);
  for (let i = 0; i < 20; i++) writeFileSync(path.join(source, `small-${i}`), random.text(random.below(20_000)));
  writeFileSync(path.join(source, `new-${random.u32()}`), random.bytes(5000));
  const [oldest] = readdirSync(source).filter((name) => name.startsWith('new-'));
  renameSync(path.join(source, oldest), path.join(source, `old-${random.u32()}`));
}

/** Bytes that follow from the seed and do not compress: megabytes of them take a moment only. */
function noise(seed: number, length: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32LE(seed);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

function push({ source, client }: Victim): Promise<RunResult> {
  return run('rsync', ['-aHAX', '--delete', `${source}/`, `${client.url}/`], { env: client.env, timeout: 60 });
}

/** Starts a push and kills the server in it; false when the push was over before. The server is there again afterwards. */
async function killPush(victim: Victim, target: 'session' | 'server'): Promise<boolean> {
  const { server, client, random, usual } = victim;
  const pushed = push(victim);
  await sleep(random.below(Math.ceil(usual)));
  const sessions = childrenOf(server.pid).filter((pid) => titleOf(pid).startsWith('nightdrop: push'));
  if (target === 'session') {
    for (const pid of sessions) kill(pid);
  } else {
    for (const pid of [server.pid, ...childrenOf(server.pid)]) kill(pid);
    await server.stop('SIGKILL');
    await server.start();
    client.url = `rsync://${client.name}@127.0.0.1:${server.port}/${client.name}`;
  }
  const { code, seconds } = await pushed;
  if (code !== 0) return true;
  victim.usual = Math.min(usual, seconds * 1000);
  return false;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

function snapshotsOf({ vault }: Victim): string[] {
  return readdirSync(path.join(vault.repository, 'snapshots'));
}

async function lookAtAll(t: TestContext, { server, vault, source }: Victim): Promise<void> {
  await resticCheck(vault);
  const to = path.join(temporaryFolder(t, 'to'), 'restored');
  await server.cliOk(['restore', 'web1', 'latest', '--to', to]);
  assertSameTrees(to, source);
}

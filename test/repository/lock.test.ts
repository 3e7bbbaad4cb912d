import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RepositoryLock } from '../../src/repository/lock.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { Fixture } from './fixture.ts';

async function locks(repository: Repository): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of repository.backend.list('locks')) names.push(name);
  return names;
}

function foreignLock(repository: Repository, more: object): Promise<string> {
  const lock = { time: new Date().toISOString(), exclusive: true, hostname: 'elsewhere', username: 'u', pid: 1 };
  return repository.saveUnpacked('locks', JSON.stringify({ ...lock, ...more }));
}

const locked = { code: 'ERR_REPOSITORY_LOCKED' };

test('many may hold a lock together, one alone exclusively', async (t) => {
  const repository = await new Fixture(t).init();
  const a = await repository.lock({ exclusive: false });
  const b = await repository.lock({ exclusive: false });
  await assert.rejects(repository.lock({ exclusive: true }), locked);
  assert.equal((await locks(repository)).length, 2);
  await a.release();
  await b.release();
  const alone = await repository.lock({ exclusive: true });
  await assert.rejects(repository.lock({ exclusive: false }), locked);
  await assert.rejects(repository.lock({ exclusive: true }), locked);
  await alone.release();
  assert.deepEqual(await locks(repository), []);
});

test('of many who want it exclusively at once, at most one gets it, and none stays locked out', async (t) => {
  const repository = await new Fixture(t).init();
  const wants = Array.from({ length: 8 }, () => repository.lock({ exclusive: true }));
  const held = (await Promise.allSettled(wants)).filter((result) => result.status === 'fulfilled');
  assert(held.length <= 1);
  for (const { value } of held as PromiseFulfilledResult<RepositoryLock>[]) await value.release();
  await (await repository.lock({ exclusive: true })).release();
});

test('a refresh puts a new lock in the place of the old; release removes the newest', async (t) => {
  const repository = await new Fixture(t).init();
  const lock = await repository.lock({ exclusive: true });
  const before = await locks(repository);
  await lock.refresh();
  const after = await locks(repository);
  assert.equal(after.length, 1);
  assert.notDeepEqual(after, before);
  assert.equal(lock.lost, false);
  await lock.release();
  assert.deepEqual(await locks(repository), []);
});

test('a held lock writes itself anew every five minutes, and is lost when that fails for long', async (t) => {
  const fixture = new Fixture(t);
  const repository = await fixture.init();
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() });
  const lock = await repository.lock({ exclusive: false });
  const [first] = await locks(repository);
  t.mock.timers.tick(5 * 60_000);
  while ((await locks(repository)).includes(first)) await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await locks(repository)).length, 1);
  assert.equal(lock.lost, false);
  const { write } = fixture.backend;
  fixture.backend.write = () => Promise.reject(new Error('the disk is full'));
  t.mock.timers.tick(26 * 60_000);
  assert.equal(lock.lost, true);
  fixture.backend.write = write;
  await lock.release();
});

const LATE = 26 * 60_000;

test('a lock that was lost stays lost: a machine that slept does not go on writing', async (t) => {
  const repository = await new Fixture(t).init();
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const lock = await repository.lock({ exclusive: false });
  const before = await locks(repository);
  t.mock.timers.setTime(Date.now() + LATE);
  await lock.refresh();
  assert.deepEqual(await locks(repository), before);
  assert.equal(lock.lost, true);
  t.mock.timers.setTime(Date.now() - LATE);
  assert.equal(lock.lost, true);
  await lock.release();
  assert.deepEqual(await locks(repository), []);
});

test('a lock whose refresh took too long is lost, and leaves one file at most', async (t) => {
  const fixture = new Fixture(t);
  const repository = await fixture.init();
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const lock = await repository.lock({ exclusive: false });
  const write = fixture.backend.write.bind(fixture.backend);
  fixture.backend.write = async (type, name, bytes) => {
    await write(type, name, bytes);
    t.mock.timers.setTime(Date.now() + LATE);
  };
  await lock.refresh();
  assert.equal(lock.lost, true);
  assert.equal((await locks(repository)).length, 1);
  await lock.release();
  assert.deepEqual(await locks(repository), []);
});

test('a lock of another host counts until it is half an hour old', async (t) => {
  const repository = await new Fixture(t).init();
  const name = await foreignLock(repository, { time: new Date(Date.now() - 29 * 60_000).toISOString() });
  await assert.rejects(repository.lock({ exclusive: false }), { ...locked, message: /u@elsewhere \(pid 1\)/ });
  await repository.backend.remove('locks', name);
  await foreignLock(repository, { time: new Date(Date.now() - 31 * 60_000).toISOString() });
  await (await repository.lock({ exclusive: true })).release();
});

test('a lock of a dead process of this host is removed', async (t) => {
  const repository = await new Fixture(t).init();
  const { pid } = spawnSync('true');
  const name = await foreignLock(repository, { hostname: hostname(), pid });
  const lock = await repository.lock({ exclusive: true });
  assert(!(await locks(repository)).includes(name));
  await lock.release();
});

test('a lock of a process that is dead and not buried is removed, too', async (t) => {
  const repository = await new Fixture(t).init();
  // the child ends at once, and its parent does not ask for it
  const parent = spawn('perl', ['-e', 'my $pid = fork // die; exit unless $pid; $| = 1; print "$pid\\n"; sleep 60'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => parent.kill('SIGKILL'));
  const [printed] = await once(parent.stdout, 'data');
  const pid = Number(String(printed));
  const until = Date.now() + 5000;
  while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))) {
    assert.ok(Date.now() < until, `process ${pid} does not end`);
    await sleep(5);
  }
  const name = await foreignLock(repository, { hostname: hostname(), pid });
  const lock = await repository.lock({ exclusive: true });
  assert(!(await locks(repository)).includes(name));
  await lock.release();
});

test('a lock that cannot be read is in the way, and named', async (t) => {
  const repository = await new Fixture(t).init();
  for (const json of ['null', '{}', 'x'.repeat(100)]) {
    const name = await repository.saveUnpacked('locks', json);
    await assert.rejects(repository.lock({ exclusive: false }), { ...locked, message: new RegExp(name) });
    await repository.backend.remove('locks', name);
  }
});

test('restic respects our locks, and we respect its', async (t) => {
  const fixture = new Fixture(t);
  const repository = await fixture.init();
  const lock = await repository.lock({ exclusive: true });
  const refused = await fixture.restic(['check']);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, new RegExp(`already locked exclusively by PID ${process.pid} on ${hostname()}`));
  await lock.release();
  const shared = await repository.lock({ exclusive: false });
  await fixture.resticOk(['snapshots']);
  assert.notEqual((await fixture.restic(['prune'])).code, 0);
  await shared.release();
  await fixture.resticOk(['prune']);
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Lease, leaseHolder } from '../../src/vault/lease.ts';
import { projectFolder } from '../support/nightdrop.ts';
import { type Scope, temporaryFolder } from '../support/temporary.ts';

const leaseModule = path.join(projectFolder, 'src/vault/lease.ts');

/** A process that holds the lease until it is killed. */
async function holder(t: Scope, file: string) {
  const script = `import { Lease } from ${JSON.stringify(leaseModule)}; globalThis.held = await Lease.take(${JSON.stringify(file)}, 'a push from 10.0.0.7', 0); console.log('held'); setInterval(() => globalThis.held, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

const lease = (t: Scope) => path.join(temporaryFolder(t), 'lease.db');

test('one holds the lease, others are told who, and get it when it is released', async (t) => {
  const file = lease(t);
  const first = await Lease.take(file, 'a rebuild', 0);
  await assert.rejects(Lease.take(file, 'b', 0), {
    code: 'ERR_VAULT_BUSY',
    message: new RegExp(`in use by a rebuild \\(process ${process.pid}, for \\d+ s\\)`),
  });
  const waiting = Lease.take(file, 'c', 10);
  first.release();
  first.release();
  const second = await waiting;
  assert.equal(leaseHolder(file)?.what, 'c');
  second.release();
  assert.equal(leaseHolder(file), undefined);
});

test('a lease of another process ends when that is killed', async (t) => {
  const file = lease(t);
  const child = await holder(t, file);
  await assert.rejects(Lease.take(file, 'mine', 0.3), {
    message: new RegExp(`a push from 10.0.0.7 \\(process ${child.pid}`),
  });
  const waiting = Lease.take(file, 'mine', 10);
  child.kill('SIGKILL');
  (await waiting).release();
});

test('waiting can be given up', async (t) => {
  const file = lease(t);
  const first = await Lease.take(file, 'a', 0);
  const abort = new AbortController();
  const waiting = Lease.take(file, 'b', 60, abort.signal);
  abort.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
  first.release();
  (await Lease.take(file, 'c', 0)).release();
});

test("a note that is damaged, or was left by a dead process, is in nobody's way", async (t) => {
  const file = lease(t);
  writeFileSync(`${file}.holder`, '{"pid": 1, "wh');
  const held = await Lease.take(file, 'a', 0);
  assert.match(readFileSync(`${file}.holder`, 'utf8'), /"what":"a"/);
  writeFileSync(`${file}.holder`, 'x');
  await assert.rejects(Lease.take(file, 'b', 0), {
    code: 'ERR_VAULT_BUSY',
    message: /in use by another push or command/,
  });
  held.release();
});

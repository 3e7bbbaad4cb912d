import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { assertSameTrees } from '../support/compare-trees.ts';
import { isRoot } from '../support/make-tree.ts';
import { startNightdrop } from '../support/nightdrop.ts';
import { Random } from '../support/random.ts';
import { resticCheck } from '../support/restic.ts';
import { run, runOk } from '../support/run.ts';
import { type Scope, temporaryFolder } from '../support/temporary.ts';

const DISK = 64 << 20;

/** A file system of its own that is soon full. It goes after all that was hung on the scope later. */
async function smallDisk(scope: Scope): Promise<string> {
  const folder = temporaryFolder(scope, 'disk');
  await runOk('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', folder]);
  scope.after(() => run('umount', ['--lazy', folder]));
  return folder;
}

test('a full disk ends a push with one clear error; what was stored stays, and the next push goes on', {
  skip: isRoot ? false : 'only root may mount a small file system',
  timeout: 120_000,
}, async (t) => {
  const ends: (() => unknown)[] = [];
  const scope: Scope = { after: (end) => ends.unshift(end) };
  t.after(async () => {
    for (const end of ends) await end();
  });
  const disk = await smallDisk(scope);
  const server = await startNightdrop(scope, { data: path.join(disk, 'data') });
  const client = await server.addClient('web1');
  const vault = await server.vaultInfo('web1');
  const source = temporaryFolder(t, 'source');
  const random = new Random(11);
  writeFileSync(path.join(source, 'first'), random.bytes(4 << 20));
  const push = () => run('rsync', ['-a', `${source}/`, `${client.url}/`], { env: client.env });
  assert.equal((await push()).code, 0);

  mkdirSync(path.join(source, 'more'));
  for (let i = 0; i < 20; i++) writeFileSync(path.join(source, 'more', `f${i}`), random.bytes(5 << 20));
  const full = await push();
  assert.notEqual(full.code, 0);
  assert.ok(/the disk of the server is full/.test(full.stderr), `${full.stderr}\n${server.printed.slice(-3000)}`);
  const [stored] = await server.snapshots('web1');
  assert.equal(stored.complete, true);

  // another client is served all the same
  const list = await run('rsync', [`rsync://127.0.0.1:${server.port}/`]);
  assert.equal(list.code, 0, list.stderr);
  await runOk('mount', ['-o', `remount,size=${DISK * 4}`, disk]);
  await resticCheck(vault);
  const again = await push();
  assert.equal(again.code, 0, `${again.stderr}\n${server.printed.slice(-3000)}`);
  await resticCheck(vault);
  const to = path.join(temporaryFolder(t, 'to'), 'restored');
  await server.cliOk(['restore', 'web1', 'latest', '--to', to]);
  assertSameTrees(to, source);
  rmSync(to, { recursive: true });
  await server.cliOk(['restore', 'web1', String(stored.id), '--to', to]);
  assert.deepEqual((await run('ls', [to])).stdout, 'first\n');
});

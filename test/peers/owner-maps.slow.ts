import assert from 'node:assert/strict';
import { chownSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { isRoot, setfacl } from '../support/make-tree.ts';
import { startNightdrop } from '../support/nightdrop.ts';
import { assertSameOutput } from '../support/outputs.ts';
import { Pair } from '../support/pair.ts';
import { startStock } from '../support/rsyncd.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

const scope = fileScope();

/** Owners with and without a name on Debian, and a file with an ACL that names some of them. */
function makeSource(): string {
  const source = temporaryFolder(scope, 'source');
  mkdirSync(path.join(source, 'd'));
  for (const uid of [0, 1, 3, 33, 1000, 4711, 65534]) {
    for (const gid of [0, 33, 4712]) {
      const file = path.join(source, 'd', `f${uid}-${gid}`);
      writeFileSync(file, file);
      chownSync(file, uid, gid);
    }
  }
  setfacl(['-m', 'u:33:rw,u:4711:r,g:33:r,g:4712:rw', path.join(source, 'd/f0-0')]);
  for (const name of ['d', '.']) utimesSync(path.join(source, name), 1_600_000_000, 1_600_000_000);
  return source;
}

const cases: string[][] = [
  ['--usermap=*:www-data'],
  ['--chown=www-data:daemon', '--numeric-ids'],
  ['--chown=:33', '--no-inc-recursive'],
  ['--usermap=0-50:5000,www*:6000,:7000'],
  ['--usermap=0-50:5000,www*:6000,:7000', '--numeric-ids', '--no-inc-recursive'],
  ['--usermap=*a*:12,[r]oot:13,n?body:14', '--groupmap=0:99,33-5000:98', '--protocol=30'],
  ['--usermap=root:1', '--groupmap=root:2', '--protocol=29', '--no-acls'],
  ['--usermap=nosuch:3,1000-1:4,*:nobodyhere', '--groupmap=x:alsonot,*:44'],
];

test('--usermap, --groupmap and --chown give the owners that a stock daemon gives', { skip: !isRoot }, async (t) => {
  const server = await startNightdrop(t);
  const client = await server.addClient('web1');
  // in a chroot a stock daemon knows no names
  const lines = ['use chroot = no', 'munge symlinks = no', 'numeric ids = no'];
  const stock = await startStock(t, { module: 'web1', lines });
  const pair = new Pair(server, client, stock, temporaryFolder(t, 'scratch'));
  const source = makeSource();
  for (const args of cases) {
    assertSameOutput(await pair.push(['-rtogAi', ...args], [`${source}/`]));
    await pair.assertSame();
  }
});

test('a map that cannot be read ends the push before anything is stored', async (t) => {
  const server = await startNightdrop(t);
  const client = await server.addClient('web1');
  const stock = await startStock(t, { module: 'web1' });
  const pair = new Pair(server, client, stock, temporaryFolder(t, 'scratch'));
  const source = temporaryFolder(t, 'source');
  writeFileSync(path.join(source, 'file'), 'file\n');
  for (const map of ['a', ':', '1-:3', '1x:3', '99999999999:3']) {
    const { ours, stock: theirs } = await pair.push(['-a', `--usermap=${map}`], [`${source}/`]);
    assert.deepEqual([ours.code, theirs.code], [1, 1], map);
    assert.match(ours.stderr, /^ERROR: the option --usermap cannot be read: /, map);
  }
  assert.deepEqual(await server.snapshots('web1'), []);
});

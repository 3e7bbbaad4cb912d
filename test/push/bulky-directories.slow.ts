import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ByteWriter } from '../../src/rsync/bytes.ts';
import { createVault } from '../../src/vault/vault.ts';
import { endOfList, writeEntry } from '../rsync/flist-bytes.ts';
import { startPushServer } from '../support/push-server.ts';
import { run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { RawClient } from './raw-client.ts';

const ATTRIBUTES = 1000;
const SYMLINKS = 1500;
const MODE = 0o120777;

/** Symlinks that all have one list of attributes, which is sent once: some 50 KB that say 400 MB. */
function bulkyList(): Buffer {
  const writer = new ByteWriter();
  writeEntry(writer, { path: '.', mode: 0o40755, more: (w) => w.varint(0).varint(0) });
  for (let i = 0; i < SYMLINKS; i++) {
    writeEntry(writer, {
      path: `link${i}`,
      rest: (w) => {
        w.varlong(1, 3).varlong(1_700_000_000, 4).i32(MODE).varint(0).varint(0).varint(1).latin1('t');
        // after the empty list of the directory
        if (i > 0) {
          w.varint(2);
          return;
        }
        w.varint(0).varint(ATTRIBUTES);
        for (let k = 0; k < ATTRIBUTES; k++) {
          const name = `user.${k + ATTRIBUTES}\0`;
          w.varint(name.length).varint(1).latin1(name).u8(k);
        }
      },
    });
  }
  return endOfList(writer);
}

test('a directory of more than one can hold ends the push, and the vault still takes others', async (t) => {
  const folder = temporaryFolder(t, 'bulky');
  const { folder: vaultDir } = await createVault(path.join(folder, 'vault'), 'demo');
  const server = await startPushServer(t, { vaultDir, vault: 'demo' });
  const client = new RawClient(server.port, '-logDtprXe.LsfxCvu', '--numeric-ids');
  await client.say(bulkyList());
  await client.closed();
  await server.waitForReports(1);
  const [report] = server.reports;
  assert.match(report.error ?? '', /would hold more entries and attributes than one can/);
  assert.equal(report.defect, undefined);
  // what there was room for is in an incomplete snapshot
  assert.notEqual(report.snapshot, undefined);

  mkdirSync(path.join(folder, 'source'));
  writeFileSync(path.join(folder, 'source/file'), 'of a client that means well');
  for (const options of [['-a'], ['-a', '--delete']]) {
    const args = [...options, `${folder}/source/`, `rsync://127.0.0.1:${server.port}/demo/`];
    const { code, stderr } = await run('rsync', args);
    assert.equal(code, 0, stderr);
  }
});

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { ByteWriter } from '../../src/rsync/bytes.ts';
import { ItemFlag } from '../../src/rsync/iflags.ts';
import { NdxEncoder } from '../../src/rsync/ndx.ts';
import { createVault } from '../../src/vault/vault.ts';
import { endOfList, writeEntry } from '../rsync/flist-bytes.ts';
import { startPushServer } from '../support/push-server.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { RawClient } from './raw-client.ts';

const MODE = 0o120777;
const VALUE_BYTES = 16 << 20;
/** So many in a directory; 64 in all are a gibibyte, and more than one directory can hold. */
const SYMLINKS = 10;
const DIRECTORIES = 7;

test('the values of attributes that a push brings are bounded in all', async (t) => {
  const { folder: vaultDir } = await createVault(path.join(temporaryFolder(t, 'values'), 'vault'), 'demo');
  const server = await startPushServer(t, { vaultDir, vault: 'demo' });
  const client = new RawClient(server.port, '-logDtprXe.LsfxCvu', '--numeric-ids');
  const list = new ByteWriter();
  writeEntry(list, { path: '.', mode: 0o40755, more: (w) => w.varint(0).varint(0) });
  for (let i = 0; i < DIRECTORIES * SYMLINKS; i++) {
    const directory = `d${Math.floor(i / SYMLINKS)}`;
    if (i % SYMLINKS === 0) writeEntry(list, { path: directory, mode: 0o40755, more: (w) => w.varint(1) });
    writeEntry(list, {
      path: `${directory}/link${i + 100}`,
      rest: (w) => {
        w.varlong(1, 3).varlong(1_700_000_000, 4).i32(MODE).varint(0).varint(0).varint(1).latin1('t');
        // one attribute, of whose value only the length and an md5 are said
        w.varint(0).varint(1).varint(7).varint(VALUE_BYTES).latin1('user.x\0').put(Buffer.alloc(16, i));
      },
    });
  }
  await client.say(endOfList(list));
  await client.listen();
  const value = Buffer.alloc(VALUE_BYTES);
  const indices = new NdxEncoder(32);
  for (let i = 0; i < DIRECTORIES * SYMLINKS; i++) {
    const reply = new ByteWriter();
    // the root comes first, and each directory before what is in it
    indices.write(reply, 2 + i + Math.floor(i / SYMLINKS));
    reply.u16(ItemFlag.isNew | ItemFlag.localChange | ItemFlag.reportChange | ItemFlag.reportXattr);
    reply.varint(1).varint(VALUE_BYTES);
    await client.say(Buffer.concat([reply.take(), value, Buffer.from([0])]));
  }
  await client.closed();
  await server.waitForReports(1);
  assert.match(server.reports[0].error ?? '', /more values of extended attributes than there is room for/);
});

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { ByteWriter } from '../../src/rsync/bytes.ts';
import { MessageTag } from '../../src/rsync/mux.ts';
import { NdxEncoder } from '../../src/rsync/ndx.ts';
import { createVault } from '../../src/vault/vault.ts';
import { endOfList, writeEntry } from '../rsync/flist-bytes.ts';
import { startPushServer } from '../support/push-server.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { RawClient } from './raw-client.ts';

const FILE = 1;

test('a file whose reply has begun cannot be one that the client could not send as well', async (t) => {
  const { folder: vaultDir } = await createVault(path.join(temporaryFolder(t, 'twice'), 'vault'), 'demo');
  const server = await startPushServer(t, { vaultDir, vault: 'demo' });
  const client = new RawClient(server.port, '-logDtpre.LsfxCvu', '--numeric-ids');
  const list = new ByteWriter();
  writeEntry(list, { path: '.', mode: 0o40755 });
  writeEntry(list, { path: 'file' });
  await client.say(endOfList(list));
  await client.listen();
  // the item flags that come behind the index are still to come
  const reply = new ByteWriter();
  new NdxEncoder(32).write(reply, FILE);
  await client.say(reply.take());
  await client.listen();
  const index = Buffer.alloc(4);
  index.writeInt32LE(FILE);
  client.message(MessageTag.noSend, index);
  await client.closed();
  await server.waitForReports(1);
  assert.match(server.reports[0].error ?? '', /answers a request that was not made/);
});

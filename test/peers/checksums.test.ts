import { test } from 'node:test';
import { changeTree } from '../support/change-tree.ts';
import { makeTree } from '../support/make-tree.ts';
import { startPair } from '../support/pair.ts';
import { temporaryFolder } from '../support/temporary.ts';

for (const choice of ['xxh128', 'xxh3', 'xxh64', 'md5', 'md4', 'sha1']) {
  test(`a push and a delta with ${choice} checksums`, async (t) => {
    const pair = await startPair(t);
    const source = temporaryFolder(t, 'source');
    makeTree(source, { files: 20 });
    const options = ['-aHAX', `--checksum-choice=${choice}`];
    const first = await pair.push(options, [`${source}/`]);
    if (first.stock.code !== 0) {
      t.diagnostic(`stock itself refuses ${choice}: ${first.stock.stderr}`);
      return;
    }
    if (first.ours.code !== 0) throw new Error(first.ours.stderr);
    await pair.assertSame();
    changeTree(source);
    await pair.pushOk([...options, '--delete'], [`${source}/`]);
    await pair.assertSame();
  });
}

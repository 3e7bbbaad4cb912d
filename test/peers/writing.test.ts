import { test } from 'node:test';
import { changeTree } from '../support/change-tree.ts';
import { makeTree } from '../support/make-tree.ts';
import { startPair } from '../support/pair.ts';
import { resticCheck } from '../support/restic.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Options about how a receiver writes its files: to a store they mean little, the result must be stock's. */
for (const options of [
  ['--inplace'],
  ['--sparse'],
  ['--inplace', '--sparse'],
  ['--partial'],
  ['--bwlimit=20M'],
  ['--timeout=60'],
]) {
  test(`${options.join(' ')} leaves what stock leaves`, async (t) => {
    const pair = await startPair(t);
    const source = temporaryFolder(t, 'source');
    makeTree(source, { files: 20 });
    await pair.pushOk(['-aHAX', ...options], [`${source}/`]);
    await pair.assertSame();
    changeTree(source);
    await pair.pushOk(['-aHAX', '--delete', ...options], [`${source}/`]);
    await pair.assertSame();
    await resticCheck(await pair.server.vaultInfo('web1'));
  });
}

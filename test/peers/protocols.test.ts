import { test } from 'node:test';
import { changeTree } from '../support/change-tree.ts';
import { makeTree } from '../support/make-tree.ts';
import { startPair } from '../support/pair.ts';
import { resticCheck } from '../support/restic.ts';
import { temporaryFolder } from '../support/temporary.ts';

for (const options of [
  ['--protocol=30'],
  ['--protocol=31'],
  ['--protocol=32'],
  ['--no-inc-recursive'],
  ['--no-inc-recursive', '--protocol=30'],
  ['--protocol=30', '-z'],
  ['--protocol=31', '-z', '--checksum'],
]) {
  test(`${options.join(' ')}: two pushes leave what stock leaves`, async (t) => {
    const pair = await startPair(t);
    const source = temporaryFolder(t, 'source');
    makeTree(source);
    await pair.pushOk(['-aHAX', ...options], [`${source}/`]);
    await pair.assertSame();
    changeTree(source);
    await pair.pushOk(['-aHAX', '--delete', ...options], [`${source}/`]);
    await pair.assertSame();
    await resticCheck(await pair.server.vaultInfo('web1'));
  });
}

import { linkSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { changeTree } from '../support/change-tree.ts';
import { assertSameTrees } from '../support/compare-trees.ts';
import { makeTree } from '../support/make-tree.ts';
import { startPair } from '../support/pair.ts';
import { resticCheck } from '../support/restic.ts';
import { temporaryFolder } from '../support/temporary.ts';

test('--inplace --sparse leaves what stock leaves', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  makeTree(source, { files: 20 });
  const options = ['-aHAX', '--inplace', '--sparse'];
  await pair.pushOk(options, [`${source}/`]);
  await pair.assertSame();
  changeTree(source);
  // stock would write it through the links it had yesterday: the test below
  rmSync(path.join(source, 'links/hard-2'));
  await pair.pushOk([...options, '--delete'], [`${source}/`]);
  await pair.assertSame();
  await resticCheck(await pair.server.vaultInfo('web1'));
});

test('--inplace writes through no hard link of yesterday: the snapshot holds what the client has', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  const [one, other] = ['one', 'other'].map((name) => path.join(source, name));
  writeFileSync(one, 'the same content\n');
  linkSync(one, other);
  await pair.pushOk(['-aH'], [`${source}/`]);
  rmSync(other);
  writeFileSync(other, 'alone\n');
  utimesSync(other, 1_700_000_000, 1_700_000_000);
  await pair.pushOk(['-aH', '--inplace'], [`${source}/`]);
  assertSameTrees(await pair.restore(), source, { ignore: ['rootAttributes'] });
  assertSameTrees(await pair.resticRestore(), source, { ignore: ['rootAttributes'] });
});

import { test } from 'node:test';
import { changeTree } from '../support/change-tree.ts';
import type { Aspect } from '../support/compare-trees.ts';
import { makeTree } from '../support/make-tree.ts';
import { assertSameOutput } from '../support/outputs.ts';
import { startPair } from '../support/pair.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Sets of attributes asked for; `now` are those that then come from the clock of either server. */
const sets: { options: string[]; now?: Aspect[] }[] = [
  { options: ['-a'] },
  { options: ['-aH'] },
  { options: ['-aA'] },
  { options: ['-aX'] },
  { options: ['-aHAX', '--numeric-ids'] },
  { options: ['-r'], now: ['mtime'] },
  { options: ['-rl'], now: ['mtime'] },
  { options: ['-rlt'] },
  { options: ['-rlp'], now: ['mtime'] },
  { options: ['-rltE'] },
  { options: ['-a', '--no-p'] },
  { options: ['-a', '--no-t'], now: ['mtime'] },
  { options: ['-a', '--no-o', '--no-g'] },
  { options: ['-a', '-O'], now: ['dirMtime'] },
  { options: ['-a', '-J'], now: ['symlinkMtime'] },
  { options: ['-a', '--no-D'] },
  { options: ['-a', '--no-specials'] },
  { options: ['-a', '--chmod=D2750,F640'] },
];

for (const { options, now = [] } of sets) {
  test(`${options.join(' ')} twice, with changes between, leaves what stock leaves`, async (t) => {
    const pair = await startPair(t);
    const source = temporaryFolder(t, 'source');
    makeTree(source, { files: 20 });
    assertSameOutput(await pair.push([...options, '-i'], [`${source}/`]));
    await pair.assertSame({ ignore: now });
    changeTree(source);
    assertSameOutput(await pair.push([...options, '-i', '--delete'], [`${source}/`]));
    await pair.assertSame({ ignore: now });
  });
}

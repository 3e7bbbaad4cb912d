import { test } from 'node:test';
import { changeTree } from '../support/change-tree.ts';
import { makeTree } from '../support/make-tree.ts';
import { startPair } from '../support/pair.ts';
import { temporaryFolder } from '../support/temporary.ts';

for (const choice of ['zstd', 'lz4', 'zlibx', 'zlib', 'none']) {
  test(`whole files and deltas compressed with ${choice} arrive as they are`, async (t) => {
    const pair = await startPair(t);
    const source = temporaryFolder(t, 'source');
    makeTree(source, { shrink: 4 });
    await pair.pushOk(['-aHAX', '-z', `--compress-choice=${choice}`], [`${source}/`]);
    await pair.assertSame();
    changeTree(source, { shrink: 4 });
    await pair.pushOk(['-aHAX', '-z', `--compress-choice=${choice}`, '--delete'], [`${source}/`]);
    await pair.assertSame();
  });
}

test('-z alone, at several levels', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  makeTree(source, { shrink: 4 });
  for (const level of ['1', '6', '9']) {
    await pair.pushOk(['-aHAX', '-z', `--compress-level=${level}`, '--ignore-times'], [`${source}/`]);
    await pair.assertSame();
  }
});

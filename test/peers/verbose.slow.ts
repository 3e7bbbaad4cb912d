import assert from 'node:assert/strict';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { assertSameOutput } from '../support/outputs.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { type RshPair, startRshPair } from '../support/rsh.ts';
import { makeDay } from '../support/small-tree.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

const scope = fileScope();
/** The stock daemon beside us has no timeout either, of which a client would tell. */
const configure = (toml: string) => toml.replace(/#?io_timeout = .*/, 'io_timeout = 0');
let daemons: Pair;
let remote: RshPair;
let source: string;

before(async () => {
  [daemons, remote] = [await startPair(scope, { configure }), await startRshPair(scope, configure)];
  source = temporaryFolder(scope, 'source');
});

for (const args of [['-vv'], ['--info=name2', '-W'], ['-vvi', '--protocol=29'], ['-vvn', '--delete']]) {
  test(`${args.join(' ')}: a daemon says what its verbosity allows, a server over ssh all of it`, async () => {
    for (const day of [1, 2]) {
      makeDay(source, day);
      const options = ['-aH', ...args];
      assertSameOutput(await daemons.push(options, [`${source}/`]));
      const result = await remote.push([...options, '-e', remote.rsh], [`${source}/`]);
      assertSameOutput(result);
      if (day === 2 && args.join() === '-vv') assert.match(result.ours.stdout, /^quiet\/same is uptodate$/m);
    }
  });
}

test('--delete-before -i: a directory that lost something has another time when it is compared', async () => {
  const pair = await startPair(scope);
  const folder = temporaryFolder(scope, 'folder');
  mkdirSync(path.join(folder, 'in'));
  const goes = path.join(folder, 'in', 'goes');
  writeFileSync(goes, '');
  for (const isThere of [true, false]) {
    if (!isThere) rmSync(goes);
    for (const directory of [path.join(folder, 'in'), folder]) utimesSync(directory, 1e9, 1e9);
    const result = await pair.pushOk(['-aHi', '--delete-before'], [`${folder}/`]);
    assertSameOutput(result);
    assert.match(result.ours.stdout, isThere ? /cd\S+ in\/$/m : /^\.d\.\.t\S+ in\/$/m);
  }
  await pair.assertSame();
});

import assert from 'node:assert/strict';
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

for (const args of [
  ['-vv'],
  ['-vv', '-W'],
  ['--info=name2'],
  ['-vvi'],
  ['-vv', '--protocol=29'],
  ['-vvn', '--delete'],
]) {
  test(`${args.join(' ')}: a daemon says what its verbosity allows, a server over ssh all of it`, async () => {
    for (const day of [1, 2, 2]) {
      makeDay(source, day);
      const options = ['-aH', ...args];
      assertSameOutput(await daemons.push(options, [`${source}/`]));
      const result = await remote.push([...options, '-e', remote.rsh], [`${source}/`]);
      assertSameOutput(result);
      if (day === 2 && args.join() === '-vv') assert.match(result.ours.stdout, /^quiet\/same is uptodate$/m);
    }
  });
}

import assert from 'node:assert/strict';
import { chmodSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { changeTree } from '../support/change-tree.ts';
import { makeTree } from '../support/make-tree.ts';
import { steadyLines } from '../support/outputs.ts';
import { type Pair, type PairResult, startPair } from '../support/pair.ts';
import { run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Below the floor no checksum is confirmed, so --checksum would send small files again. */
const configure = (toml: string) => toml.replace('#reveal_floor = 1024', 'reveal_floor = 0');

/** Before protocol 29 a stock server leaves out the names of what -i shows as deleted. */
const lines = (stdout: string) =>
  steadyLines(stdout)
    .map((line) => line.replace(/^\*deleting .*/, '*deleting'))
    .sort()
    .join('\n');

/** Before protocol 29 most lines are the server's, and come among the client's own as chance has it. */
function assertSameLines({ ours, stock }: PairResult): void {
  assert.equal(ours.code, stock.code, `exit codes differ: ${ours.stderr} / ${stock.stderr}`);
  assert.equal(lines(ours.stdout), lines(stock.stdout));
  assert.equal(lines(ours.stderr), lines(stock.stderr));
}

async function twoPushes(pair: Pair, source: string, args: string[]): Promise<void> {
  makeTree(source, { files: 20, shrink: 8, acls: false, xattrs: false });
  assertSameLines(await pair.push(args, ['./'], '', { cwd: source }));
  await pair.assertSame();
  changeTree(source, { shrink: 8, acls: false, xattrs: false });
  assertSameLines(await pair.push(args, ['./'], '', { cwd: source }));
  await pair.assertSame();
}

for (const [protocol, ...options] of [
  ['29', '-ii', '-z', '--checksum', '--delete-during'],
  ['28', '-v', '--stats', '--delete-excluded', '--exclude=plain'],
  ['27', '-vv', '-R'],
]) {
  test(`--protocol=${protocol} ${options.join(' ')}: two pushes leave what stock leaves`, async (t) => {
    const pair = await startPair(t, { configure });
    const args = ['-aH', '--delete', `--protocol=${protocol}`, ...options];
    await twoPushes(pair, temporaryFolder(t, 'source'), args);
  });
}

for (const protocol of [27, 29]) {
  test(`--protocol=${protocol}: a file that the client cannot read is passed over, exit code 23`, async (t) => {
    const pair = await startPair(t);
    const source = temporaryFolder(t, 'source');
    chmodSync(source, 0o755);
    for (const name of ['a', 'b', 'c']) writeFileSync(path.join(source, name), name.repeat(3000));
    chmodSync(path.join(source, 'b'), 0);
    utimesSync(source, 1e9, 1e9);
    const nobody = process.getuid!() === 0 ? ['setpriv', '--reuid=65534', '--clear-groups'] : [];
    const push = (url: string, env = {}) => {
      const [command, ...args] = [...nobody, 'rsync', '-rt', `--protocol=${protocol}`, '-v', `${source}/`, `${url}/`];
      return run(command, args, { env });
    };
    const result = { ours: await push(pair.client.url, pair.client.env), stock: await push(pair.stock.url) };
    assertSameLines(result);
    assert.equal(result.ours.code, 23);
    await pair.assertSame();
  });
}

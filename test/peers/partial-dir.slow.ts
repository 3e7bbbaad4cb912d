import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { assertSameTrees } from '../support/compare-trees.ts';
import { cutter } from '../support/cutter.ts';
import { startNightdrop } from '../support/nightdrop.ts';
import { assertSameOutput, statistic } from '../support/outputs.ts';
import { type Pair, type PairResult, startPair } from '../support/pair.ts';
import { Random } from '../support/random.ts';
import { resticCheck } from '../support/restic.ts';
import { type RunResult, run, runOk } from '../support/run.ts';
import { makeDay } from '../support/small-tree.ts';
import { type Scope, temporaryFolder } from '../support/temporary.ts';

const SIZE = 3 << 20;
const OLD = { ignore: ['rootAttributes' as const] };

/** After a cut push: a stock receiver has left the moment's time to the directory in which it was writing. */
function assertSameFiles({ ours, stock }: PairResult): void {
  const files = ({ stdout, ...result }: RunResult) => ({ ...result, stdout: stdout.replace(/^\.d\.\.t.*\n/gm, '') });
  assertSameOutput({ ours: files(ours), stock: files(stock) });
}

/** A pair whose clients' connections end in the middle of a large file. */
class CutPair {
  readonly pair: Pair;
  private readonly cutters: Awaited<ReturnType<typeof cutter>>[];

  private constructor(pair: Pair, cutters: Awaited<ReturnType<typeof cutter>>[]) {
    this.pair = pair;
    this.cutters = cutters;
  }

  static async start(t: Scope): Promise<CutPair> {
    const pair = await startPair(t);
    return new CutPair(pair, [await cutter(t, pair.server.port), await cutter(t, pair.stock.port)]);
  }

  /** A push to both that ends after so many bytes. */
  async cut(bytes: number, args: string[], source: string): Promise<void> {
    const { client } = this.pair;
    for (const [i, { port, limit }] of this.cutters.entries()) {
      limit.up = bytes;
      const user = i === 0 ? 'web1@' : '';
      const { code } = await run('rsync', [...args, source, `rsync://${user}127.0.0.1:${port}/web1/`], {
        env: client.env,
      });
      assert.notEqual(code, 0);
      limit.up = Number.POSITIVE_INFINITY;
    }
  }

  /** What is at a path now, in ours and at stock, once both have ended their work of the cut push. */
  async both(name: string, snapshots: number): Promise<Buffer[]> {
    const all = await this.pair.server.waitForSnapshots('web1', snapshots);
    const restored = await this.pair.restore(String(all.at(-1)!.id));
    const stock = path.join(this.pair.stock.folder, name);
    for (let i = 0; !fs.existsSync(stock) && i < 200; i++) await new Promise((resolve) => setTimeout(resolve, 50));
    return [path.join(restored, name), stock].map((file) => {
      if (!fs.existsSync(file))
        throw new Error(`${file} is missing: ${fs.readdirSync(path.dirname(path.dirname(file)))}`);
      return fs.readFileSync(file);
    });
  }
}

for (const { dir, part } of [
  { dir: '.part', part: 'd/.part/large' },
  { dir: '/parts', part: 'parts/large' },
]) {
  test(`--partial-dir=${dir} holds what came of a file, and the next push goes on from it`, async (t) => {
    const cuts = await CutPair.start(t);
    const { pair } = cuts;
    const source = temporaryFolder(t, 'source');
    fs.mkdirSync(path.join(source, 'd'));
    fs.mkdirSync(path.join(source, 'parts'));
    const content = new Random(1).bytes(SIZE);
    const file = path.join(source, 'd/large');
    fs.writeFileSync(file, 'as it was\n');
    await pair.pushOk(['-a'], [`${source}/`]);
    fs.writeFileSync(file, content, { mode: 0o640 });
    fs.utimesSync(file, 1_700_000_000, 1_700_000_000);
    const args = ['-aX', `--partial-dir=${dir}`];
    await cuts.cut(SIZE / 2, args, `${source}/`);
    for (const held of await cuts.both(part, 2)) {
      assert.ok(held.length > SIZE / 4 && held.length < SIZE, `${held.length} bytes`);
      assert.ok(held.equals(content.subarray(0, held.length)));
    }
    // what came on top of it is not shown, but remembered
    await cuts.cut(SIZE / 4, args, `${source}/`);
    await pair.server.waitForSnapshots('web1', 2);
    const result = await pair.push([...args, '-i', '--stats'], [`${source}/`]);
    assertSameFiles(result);
    const literal = statistic(result.ours.stdout, 'Literal data');
    assert.ok(literal < SIZE * 0.45, `${literal} of ${SIZE} bytes came again`);
    await pair.assertSame();
    await resticCheck(await pair.server.vaultInfo('web1'));
  });
}

test('a part that is not needed any more goes', async (t) => {
  const cuts = await CutPair.start(t);
  const { pair } = cuts;
  const source = temporaryFolder(t, 'source');
  const file = path.join(source, 'large');
  fs.writeFileSync(file, 'as it was\n');
  fs.utimesSync(file, 1_700_000_000, 1_700_000_000);
  await pair.pushOk(['-a'], [`${source}/`]);
  fs.writeFileSync(file, new Random(1).bytes(SIZE));
  await cuts.cut(SIZE / 2, ['-a', '--partial-dir=.part'], `${source}/`);
  await cuts.both('.part/large', 2);
  fs.writeFileSync(file, 'as it was\n');
  fs.utimesSync(file, 1_700_000_000, 1_700_000_000);
  assertSameFiles(await pair.push(['-a', '-i', '--delete', '--partial-dir=.part'], [`${source}/`]));
  await pair.assertSame();
});

test('--delay-updates, day after day, leaves and says what stock leaves and says', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  makeDay(source, 0);
  await pair.pushOk(['-aHAX'], [`${source}/`]);
  for (const [i, options] of [
    [],
    ['--delete', '--partial-dir=.later'],
    ['--delete-after', '-b'],
    ['--delete-delay', '--protocol=31', '--backup-dir=/old', '--exclude=/old'],
    ['--delete-before', '--exclude=/old'],
    ['-n', '--delete'],
  ].entries()) {
    t.diagnostic(options.join(' '));
    makeDay(source, i + 1);
    const result = await pair.push(['-aHAX', '-i', '--stats', '--delay-updates', ...options], [`${source}/`]);
    assertSameOutput(result);
    await pair.assertSame(OLD);
  }
  await resticCheck(await pair.server.vaultInfo('web1'));
});

test('before protocol 30 --delay-updates leaves what stock leaves', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  for (const [i, protocol] of [29, 28].entries()) {
    makeDay(source, i);
    const result = await pair.push(['-aH', `--protocol=${protocol}`, '--delay-updates', '--delete'], [`${source}/`]);
    assertSameOutput(result);
    await pair.assertSame(OLD);
  }
});

test('a cut push with --delay-updates has changed nothing yet; what had come waits for the next', async (t) => {
  const cuts = await CutPair.start(t);
  const { pair } = cuts;
  const source = temporaryFolder(t, 'source');
  const at = (name: string) => path.join(source, name);
  fs.writeFileSync(at('a-first'), 'old\n');
  fs.writeFileSync(at('b-large'), 'old\n');
  await pair.pushOk(['-aH'], [`${source}/`]);
  const first = new Random(1).bytes(100_000);
  fs.writeFileSync(at('a-first'), first);
  fs.writeFileSync(at('b-large'), new Random(2).bytes(SIZE));
  fs.linkSync(at('b-large'), at('c-linked'));
  const args = ['-aH', '--delay-updates'];
  await cuts.cut(SIZE / 2, args, `${source}/`);
  for (const held of await cuts.both('.~tmp~/a-first', 2)) assert.ok(held.equals(first));
  for (const held of await cuts.both('.~tmp~/b-large', 2)) assert.ok(held.length > SIZE / 4);
  for (const held of await cuts.both('a-first', 2)) assert.equal(held.toString(), 'old\n');
  const result = await pair.push([...args, '-i', '--stats', '--delete'], [`${source}/`]);
  assertSameFiles(result);
  const literal = statistic(result.ours.stdout, 'Literal data');
  assert.ok(literal < SIZE * 0.75, `${literal} of ${SIZE} bytes came again`);
  await pair.assertSame();
});

test('an absolute --partial-dir keeps files of one name in different directories apart', async (t) => {
  const server = await startNightdrop(t);
  const client = await server.addClient('web1');
  const source = temporaryFolder(t, 'source');
  for (const name of ['a', 'b', 'parts']) fs.mkdirSync(path.join(source, name));
  for (const name of ['a', 'b']) fs.writeFileSync(path.join(source, name, 'file'), `in ${name}\n`);
  const args = ['-a', '--delay-updates', '--partial-dir=/parts', `${source}/`, `${client.url}/`];
  await runOk('rsync', args, { env: client.env });
  for (const name of ['a', 'b']) fs.writeFileSync(path.join(source, name, 'file'), `changed in ${name}\n`);
  await runOk('rsync', args, { env: client.env });
  const to = path.join(temporaryFolder(t, 'to'), 'restored');
  await server.cliOk(['restore', 'web1', 'latest', '--to', to]);
  assertSameTrees(to, source, { ignore: ['dirMtime'] });
});

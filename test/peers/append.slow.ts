import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startNightdrop } from '../support/nightdrop.ts';
import { assertSameOutput, statistic, steadyLines } from '../support/outputs.ts';
import { startPair } from '../support/pair.ts';
import { Random } from '../support/random.ts';
import { resticCheck } from '../support/restic.ts';
import { type RunResult, runOk } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Files that were pushed before, and what has become of them. */
function makeOld(at: (name: string) => string): void {
  const random = new Random(1);
  fs.writeFileSync(at('grown'), random.text(400_000));
  fs.writeFileSync(at('grown-small'), random.text(300));
  fs.writeFileSync(at('grown-empty'), '');
  fs.writeFileSync(at('blocks'), random.bytes(262_144));
  fs.writeFileSync(at('shorter'), random.text(5000));
  fs.writeFileSync(at('same-size'), random.text(5000));
  fs.writeFileSync(at('same'), random.text(5000));
  fs.writeFileSync(at('link'), random.text(3000));
  fs.linkSync(at('link'), at('link-too'));
  for (const name of fs.readdirSync(at(''))) fs.utimesSync(at(name), 1_700_000_000, 1_700_000_000);
}

function makeNew(at: (name: string) => string, day: number): void {
  const random = new Random(1 + day);
  for (const name of ['grown', 'grown-small', 'grown-empty', 'blocks', 'link'])
    fs.appendFileSync(at(name), random.text(2000));
  fs.truncateSync(at('shorter'), 4000 - day);
  fs.writeFileSync(at('same-size'), random.text(5000));
  fs.writeFileSync(at(`new-${day}`), random.text(5000));
  for (const name of ['', ...fs.readdirSync(at(''))])
    if (name !== 'same') fs.utimesSync(at(name), 1_700_000_000 + day, 1_700_000_000 + day);
}

test('--append and --append-verify, day after day, leave and say what stock leaves and says', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  const at = (name: string) => path.join(source, name);
  makeOld(at);
  await pair.pushOk(['-aH'], [`${source}/`]);
  const days = [
    ['--append-verify'],
    ['--append'],
    ['--append-verify', '-z', '--protocol=30', '-b'],
    ['--append', '--protocol=29'],
    ['--append-verify', '-c', '--backup-dir=/old'],
    ['--append-verify', '-n'],
  ];
  for (const [i, options] of days.entries()) {
    t.diagnostic(options.join(' '));
    makeNew(at, i + 1);
    const result = await pair.push(['-aH', '-i', '--stats', ...options], [`${source}/`]);
    assertSameOutput(result);
    if (i % 2 === 1) await pair.assertSame({ ignore: ['rootAttributes'] });
    if (!options.includes('--append-verify') || options.includes('-n')) continue;
    const literal = statistic(result.ours.stdout, 'Literal data');
    assert.ok(literal < 30_000, `${literal} literal bytes for ${options.join(' ')}`);
  }
  await resticCheck(await pair.server.vaultInfo('web1'));
});

test('what does not begin with the stored file is sent once more, as at stock', async (t) => {
  const pair = await startPair(t);
  const source = temporaryFolder(t, 'source');
  const at = (name: string) => path.join(source, name);
  const content = new Random(3).text(300_000);
  fs.writeFileSync(at('file'), content);
  await pair.pushOk(['-a'], [`${source}/`]);
  content.write('another beginning');
  fs.writeFileSync(at('file'), content);
  fs.appendFileSync(at('file'), 'and more');
  fs.utimesSync(at('file'), 1_700_000_000, 1_700_000_000);
  const result = await pair.push(['-a', '-i', '--stats', '--append-verify'], [`${source}/`]);
  assertSameOutput(result);
  assert.match(result.ours.stdout + result.ours.stderr, /failed verification -- update retained \(will try again\)/);
  const literal = statistic(result.ours.stdout, 'Literal data');
  assert.ok(literal < 50_000, `${literal} literal bytes where block sums were there`);
  await pair.assertSame();
});

test('a file that its client may learn no sums of comes whole: a guess of it is neither confirmed nor denied', async (t) => {
  for (const [was, is] of [
    ['#reveal = "checksums"', 'reveal = "nothing"'],
    ['#reveal_floor = 1024', 'reveal_floor = 1000000'],
  ]) {
    const server = await startNightdrop(t, { configure: (toml) => toml.replace(was, is) });
    const client = await server.addClient('web1');
    const source = temporaryFolder(t, 'source');
    const file = path.join(source, 'file');
    const push = (content: Buffer) => {
      fs.writeFileSync(file, content);
      fs.utimesSync(file, content.length, content.length);
      const args = ['-a', '-i', '--stats', '--append-verify', `${source}/`, `${client.url}/`];
      return runOk('rsync', args, { env: client.env });
    };
    const stored = new Random(3).text(20_000);
    await push(stored);
    const right = await push(Buffer.concat([stored, Buffer.from('1')]));
    const wrong = await push(Buffer.concat([new Random(4).text(20_001), Buffer.from('2')]));
    assert.equal(statistic(right.stdout, 'Literal data'), 20_001);
    assert.equal(statistic(wrong.stdout, 'Literal data'), 20_002);
    const shown = ({ stdout }: RunResult) => steadyLines(stdout).map((line) => line.replaceAll(/20,00\d/g, 'SIZE'));
    assert.deepEqual(shown(wrong), shown(right));
  }
});

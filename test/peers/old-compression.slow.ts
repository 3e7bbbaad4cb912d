import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { statistic } from '../support/outputs.ts';
import { startPair } from '../support/pair.ts';
import { Random } from '../support/random.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Text of which any 32 KiB have something in common with the next. */
function text(random: Random, bytes: number): Buffer {
  const words = Array.from({ length: 300 }, () => random.bytes(3 + random.below(9)).toString('base64'));
  const lines: string[] = [];
  for (let length = 0; length < bytes; length += lines.at(-1)!.length)
    lines.push(`${Array.from({ length: 8 }, () => words[random.below(words.length)]).join(' ')}\n`);
  return Buffer.from(lines.join(''));
}

/** Literals right behind matches, so that they refer to what was matched. */
function edit(random: Random, content: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < content.length; ) {
    const kept = 1 + random.below(200_000);
    parts.push(content.subarray(at, at + kept));
    const from = Math.max(0, at + kept - random.below(30_000) - 1);
    parts.push(Buffer.from('+'), content.subarray(from, from + random.below(5000)));
    at += kept + random.below(3000);
  }
  return Buffer.concat(parts);
}

for (const options of [['--old-compress'], ['-z', '--protocol=30'], ['-z', '--protocol=27', '--compress-level=9']]) {
  test(`zlib, ${options.join(' ')}: matched data enters the dictionary, and is not sent again`, async (t) => {
    const random = new Random(options.length);
    const pair = await startPair(t, {
      configure: (toml) => toml.replace('#zlib_deltas = false', 'zlib_deltas = true'),
    });
    const source = temporaryFolder(t, 'source');
    const large = path.join(source, 'large');
    writeFileSync(large, text(random, 3_000_000));
    writeFileSync(path.join(source, 'medium'), text(random, 70_000));
    await pair.pushOk(['-a', ...options], [`${source}/`]);
    for (let night = 0; night < 2; night++) {
      for (const name of ['large', 'medium']) {
        const file = path.join(source, name);
        writeFileSync(file, edit(random, readFileSync(file)));
        utimesSync(file, 1e9 + night, 1e9 + night);
      }
      copyFileSync(large, path.join(source, `copy-${night}`));
      const { ours } = await pair.pushOk(['-a', '--stats', ...options], [`${source}/`]);
      assert.doesNotMatch(ours.stdout + ours.stderr, /verification/, 'a file had to be sent again');
      assert.ok(statistic(ours.stdout, 'Matched data') > 2_000_000, ours.stdout);
      await pair.assertSame();
    }
  });
}

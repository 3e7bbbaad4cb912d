import {
  appendFileSync,
  chmodSync,
  linkSync,
  lutimesSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { changeTree } from '../support/change-tree.ts';
import { makeTree } from '../support/make-tree.ts';
import { assertSameOutput } from '../support/outputs.ts';
import { startPair } from '../support/pair.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** stock compares small files too */
const noFloor = { configure: (toml: string) => toml.replace('#reveal_floor = 1024', 'reveal_floor = 0') };

for (const kind of ['link', 'copy', 'compare']) {
  test(`--${kind}-dest: days in a row end as with stock`, async (t) => {
    const pair = await startPair(t, noFloor);
    const source = temporaryFolder(t, 'source');
    makeTree(source, { files: 10, shrink: 8 });
    // stock loses the attributes of a symlink that is equal elsewhere
    rmSync(path.join(source, 'xattrs', 'symlink'));
    const option = (day: number) => `--${kind}-dest=../day${day}`;
    const push = async (sub: string, ...args: string[]) => {
      assertSameOutput(await pair.push(['-aHAX', '--stats', ...args], [`${source}/`], sub));
    };
    await push('day1/');
    await push('day2/', '-v', '-i', option(1));
    changeTree(source, { shrink: 8 });
    // stock's dry run fails to copy attributes to directories that it only pretends to make
    await push('day3/', '-n', '-i', '--no-xattrs', option(2));
    await push('day3/', '-i', option(2));
    await push('day4/', '-ii', option(3), option(1));
    changeMore(source);
    await push('day4/', '-ii', '--delete', option(3), option(1));
    await push('day5/', '-i', '--checksum', option(4));
    await push('day6/', '-i', '--ignore-times', option(4));
    await pair.assertSame();
  });
}

/** Some files back to what they were, some attributes and contents changed, links made and broken. */
function changeMore(source: string): void {
  const inside = (...names: string[]) => path.join(source, ...names);
  chmodSync(inside('modes', 'file-444'), 0o400);
  chmodSync(inside('modes', 'dir-755'), 0o711);
  appendFileSync(inside('sizes', 'random-2M'), 'more');
  writeFileSync(inside('sizes', 'random-1025'), 'other\n');
  utimesSync(inside('sizes', 'random-700'), 1_500_000_000, 1_500_000_000);
  lutimesSync(inside('links', 'dangling'), 1_500_000_000, 1_500_000_000);
  linkSync(inside('sizes', 'random-2M'), inside('links', 'late-hard'));
  unlinkSync(inside('links', 'hard-1'));
  rmSync(inside('names'), { recursive: true });
}

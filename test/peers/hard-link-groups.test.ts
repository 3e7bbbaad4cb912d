import { linkSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { assertSameOutput } from '../support/outputs.ts';
import { startPair } from '../support/pair.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

const scope = fileScope();

/** A folder in which all of `names` are one file. */
function linkedFiles(names: string[], content: string, time: number): string {
  const folder = temporaryFolder(scope, 'links');
  const [first, ...others] = names.map((name) => path.join(folder, name));
  for (const file of [first, ...others]) mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(first, content);
  utimesSync(first, time, time);
  for (const other of others) linkSync(first, other);
  return folder;
}

const old = (names: string[]): string => {
  const folder = temporaryFolder(scope, 'old');
  for (const name of names) {
    writeFileSync(path.join(folder, name), `old ${name}`);
    utimesSync(path.join(folder, name), 1_500_000_000, 1_500_000_000);
  }
  return folder;
};

test('what is passed over of a hard-link group leaves the others linked, as at stock', async () => {
  const pair = await startPair(scope);
  const below = old([]);
  symlinkSync('nowhere', path.join(below, 'a'));
  const cases: [before: string, names: string[], option: string][] = [
    [below, ['a', 'newdir/b'], '--existing'],
    [old(['a', 'c']), ['a', 'b', 'c'], '--existing'],
    [old(['b', 'c']), ['a', 'b', 'c', 'd'], '--ignore-existing'],
    [old(['a']), ['a', 'b', 'c'], '--existing'],
  ];
  for (const [i, [before, names, option]] of cases.entries()) {
    await pair.pushOk(['-a'], [`${before}/`], `case-${i}/`);
    const source = linkedFiles(names, 'new content\n', 1_600_000_000);
    const result = await pair.push(['-aHi', '--stats', option], [`${source}/`], `case-${i}/`, { timeout: 60 });
    assertSameOutput(result);
  }
  await pair.assertSame({ ignore: ['rootAttributes'] });
});

test('a file does not take the place of a directory of backups that came while it was on its way', async () => {
  const pair = await startPair(scope);
  const source = temporaryFolder(scope, 'source');
  writeFileSync(path.join(source, 'a'), 'as it was');
  await pair.pushOk(['-a'], [`${source}/`]);
  rmSync(path.join(source, 'a'));
  writeFileSync(path.join(source, 'a'), 'as it is now');
  writeFileSync(path.join(source, 'bk'), 'a file');
  const { ours, stock } = await pair.push(['-a', '--backup', '--backup-dir=bk'], [`${source}/`]);
  if (ours.code !== stock.code) throw new Error(`exit code ${ours.code}, stock ${stock.code}: ${ours.stderr}`);
  await pair.assertSame({ ignore: ['rootAttributes', 'mtime', 'dirMtime'] });
});

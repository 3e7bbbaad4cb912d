import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { assertSameTrees } from '../support/compare-trees.ts';
import { steadyLines } from '../support/outputs.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { type RunResult, run } from '../support/run.ts';
import { fileScope, temporaryFolder } from '../support/temporary.ts';

/** Options that decide what of the client's list is taken, and what the client does with its own files. */
const scope = fileScope();
let pair: Pair;
let folder: string;

before(async () => {
  // stock compares small files too
  pair = await startPair(scope, { configure: (toml) => toml.replace('#reveal_floor = 1024', 'reveal_floor = 0') });
  folder = temporaryFolder(scope, 'list-options');
  makeSource(path.join(folder, 'warm-up'));
  // the module's own time is then the source's in both
  await pair.pushOk(['-a'], [`${path.join(folder, 'warm-up')}/`]);
});

function makeSource(root: string, change?: (root: string) => void): void {
  mkdirSync(path.join(root, 'd/e'), { recursive: true });
  mkdirSync(path.join(root, 'empty/x/y'), { recursive: true });
  mkdirSync(path.join(root, 'keep/x'), { recursive: true });
  writeFileSync(path.join(root, 'small'), 'a');
  writeFileSync(path.join(root, 'big'), 'b'.repeat(5000));
  writeFileSync(path.join(root, 'd/e/f'), 'f');
  symlinkSync('../../x', path.join(root, 'd/l'));
  symlinkSync('small', path.join(root, 'l2'));
  execFileSync('mkfifo', [path.join(root, 'fifo')]);
  execFileSync('ln', [path.join(root, 'big'), path.join(root, 'd/hard')]);
  change?.(root);
  stamp(root);
}

function stamp(root: string): void {
  execFileSync('find', [root, '-depth', '-exec', 'touch', '-h', '-d', '2024-01-02 03:04:05', '{}', '+']);
}

interface Case {
  args: string[];
  sources?: string[];
  sub?: string;
  change?: (root: string) => void;
}

/** Both get the same push, each from a copy of its own; they say the same, and leave the same at the client. */
async function same({
  args,
  sources = ['./'],
  sub = '',
  change,
}: Case): Promise<{ ours: RunResult; stock: RunResult }> {
  const results: RunResult[] = [];
  const roots = ['ours', 'stock'].map((who) => path.join(folder, who));
  rmSync(path.join(folder, 'source'), { recursive: true, force: true });
  makeSource(path.join(folder, 'source'), change);
  for (const [i, url] of [pair.client.url, pair.stock.url].entries()) {
    rmSync(roots[i], { recursive: true, force: true });
    execFileSync('cp', ['-a', path.join(folder, 'source'), roots[i]]);
    stamp(roots[i]);
    const env = i === 0 ? pair.client.env : {};
    results.push(await run('rsync', [...args, ...sources, `${url}/${sub}`], { cwd: roots[i], env }));
  }
  const [ours, stock] = results;
  const title = args.join(' ');
  assert.equal(ours.code, stock.code, `${title}: ${ours.stderr} / ${stock.stderr}`);
  assert.deepEqual(said(ours.stdout), said(stock.stdout), title);
  assert.deepEqual(said(ours.stderr), said(stock.stderr), title);
  assertSameTrees(roots[0], roots[1], { ignore: ['dirMtime'] });
  return { ours, stock };
}

/** Without incremental recursion, which nightdrop leaves out with --remove-source-files, the client begins in other words. */
function said(output: string): string[] {
  return steadyLines(output)

    .map((line) => line.replace('building file list ... done', 'sending incremental file list'))
    .map((line) => line.replaceAll(`${folder}/ours/`, `${folder}/stock/`))
    .filter((line) => !/^(opening tcp connection|sending daemon args|Setting --timeout)/.test(line))
    .sort();
}

const turnTypes = (root: string) => {
  rmSync(path.join(root, 'd'), { recursive: true });
  writeFileSync(path.join(root, 'd'), 'was a directory\n');
  rmSync(path.join(root, 'small'));
  mkdirSync(path.join(root, 'small'));
  writeFileSync(path.join(root, 'small/inside'), 'was a file\n');
};
const without =
  (...names: string[]) =>
  (root: string) => {
    for (const name of names) rmSync(path.join(root, name), { recursive: true });
  };

const cases: Record<string, Case[]> = {
  'sizes and links': [
    { args: ['-aHi', '--max-size=100'], sub: 'sizes/' },
    { args: ['-aHi', '--min-size=2K', '--max-size=1M'], sub: 'sizes/' },
    { args: ['-av', '--safe-links'], sub: 'safe/' },
  ],
  '--prune-empty-dirs': [
    { args: ['-aHvm'], sub: 'prune/' },
    { args: ['-aHvi'], sub: 'prune/' },
    { args: ['-aHvm', '--delete', '--filter=P /empty/x/'], sub: 'prune/' },
    { args: ['-aHvm', '--delete-after', '--exclude=f', '--protocol=30'], sub: 'prune/' },
  ],
  'missing arguments': [
    { args: ['-avi', '--delete-missing-args'], sources: ['small', 'nowhere', 'fifo', 'd'], change: without('fifo') },
    { args: ['-avi', '--delete-missing-args'], sources: ['small', 'empty', 'd'], change: without('empty') },
    { args: ['-avi', '--delete-missing-args', '--force'], sources: ['l2', 'empty'], change: without('empty') },
    { args: ['-avin', '--delete-missing-args', '--delete'], sources: ['l2', 'keep', 'd'], change: without('keep') },
    { args: ['-avi', '--ignore-missing-args'], sources: ['small', 'nowhere'] },
  ],
  'what is listed': [
    { args: ['-av', '--delete', '--list-only'] },
    { args: ['-aU', '--list-only', '-m'] },
    { args: ['-rvi', '--list-only', '-R', '--no-implied-dirs'], sources: ['d/e/f'] },
    { args: ['-avi', '-R', '--no-implied-dirs'], sources: ['keep/./x', 'd/e/f', 'd/./e'], sub: 'relative/' },
    { args: ['-avi', '-R', '--no-implied-dirs', '--chmod=D700'], sources: ['d/e/f', 'd/l'], sub: 'relative/' },
    { args: ['-av', '--old-dirs'], sub: 'dirs/' },
    { args: ['-lptvi', '--dirs', '--delete'], sub: 'dirs/' },
    {
      args: ['-avi', '--files-from=small', '--from0'],
      sub: 'from/',
      change: (root) => writeFileSync(`${root}/small`, 'd/e/f\0l2\0'),
    },
  ],
  'existing and not': [
    { args: ['-avi'], sub: 'types/' },
    { args: ['-avi', '--existing', '--ignore-existing', '--delete'], sub: 'types/', change: turnTypes },
    { args: ['-avi', '--ignore-existing', '--delete'], sub: 'types/', change: turnTypes },
    { args: ['-avi', '--ignore-existing', '--delete-after', '--no-inc-recursive'], sub: 'types/', change: turnTypes },
    { args: ['-avi', '--existing', '--delete'], sub: 'types/', change: turnTypes },
    { args: ['-ai', '--mkpath'], sub: 'types/new/two/three' },
    { args: ['-ai', '--mkpath'], sources: ['small'], sub: 'types/new/four/five' },
    { args: ['-ani', '--mkpath'], sources: ['small'], sub: 'types/new/six/seven/' },
    { args: ['-avv', '--info=skip2,name2', '--update', '--existing'], sources: ['small', 'l2'], sub: 'types/' },
  ],
  'what changes nothing': [
    { args: ['-aHi', '-M--drop-D', '-M--no-perms', '-M--trust-sender', '-M--outbuf=L'], sub: 'remote/' },
    { args: ['-aHi', '-M--super', '-M--fake-super', '-M--munge-links', '-M--confine-root=/x'], sub: 'remote/' },
    {
      args: [
        '-aHUUOi',
        '--stop-after=60',
        '--old-args',
        '--debug=ALL0',
        '--info=all1,stats0,progress0',
        '--open-noatime',
      ],
      sub: 'plain/',
    },
    {
      args: ['-aHUOi', '--skip-compress=gz', '--checksum-seed=7', '--max-alloc=2g', '--preallocate', '--trust-sender'],
      sub: 'plain/',
    },
    { args: ['-aHUisz', '--secluded-args', '--block-size=700', '--temp-dir=/', '--super'], sub: 'plain/' },
  ],
};

for (const [title, list] of Object.entries(cases)) {
  test(`${title}: as with stock`, async () => {
    for (const each of list) await same(each);
    await pair.assertSame({ ignore: ['dirMtime'] });
  });
}

test('--keep-dirlinks puts directories where symlinks of the vault lead, and never out of it', async () => {
  const links: Record<string, string> = {
    near: 'keep',
    root: '/keep/x',
    far: '../../../keep',
    gone: 'nowhere',
    on: 'near',
  };
  const asLinks = (root: string) => {
    for (const [name, target] of Object.entries(links)) symlinkSync(target, path.join(root, name));
  };
  const asDirectories = (root: string) => {
    for (const name of Object.keys(links)) {
      mkdirSync(path.join(root, name, 'x'), { recursive: true });
      writeFileSync(path.join(root, name, `new-${name}`), name);
      writeFileSync(path.join(root, name, 'x', `deep-${name}`), name);
    }
  };
  await same({ args: ['-aO'], sub: 'dirlinks/', change: asLinks });
  // as the module's own directory a symlink is followed in any case
  await same({ args: ['-aiO', '-R'], sources: ['d/./e'], sub: 'dirlinks/on/x' });
  await same({ args: ['-aKiO'], sub: 'dirlinks/', change: asDirectories });
  await pair.assertSame({ ignore: ['dirMtime', 'symlinkMtime'] });
  await same({ args: ['-aKiO', '--delete', '-n'], sub: 'dirlinks/', change: asDirectories });
  await same({ args: ['-aKiO', '--delete-before'], sub: 'dirlinks/', change: asDirectories });
  await pair.assertSame({ ignore: ['dirMtime', 'symlinkMtime'] });
});

test('--remove-source-files removes what stock would, when all is stored', async () => {
  const sub = 'removed/';
  const add = (root: string) => {
    writeFileSync(path.join(root, 'new'), 'new\n');
    symlinkSync('new', path.join(root, 'new-link'));
  };
  await same({ args: ['-aHi', '--max-size=1'], sub });
  await same({ args: ['-aHi', '--info=remove', '-n', '--remove-source-files'], sub });
  await same({ args: ['-aHi', '--info=remove', '--remove-source-files'], sub });
  await same({ args: ['-aHi', '--info=remove', '--remove-sent-files'], sub, change: add });
  await same({ args: ['-ai', '--info=remove', '--remove-source-files', '--max-size=100'], sub });
  await same({ args: ['-ai', '--info=remove', '--remove-source-files', '-c', '--protocol=30'], sub });
  const { ours } = await same({ args: ['-ai', '--remove-source-files', '--ignore-existing'], sub });
  assert.equal(ours.stdout.includes('small'), false);
  await pair.assertSame({ ignore: ['dirMtime'] });
});

test('--write-batch and --only-write-batch write batches that give what was pushed', async () => {
  const source = path.join(folder, 'batch-source');
  makeSource(source);
  await pair.pushOk(['-aH', '--write-batch', path.join(folder, 'batch-1')], [`${source}/`], 'batch/');
  await pair.assertSame();
  const copy = path.join(folder, 'batch-copy');
  writeFileSync(path.join(source, 'big'), `${'b'.repeat(5000)}more\n`);
  writeFileSync(path.join(source, 'new'), 'new\n');
  const batch = path.join(folder, 'batch-2');
  for (const url of [pair.stock.url, pair.client.url]) {
    const args = ['-a', '-i', '--no-W', `--only-write-batch=${batch}`, `${source}/`, `${url}/batch/`];
    const { code, stderr, stdout } = await run('rsync', args, { env: pair.client.env });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /<f.* big\n/);
  }
  // nothing has come to either
  await pair.assertSame();
  execFileSync('cp', ['-a', path.join(pair.stock.folder, 'batch'), copy]);
  const { code, stderr } = await run('rsync', ['-a', `--read-batch=${batch}`, `${copy}/`]);
  assert.equal(code, 0, stderr);
  assertSameTrees(copy, source, { ignore: ['links'] });
});

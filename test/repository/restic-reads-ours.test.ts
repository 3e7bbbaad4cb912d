import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { lstatSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { BlobLocation } from '../../src/repository/blob.ts';
import { loadBlobTable } from '../../src/repository/blob-table.ts';
import { restore } from '../../src/restore/restore.ts';
import { assertSameTrees, type CompareOptions } from '../support/compare-trees.ts';
import { isRoot } from '../support/make-tree.ts';
import { Author, everyNode, Fixture } from './fixture.ts';

/** restic restores no sockets. */
const resticLimits: CompareOptions = {
  ignore: ['rootAttributes'],
  skip: (_, mode) => mode >>> 12 === 0o14,
};

test('restic checks and restores what we write, all node types', async (t) => {
  const fixture = new Fixture(t);
  const repository = await fixture.init();
  const author = new Author(repository);
  const root = await author.directory('', await everyNode(author, isRoot));
  const id = await author.snapshot(root);

  const check = await fixture.resticOk(['check', '--read-data']);
  assert.match(check.stdout, /no errors were found/);
  assert.doesNotMatch(check.stdout + check.stderr, /not referenced|unused|duplicate/);

  const theirs = path.join(fixture.folder, 'theirs');
  await fixture.resticOk(['restore', id, '--target', theirs]);
  const ours = path.join(fixture.folder, 'ours');
  const table = await loadBlobTable(repository.indexes());
  const blobs = (blob: Buffer): BlobLocation | undefined => table.locate(blob, 'data') ?? table.locate(blob, 'tree');
  const report = await restore({ repository, blobs, tree: root.subtree!, to: ours });
  assert.equal(report.failed, 0);
  assertSameTrees(ours, theirs, resticLimits);

  // not only the same, but right
  const large = readFileSync(path.join(theirs, 'large'));
  assert.equal(large.length, 64 * 2 + (5 << 20) + 100);
  const [one, two] = ['link-1', 'link-2'].map((name) => lstatSync(path.join(theirs, name)));
  assert.equal(one.ino, two.ino);
  assert.equal(lstatSync(path.join(theirs, 'mode-0')).mode & 0o7777, 0);
  assert.equal(lstatSync(path.join(theirs, 'mode-suid')).mode & 0o7777, 0o6755);
  assert.equal(lstatSync(path.join(theirs, 'old')).mtimeMs < 0, true);
});

test('restic lists our snapshot and reads past our own fields', async (t) => {
  const fixture = new Fixture(t);
  const author = new Author(await fixture.init());
  const id = await author.snapshot(await author.directory('', [await author.file('a', [Buffer.from('a')])]));
  const [snapshot] = JSON.parse((await fixture.resticOk(['snapshots', '--json'])).stdout);
  assert.equal(snapshot.id, id);
  assert.equal(snapshot.hostname, 'host');
  assert.equal(snapshot.time, '2026-11-24T12:00:00.123456789Z');
});

test('restic backs up into our repository, prunes it, and it stays whole', async (t) => {
  const fixture = new Fixture(t);
  const repository = await fixture.init();
  const author = new Author(repository);
  const kept = await author.directory('', [await author.file('kept', [Buffer.alloc(100_000, 'kept')])]);
  await author.snapshot(kept);
  const gone = new Author(repository);
  const forgotten = await gone.snapshot(
    await gone.directory('', [await gone.file('gone', [Buffer.alloc(99, 'gone')])]),
  );
  await fixture.resticOk(['backup', '--host', 'other', 'password']);
  await fixture.resticOk(['forget', forgotten]);
  await fixture.resticOk(['prune', '--max-unused', '0']);
  await fixture.resticOk(['check', '--read-data']);

  const reopened = await fixture.open();
  const table = await loadBlobTable(reopened.indexes());
  assert.equal((await reopened.loadBlob(table.locate(kept.subtree!, 'tree')!)).length > 0, true);
  assert.equal(table.locate(Buffer.from(gone.packs[0].blobs[0].id), 'data'), undefined);
});

test('restic adds a key of its own, and both open the repository', async (t) => {
  const fixture = new Fixture(t);
  const { config } = await fixture.init();
  assert.match((await fixture.resticOk(['cat', 'config'])).stdout, new RegExp(config.id));
  await fixture.resticOk(['key', 'add', '--new-password-file', 'password']);
  assert.equal((await fixture.open()).config.id, config.id);
});

test('several packs, many blobs of every size', async (t) => {
  const fixture = new Fixture(t);
  const author = new Author(await fixture.init());
  const pieces: Buffer[] = [];
  for (let i = 0; i < 3000; i++) pieces.push(Buffer.alloc(1 + ((i * 37) % 300), `piece ${i}`));
  for (let i = 0; i < 9; i++)
    pieces.push(Buffer.from(Array.from({ length: 1 << 16 }, (_, k) => (k * k * (i + 3)) >> 7)));
  for (let i = 0; i < 5; i++) pieces.push(randomBytes(8 << 20));
  const root = await author.directory('', [await author.file('file', pieces)]);
  await author.snapshot(root);
  assert(author.packs.length >= 4);
  await fixture.resticOk(['check', '--read-data']);
  const dumped = path.join(fixture.folder, 'out');
  await fixture.resticOk(['restore', 'latest', '--target', dumped]);
  assert(readFileSync(path.join(dumped, 'file')).equals(Buffer.concat(pieces)));
});

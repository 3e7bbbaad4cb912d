import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { isFile, isSymlink, S_IFMT, S_IFSOCK } from '../../src/lib/stat.ts';
import { LocalBackend } from '../../src/repository/backend/local.ts';
import type { BlobLocation } from '../../src/repository/blob.ts';
import { Repository } from '../../src/repository/repository.ts';
import { restore } from '../../src/restore/restore.ts';
import { assertSameTrees, type CompareOptions } from '../support/compare-trees.ts';
import { makeTree } from '../support/make-tree.ts';
import { runOk } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';

test("a backup that stock restic wrote is restored as it was, but for restic's own limits", async (t) => {
  const folder = temporaryFolder(t, 'restic');
  const tree = path.join(folder, 'tree');
  makeTree(tree);
  const at = path.join(folder, 'repository');
  writeFileSync(path.join(folder, 'password'), 'test\n');
  const base = ['-r', at, '-p', path.join(folder, 'password'), '--no-cache'];
  await runOk('restic', [...base, 'init', '--repository-version', '2']);
  await runOk('restic', [...base, 'backup', '.'], { cwd: tree });

  const repository = await Repository.open(new LocalBackend(at, folder), 'test');
  const blobs = await readIndex(repository);
  for await (const { snapshot } of repository.snapshots()) {
    const to = path.join(folder, 'restored');
    const id = Buffer.from(snapshot.tree, 'hex');
    const report = await restore({ repository, blobs: (blob) => blobs.get(blob.toString('hex')), tree: id, to });
    if (report.failed > 0) throw new Error(`${report.failed} objects failed`);
    assertSameTrees(to, tree, unsaved);
  }
});

/** What restic 0.14 does not save: sockets, links between anything but files and symlinks, bytes and xattrs of symlinks. */
const unsaved: CompareOptions = {
  ignore: ['rootAttributes'],
  skip: (_, mode) => (mode & S_IFMT) === S_IFSOCK,
  ignoreFor: (_, mode) => (isSymlink(mode) ? ['xattrs', 'target'] : isFile(mode) ? [] : ['links']),
};

async function readIndex(repository: Repository): Promise<Map<string, BlobLocation>> {
  const blobs = new Map<string, BlobLocation>();
  for await (const { name } of repository.backend.list('index')) {
    for (const pack of (await repository.loadIndex(name)).packs) {
      for (const blob of pack.blobs) blobs.set(blob.id.toString('hex'), { ...blob, pack: pack.id });
    }
  }
  return blobs;
}

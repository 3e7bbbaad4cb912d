/** Stores and commits in small pushes until it is killed; prints a line for every snapshot, and one to begin with. */
import path from 'node:path';
import { commitSnapshot } from '../../src/vault/commit.ts';
import { contentKey } from '../../src/vault/content.ts';
import { layoutOf } from '../../src/vault/layout.ts';
import { StateStore } from '../../src/vault/state/store.ts';
import { openRepository } from '../../src/vault/vault.ts';
import { Random } from '../support/random.ts';
import { directory, entry, meta, storeContents } from './helpers.ts';

const [folder, seed] = process.argv.slice(2);
const layout = layoutOf(folder, path.basename(folder));
const repository = await openRepository(layout);
const random = new Random(Number(seed));
process.stdout.write('\n');
for (;;) {
  const store = StateStore.open(layout.stateFile);
  for (let part = 0; part < 4; part++) {
    const { packs, ids } = await storeContents(
      repository,
      Array.from({ length: 20 }, () => Buffer.from(random.bytes(2000))),
    );
    const name = `d${random.below(6)}`;
    const names = new Set(['d0', 'd1', 'd2', 'd3', 'd4', 'd5'].filter((d) => store.hasDir(d)).concat(name));
    // as a push does: sometimes the directory first, sometimes its parent, sometimes content before its pack is told of
    const writes = [
      () =>
        store.writeDir(
          '',
          [...names].sort().map((d) => directory(d)),
        ),
      () =>
        store.writeDir(
          name,
          ids.map((id, i) => entry(`f${String(i).padStart(2, '0')}`, { blobs: id, size: 2000 })),
        ),
      () => {
        for (const pack of packs) store.addPack(pack);
      },
      () => {
        const writer = store.newSums('md5:1:0');
        writer.append(Buffer.alloc(40));
        writer.finish({
          key: contentKey(ids[0]),
          blobs: ids[0],
          size: 2000,
          mtime: 1,
          mtimeNsec: 0,
          blockLength: 1024,
          recordLength: 20,
          literalBytes: 0,
          literalRuns: 0,
        });
      },
    ];
    while (writes.length > 0) {
      writes.splice(random.below(writes.length), 1)[0]();
      if (random.below(2) === 0) store.checkpoint();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  store.checkpoint();
  store.close();
  await commitSnapshot(repository, layout, meta({ complete: random.below(3) > 0 }));
  process.stdout.write('\n');
}

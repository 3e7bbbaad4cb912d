import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { Backend, BackendWriter, FileType } from '../../src/repository/backend/backend.ts';
import { LocalBackend } from '../../src/repository/backend/local.ts';
import type { PackRecord } from '../../src/repository/blob.ts';
import { Repository } from '../../src/repository/repository.ts';
import { Fixture } from './fixture.ts';

const temporaries = (fixture: Fixture) => readdirSync(path.join(fixture.folder, 'tmp'));

test('every blob comes back from where the packs say, and the headers say the same', async (t) => {
  const fixture = new Fixture(t);
  const repository = await fixture.init();
  const packs: PackRecord[] = [];
  const packer = repository.packer('data', (pack) => packs.push(pack));
  const blobs = [0, 1, 31, 32, 5000, 1 << 20, (1 << 20) + 1, 3 << 20, 20 << 20, 10, 7 << 20, 9 << 20, 5].map(
    (size, i) => (i % 3 ? randomBytes(size) : Buffer.alloc(size, `blob ${i} `)),
  );
  for (const blob of blobs) await packer.append(repository.sealBlob(blob));
  await packer.finish();
  assert(packs.length > 1);
  const found = packs.flatMap((pack) => pack.blobs.map((blob) => ({ ...blob, pack: pack.id })));
  assert.equal(found.length, blobs.length);
  for (const [i, at] of found.entries()) assert(blobs[i].equals(await repository.loadBlob(at)), `blob ${i}`);
  for (const pack of packs) {
    const name = pack.id.toString('hex');
    assert.equal(
      createHash('sha256')
        .update(await fixture.backend.read('data', name))
        .digest('hex'),
      name,
    );
    assert.equal(await fixture.backend.size('data', name), pack.size);
    assert.deepEqual(await repository.packRecord(name, pack.size), pack);
  }
  assert.deepEqual(temporaries(fixture), []);
});

test('a packer with nothing in it makes no pack', async (t) => {
  const fixture = new Fixture(t);
  const repository = await fixture.init();
  const packer = repository.packer('data', () => assert.fail('a pack'));
  await packer.finish();
  await packer.finish();
  await packer.abort();
});

test('a pack has no more blobs than its header may hold', async (t) => {
  const fixture = new Fixture(t);
  const repository = await fixture.init();
  const packs: PackRecord[] = [];
  const packer = repository.packer('data', (pack) => packs.push(pack));
  const blob = Buffer.alloc(4);
  for (let i = 0; i < 50_001; i++) {
    blob.writeUInt32LE(i);
    const wait = packer.append(repository.sealBlob(blob));
    if (wait) await wait;
  }
  await packer.finish();
  assert.deepEqual(
    packs.map((pack) => pack.blobs.length),
    [50_000, 1],
  );
});

test('abort leaves nothing of the open pack', async (t) => {
  const fixture = new Fixture(t);
  const repository = await fixture.init();
  const packer = repository.packer('data', () => assert.fail('a pack'));
  for (let i = 0; i < 3; i++) await packer.append(repository.sealBlob(randomBytes(1 << 20)));
  assert.equal(temporaries(fixture).length, 1);
  await packer.abort();
  assert.deepEqual(temporaries(fixture), []);
});

/** A disk whose flush fails once `failing` is set. */
class FailingBackend extends LocalBackend {
  failing = false;

  override async createWriter(type: FileType): Promise<BackendWriter> {
    const writer = await super.createWriter(type);
    const finish = writer.finish.bind(writer);
    writer.finish = async (name) => {
      if (this.failing) throw Object.assign(new Error('the disk is gone'), { code: 'EIO' });
      await finish(name);
    };
    return writer;
  }
}

test('a flush that fails beside the next pack reaches the caller, who is told of no such pack', async (t) => {
  const fixture = new Fixture(t);
  const backend: Backend & { failing: boolean } = new FailingBackend(
    fixture.location,
    path.join(fixture.folder, 'tmp'),
  );
  const repository = await Repository.init(backend, 'x');
  const told: PackRecord[] = [];
  const packer = repository.packer('data', (pack) => told.push(pack));
  backend.failing = true;
  for (let i = 0; i < 17; i++) await packer.append(repository.sealBlob(randomBytes(1 << 20)));
  await assert.rejects(packer.finish(), { code: 'EIO' });
  await packer.abort();
  assert.deepEqual(told, []);
  assert.deepEqual(temporaries(fixture), []);
});

test('a pack cut anywhere near its end, or changed in its header, is told damaged', async (t) => {
  const fixture = new Fixture(t);
  const repository = await fixture.init();
  const packs: PackRecord[] = [];
  const packer = repository.packer('tree', (pack) => packs.push(pack));
  await packer.append(repository.sealBlob(Buffer.from('a tree')));
  await packer.finish();
  const bytes = await fixture.backend.read('data', packs[0].id.toString('hex'));
  const refuses = async (changed: Buffer) => {
    const name = createHash('sha256').update(changed).digest('hex');
    await fixture.backend.write('data', name, changed);
    await assert.rejects(repository.packRecord(name, changed.length), {
      code: 'ERR_REPOSITORY_DAMAGED',
      message: new RegExp(name),
    });
  };
  for (let length = 0; length < bytes.length; length += 5) await refuses(bytes.subarray(0, length));
  for (let at = bytes.length - 1; at > bytes.length - 73; at -= 7) {
    const changed = Buffer.from(bytes);
    changed[at] ^= 0x10;
    await refuses(changed);
  }
  await refuses(Buffer.concat([Buffer.alloc(3), bytes]));
});

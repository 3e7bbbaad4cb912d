import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { Backend, FileInfo, FileType } from '../../src/repository/backend/backend.ts';
import { RepositoryDamagedError } from '../../src/repository/errors.ts';

export type BackendFactory = (t: TestContext) => Promise<Backend>;

export const nameOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function listed(backend: Backend, type: FileType): Promise<FileInfo[]> {
  const files: FileInfo[] = [];
  for await (const file of backend.list(type)) files.push(file);
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What every backend does. @param make a new, empty one each time */
export function testBackend(kind: string, make: BackendFactory): void {
  const types: FileType[] = ['keys', 'data', 'index', 'snapshots', 'locks'];

  test(`${kind}: what was written is read, listed and measured, for every type`, async (t) => {
    const backend = await make(t);
    for (const type of types) {
      const bytes = randomBytes(1000);
      await backend.write(type, nameOf(bytes), bytes);
      assert.deepEqual(await backend.read(type, nameOf(bytes)), bytes);
      assert.deepEqual(await listed(backend, type), [{ name: nameOf(bytes), size: 1000 }]);
      assert.equal(await backend.size(type, nameOf(bytes)), 1000);
    }
  });

  test(`${kind}: the config is one file without a name`, async (t) => {
    const backend = await make(t);
    assert.equal(await backend.size('config', ''), undefined);
    await backend.write('config', '', Buffer.from('config'));
    assert.equal((await backend.read('config', '')).toString(), 'config');
    assert.equal(await backend.size('config', ''), 6);
  });

  test(`${kind}: a file in pieces appears whole when it is finished, and not before`, async (t) => {
    const backend = await make(t);
    const pieces = [Buffer.alloc(0), randomBytes(1), randomBytes(3 << 20), randomBytes(70_000)];
    const name = nameOf(Buffer.concat(pieces));
    const writer = await backend.createWriter('data');
    for (const piece of pieces) await writer.append(piece);
    assert.deepEqual(await listed(backend, 'data'), []);
    assert.equal(await backend.size('data', name), undefined);
    await writer.finish(name);
    assert.deepEqual(await backend.read('data', name), Buffer.concat(pieces));
  });

  test(`${kind}: a writer that is given up leaves nothing, even twice`, async (t) => {
    const backend = await make(t);
    const writer = await backend.createWriter('data');
    await writer.append(randomBytes(100));
    await writer.abort();
    await writer.abort();
    assert.deepEqual(await listed(backend, 'data'), []);
  });

  test(`${kind}: ranges are read exactly`, async (t) => {
    const backend = await make(t);
    const bytes = randomBytes(100_000);
    const name = nameOf(bytes);
    await backend.write('data', name, bytes);
    for (const [from, length] of [
      [0, 1],
      [0, 100_000],
      [99_999, 1],
      [5, 0],
      [33_333, 44_444],
    ])
      assert.deepEqual(await backend.read('data', name, from, length), bytes.subarray(from, from + length));
    assert.deepEqual(await backend.read('data', name, 99_000), bytes.subarray(99_000));
  });

  test(`${kind}: a range past the end fails as damage that names the file, however large`, async (t) => {
    const backend = await make(t);
    const bytes = randomBytes(100);
    const name = nameOf(bytes);
    await backend.write('data', name, bytes);
    for (const length of [101, 1 << 20, 2 ** 40])
      await assert.rejects(backend.read('data', name, 0, length), (error: Error) => {
        assert(error instanceof RepositoryDamagedError);
        assert.match(error.message, new RegExp(`data/${name} ends ${length - 100} bytes too early`));
        return true;
      });
  });

  test(`${kind}: a missing file is damage that names it, and has no size`, async (t) => {
    const backend = await make(t);
    const name = '0'.repeat(64);
    for (const type of types) {
      assert.equal(await backend.size(type, name), undefined);
      await assert.rejects(backend.read(type, name), { code: 'ERR_REPOSITORY_DAMAGED', message: new RegExp(name) });
      await assert.rejects(backend.remove(type, name), { code: 'ENOENT' });
    }
  });

  test(`${kind}: a file removed is gone, also for a reader that had it before`, async (t) => {
    const backend = await make(t);
    const bytes = randomBytes(10);
    await backend.write('data', nameOf(bytes), bytes);
    await backend.read('data', nameOf(bytes));
    await backend.remove('data', nameOf(bytes));
    assert.equal(await backend.size('data', nameOf(bytes)), undefined);
    await assert.rejects(backend.read('data', nameOf(bytes)), { code: 'ERR_REPOSITORY_DAMAGED' });
  });

  test(`${kind}: names that are no hash are refused`, async (t) => {
    const backend = await make(t);
    for (const name of ['', '../config', 'x'.repeat(64), 'A'.repeat(64), `${'a'.repeat(64)}\n`])
      await assert.rejects(backend.read('data', name), RangeError);
  });

  test(`${kind}: many packs are read at once, each many times`, async (t) => {
    const backend = await make(t);
    const packs = Array.from({ length: 60 }, () => randomBytes(5000));
    for (const pack of packs) await backend.write('data', nameOf(pack), pack);
    const reads = Array.from({ length: 1200 }, async (_, i) => {
      const pack = packs[(i * 7) % packs.length];
      assert.deepEqual(await backend.read('data', nameOf(pack), i, 100), pack.subarray(i, i + 100));
    });
    await Promise.all(reads);
    assert.equal((await listed(backend, 'data')).length, 60);
  });

  test(`${kind}: two writers do not disturb each other`, async (t) => {
    const backend = await make(t);
    const [a, b] = [await backend.createWriter('data'), await backend.createWriter('data')];
    await a.append(Buffer.from('a'));
    await b.append(Buffer.from('b'));
    await b.finish(nameOf(Buffer.from('b')));
    await a.finish(nameOf(Buffer.from('a')));
    assert.equal((await backend.read('data', nameOf(Buffer.from('a')))).toString(), 'a');
    assert.equal((await backend.read('data', nameOf(Buffer.from('b')))).toString(), 'b');
  });
}

import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { contentKey } from '../../src/vault/content.ts';
import { StateDamagedError } from '../../src/vault/errors.ts';
import { StateStore } from '../../src/vault/state/store.ts';
import { Random } from '../support/random.ts';
import { type Scope, temporaryFolder } from '../support/temporary.ts';
import { directory, plain, randomEntry } from './helpers.ts';

const KIND = 'md5:3:0';

function filled(t: Scope) {
  const file = path.join(temporaryFolder(t), 'state.db');
  const random = new Random(11);
  const store = StateStore.open(file);
  const names = Array.from({ length: 40 }, (_, i) => `d${String(i).padStart(2, '0')}`);
  store.writeDir(
    '',
    names.map((name) => directory(name)),
  );
  const contents: Buffer[] = [];
  for (const name of names) {
    const entries = Array.from({ length: 30 }, (_, i) => randomEntry(random, `f${String(i).padStart(2, '0')}`));
    store.writeDir(name, entries);
    for (const { blobs, size, mtime, mtimeNsec } of entries) {
      if (blobs.length === 0) continue;
      contents.push(blobs);
      const writer = store.newSums(KIND);
      writer.append(random.bytes(20 * (random.below(20) === 0 ? 10_000 : 3)));
      writer.finish({
        key: contentKey(blobs),
        blobs,
        size,
        mtime,
        mtimeNsec,
        blockLength: 1024,
        recordLength: 20,
        literalBytes: 0,
        literalRuns: 0,
      });
    }
  }
  const ids = Array.from({ length: 3000 }, () => random.bytes(32));
  const blobs = ids.map((id, i) => ({
    id,
    type: 'data' as const,
    offset: i * 100,
    length: 100,
    plainLength: 200,
    compressed: true,
  }));
  store.addPack({ id: random.bytes(32), size: 300_100, blobs });
  store.checkpoint();
  store.close();
  return { file, names, ids, contents };
}

/** Everything there is to read, as plain values; throws what reading throws. */
function readAll({ file, names, ids, contents }: ReturnType<typeof filled>): unknown[] {
  const store = StateStore.open(file);
  try {
    const found: unknown[] = [store.totals(), store.checksumSeed];
    for (const name of names) found.push(store.readDir(name)?.map(plain));
    for (const id of ids) found.push(store.findBlob(id));
    for (const pack of store.unindexedPacks()) found.push(pack.blobs.length, pack.blobs[2999].id.toString('hex'));
    for (const blobs of contents) {
      const head = store.findSums(contentKey(blobs), KIND);
      found.push(head && [head.count, head.blockLength, Buffer.concat([...store.readSums(head)]).toString('hex')]);
    }
    return found;
  } finally {
    store.close();
  }
}

test('flipped bits and overwritten pages are found, or make something missing; never anything else', (t) => {
  const state = filled(t);
  const sound = readAll(state);
  const size = readFileSync(state.file).length;
  const copy = `${state.file}.copy`;
  copyFileSync(state.file, copy);
  const seed = Date.now();
  const random = new Random(seed);
  let damaged = 0;
  for (let round = 0; round < 150; round++) {
    const bytes = readFileSync(copy);
    const at = random.below(size);
    if (round % 3 === 0) random.bytes(512).copy(bytes, Math.min(at, size - 512));
    else bytes[at] ^= 1 << random.below(8);
    writeFileSync(state.file, bytes);
    for (const suffix of ['-wal', '-shm', '.damaged']) rmSync(state.file + suffix, { force: true });
    try {
      const found = readAll(state);
      found.forEach((value, i) => {
        if (value !== undefined) assert.deepEqual(value, sound[i], `seed ${seed}, round ${round}`);
      });
    } catch (error) {
      if (!(error instanceof StateDamagedError)) {
        assert.equal((error as { code?: string }).code, 'ERR_STATE_VERSION', `seed ${seed}, round ${round}: ${error}`);
        continue;
      }
      damaged++;
    }
  }
  assert.ok(damaged > 30, `${damaged} of 150 found`);
});

test('damage that was met once keeps the state closed until it is rebuilt', (t) => {
  const { file } = filled(t);
  const db = new DatabaseSync(file);
  db.exec('UPDATE record SET entries = zeroblob(length(entries)) WHERE row = 5');
  db.close();
  const store = StateStore.open(file);
  assert.throws(() => [...store.walk('')], StateDamagedError);
  store.close();
  assert.throws(() => StateStore.open(file), StateDamagedError);
  assert.throws(() => StateStore.open(file, { readOnly: true }), StateDamagedError);
});

test("what is no state is told from one: truncated, empty, other programs' files, older and newer ones", (t) => {
  const { file } = filled(t);
  const sound = readFileSync(file);
  const damaged = (bytes: Buffer | string) => {
    writeFileSync(file, bytes);
    assert.throws(() => StateStore.open(file), StateDamagedError);
    rmSync(`${file}.damaged`, { force: true });
  };
  damaged(sound.subarray(0, 5000));
  damaged('not a database at all, but long enough to be looked at by anyone who would like to know'.repeat(10));
  damaged(Buffer.alloc(8192));
  rmSync(file);
  const other = new DatabaseSync(file);
  other.exec('CREATE TABLE meta (key, value)');
  other.close();
  assert.throws(() => StateStore.open(file), StateDamagedError);
  const versioned = (version: number) => {
    writeFileSync(file, sound);
    const db = new DatabaseSync(file);
    db.exec(`PRAGMA user_version = ${version}`);
    db.close();
  };
  versioned(1);
  assert.throws(() => StateStore.open(file), {
    code: 'ERR_STATE_DAMAGED',
    message: /older schema 1; it will be rebuilt/,
  });
  versioned(99);
  assert.throws(() => StateStore.open(file), { code: 'ERR_STATE_VERSION', message: /newer nightdrop/ });
  rmSync(file);
  assert.throws(() => StateStore.open(file, { readOnly: true }), { code: 'ERR_STATE_DAMAGED', message: /missing/ });
});

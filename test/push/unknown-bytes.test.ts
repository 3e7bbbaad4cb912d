import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import { contentKey } from '../../src/vault/content.ts';
import type { Entry } from '../../src/vault/entry.ts';
import { layoutOf } from '../../src/vault/layout.ts';
import type { VaultPolicy } from '../../src/vault/policy.ts';
import { StateStore, type SumsHead } from '../../src/vault/state/store.ts';
import { createVault } from '../../src/vault/vault.ts';
import { type PushServer, startPushServer } from '../support/push-server.ts';
import { Random } from '../support/random.ts';
import { run } from '../support/run.ts';
import { type Scope, temporaryFolder } from '../support/temporary.ts';

const SIZE = 300_000;
const TIME = 1_700_000_000;
const DIGEST = Buffer.alloc(16, 0x5a);

interface Attack {
  /** bytes of the client's own before the stored block, in blocks of those offered, and so many less */
  blocks: number;
  less: number;
  /** the file is ended, with a digest that is nobody's; else cut off */
  ends: boolean;
  policy?: Partial<VaultPolicy>;
  /** the old compression: the block is matched first, and bytes of it are copied out of the decompressor's window */
  windowed?: boolean;
}

/**
 * A client that does not know a stored file has it built into one of its own: many bytes of its choice and a stored block
 * after them. Returns the block sums of that which the next push would be told: those remembered under the size and time of
 * the file, or of what is stored in its place.
 */
async function sumsAfter(scope: Scope, attack: Attack): Promise<SumsHead | undefined> {
  const folder = temporaryFolder(scope, 'unknown');
  const { folder: vaultDir } = await createVault(path.join(folder, 'vault'), 'demo');
  const options = { vaultDir, vault: 'demo', policy: attack.policy };
  const server = await startPushServer(scope, options);
  const [day, night] = ['day', 'night'].map((name) => path.join(folder, name));
  for (const [i, source] of [day, night].entries()) {
    mkdirSync(source);
    writeFileSync(path.join(source, 'file'), new Random(i).text(SIZE));
    utimesSync(path.join(source, 'file'), TIME + i, TIME + i);
  }
  const { code, stderr } = await run('rsync', ['-a', `${day}/`, `rsync://127.0.0.1:${server.port}/demo/`]);
  assert.equal(code, 0, stderr);
  await server.waitForReports(1);
  const { stateFile } = layoutOf(vaultDir, 'demo');
  const before = open(stateFile, (store, kind) => store.findSums(contentKey(entryOf(store).blobs), kind)!);
  await push(scope, server, night, before, attack);
  await server.waitForReports(2);
  return open(stateFile, (store, kind) => {
    const key = contentKey(entryOf(store).blobs);
    return store.findMoved(SIZE, TIME + 1, 0, kind) ?? (key === before.key ? undefined : store.findSums(key, kind));
  });
}

function entryOf(store: StateStore): Entry {
  return store.readDir('')!.find(({ name }) => name === 'file')!;
}

function open<T>(file: string, look: (store: StateStore, kind: string) => T): T {
  const store = StateStore.open(file, { readOnly: true });
  try {
    return look(store, `xxh128:${store.checksumSeed}:1`);
  } finally {
    store.close();
  }
}

/** What a stock client says up to the content of its file, and then words of our own. */
async function push(
  scope: Scope,
  server: PushServer,
  source: string,
  { count, blockLength, size }: SumsHead,
  { blocks, less, ends, windowed }: Attack,
): Promise<void> {
  // sums are short where the digest is computed again
  const heads = [8, 16].map((strong) => Buffer.concat([count, blockLength, strong, size % blockLength].map(int)));
  // in front of the head stand the length of its frame and the item: only what comes behind is replaced
  const proxy = createServer((client) => {
    const target = connect(server.port, '127.0.0.1');
    let said = Buffer.alloc(0);
    let passed = 0;
    target.on('data', (bytes) => client.write(bytes));
    for (const socket of [client, target]) socket.on('error', () => {});
    target.on('close', () => client.destroy());
    client.on('data', (bytes: Buffer) => {
      if (passed < 0) return;
      said = Buffer.concat([said, bytes]);
      const head = heads.find((one) => said.includes(one)) ?? heads[0];
      const at = said.indexOf(head);
      if (at < 0) {
        if (endsWithPart(said, head)) return;
        target.write(said.subarray(passed));
        passed = said.length;
        return;
      }
      const frame = frameAround(said, at);
      target.write(said.subarray(passed, frame));
      const item = said.subarray(frame + 4, at + head.length);
      passed = -1;
      const tokens = windowed ? copyingWords(blocks, blockLength) : words(blocks * blockLength - less, ends);
      target.end(framed([item, ...tokens]));
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  scope.after(() => proxy.close());
  const { port } = proxy.address() as { port: number };
  const compression = windowed ? ['-z', '--compress-choice=zlib'] : [];
  const child = spawn('rsync', ['-a', ...compression, `${source}/`, `rsync://127.0.0.1:${port}/demo/`], {
    stdio: 'ignore',
  });
  await once(child, 'close');
}

function endsWithPart(said: Buffer, head: Buffer): boolean {
  for (let length = head.length - 1; length >= 8; length--)
    if (said.subarray(-length).equals(head.subarray(0, length))) return true;
  return false;
}

/** Where the last data frame begins that reaches to `at`: a client with one file puts its reply into one. */
function frameAround(said: Buffer, at: number): number {
  for (let start = at - 4; start >= Math.max(0, at - 64); start--) {
    const word = said.readUInt32LE(start);
    if (word >>> 24 === 7 && start + 4 + (word & 0xffffff) >= at + 16) return start;
  }
  throw new Error('the head of the sums is in no frame');
}

function* words(length: number, ends: boolean): Generator<Buffer> {
  for (let left = length; left > 0; left -= 32_768) {
    const literal = Buffer.alloc(Math.min(left, 32_768), 'A');
    yield int(literal.length);
    yield literal;
  }
  yield int(-1);
  if (ends) yield Buffer.concat([int(0), DIGEST]);
}

/** Block 0 is matched; a literal block follows that ends in 8 of its bytes, and many of the client's own. */
function* copyingWords(blocks: number, blockLength: number): Generator<Buffer> {
  yield Buffer.from([0x80]);
  const unknown = new Random(9).bytes(blockLength);
  const own = [Buffer.alloc(blockLength - 8, 'A'), unknown.subarray(100, 108), Buffer.alloc(blocks * blockLength, 'B')];
  const deflated = deflateRawSync(Buffer.concat(own), { dictionary: unknown, finishFlush: constants.Z_SYNC_FLUSH });
  for (let at = 0; at < deflated.length; at += 8000) {
    const piece = deflated.subarray(at, at + 8000);
    yield Buffer.from([0x40 | (piece.length >> 8), piece.length & 0xff]);
    yield piece;
  }
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function framed(pieces: Iterable<Buffer>): Buffer {
  const bytes = Buffer.concat([...pieces]);
  return Buffer.concat([int((7 << 24) | bytes.length), bytes]);
}

test('a cut file of own bytes and a stored block that begin within one block leaves no sums', async (t) => {
  assert.equal((await sumsAfter(t, { blocks: 60, less: 1, ends: false }))?.count, undefined);
});

test('a wrong digest over stored bytes leaves no sums', async (t) => {
  assert.equal((await sumsAfter(t, { blocks: 60, less: 1, ends: true }))?.count, undefined);
});

test('nor does a cut file whose literals copy stored bytes out of the window of the old compression', async (t) => {
  const attack = { blocks: 120, less: 0, ends: false, windowed: true };
  assert.equal((await sumsAfter(t, { ...attack, policy: { zlibDeltas: true } }))?.count, undefined);
});

test('with verify_deltas = "never" such a client gets them: the attack is a real one', async (t) => {
  const sums = await sumsAfter(t, { blocks: 60, less: 1, ends: true, policy: { verifyDeltas: 'never' } });
  assert.equal(sums?.count, 61);
});

test('clients with the old compression are offered no sums, unless zlib_deltas = true', async (t) => {
  const folder = temporaryFolder(t, 'offered');
  const source = path.join(folder, 'source');
  mkdirSync(source);
  for (const [zlibDeltas, most] of [
    [false, SIZE + 1000],
    [true, SIZE / 10],
  ] as const) {
    const { folder: vaultDir } = await createVault(path.join(folder, `vault-${zlibDeltas}`), 'demo');
    const server = await startPushServer(t, { vaultDir, vault: 'demo', policy: { zlibDeltas } });
    const content = new Random(1).bytes(SIZE);
    for (const [i, edition] of ['one', 'two'].entries()) {
      content.write(edition, 1000);
      writeFileSync(path.join(source, 'file'), content);
      utimesSync(path.join(source, 'file'), TIME + i, TIME + i);
      const args = ['-a', '--old-compress', `${source}/`, `rsync://127.0.0.1:${server.port}/demo/`];
      assert.equal((await run('rsync', args)).code, 0);
    }
    await server.waitForReports(2);
    const { literalBytes } = server.reports[1];
    assert.ok(literalBytes <= most && (zlibDeltas || literalBytes === SIZE), `${literalBytes} literal bytes`);
  }
});

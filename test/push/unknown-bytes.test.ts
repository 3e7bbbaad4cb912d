import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
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
  { blocks, less, ends }: Attack,
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
      target.end(framed([item, ...words(blocks * blockLength - less, ends)]));
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  scope.after(() => proxy.close());
  const { port } = proxy.address() as { port: number };
  const child = spawn('rsync', ['-a', `${source}/`, `rsync://127.0.0.1:${port}/demo/`], { stdio: 'ignore' });
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

test('with verify_deltas = "never" such a client gets them: the attack is a real one', async (t) => {
  const sums = await sumsAfter(t, { blocks: 60, less: 1, ends: true, policy: { verifyDeltas: 'never' } });
  assert.equal(sums?.count, 61);
});

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { contentKey } from '../../src/vault/content.ts';
import { layoutOf, type VaultLayout } from '../../src/vault/layout.ts';
import type { VaultPolicy } from '../../src/vault/policy.ts';
import { StateStore } from '../../src/vault/state/store.ts';
import { createVault } from '../../src/vault/vault.ts';
import { startPushServer } from '../support/push-server.ts';
import { Random } from '../support/random.ts';
import { recordTurns, replay } from '../support/replay.ts';
import { run } from '../support/run.ts';
import { type Scope, temporaryFolder } from '../support/temporary.ts';

const SIZE = 300_000;
const TIME = 1_700_000_000;
/** what a file of either vault says, of the same length */
const RULES = ['P file\n', 'P tiny\n'];

interface Twins {
  folder: string;
  a: VaultLayout;
  b: VaultLayout;
}

/**
 * Two vaults that hold different content under the same names, sizes, times and block sums. Nobody can make such content
 * for real, so the sums of one are put beside the content of the other: what a client hears may depend on no more.
 */
async function twins(scope: Scope): Promise<Twins> {
  const folder = temporaryFolder(scope, 'twins');
  const first = await createVault(path.join(folder, 'a'), 'demo');
  const b = layoutOf(path.join(folder, 'b/vaults/demo'), 'demo');
  // a copy, so that both have the same seed and the same key
  mkdirSync(path.dirname(b.folder), { recursive: true });
  cpSync(first.folder, b.folder, { recursive: true });
  const a = layoutOf(first.folder, 'demo');
  for (const [layout, seed] of [
    [a, 1],
    [b, 2],
  ] as const) {
    const source = path.join(folder, `source-${seed}`);
    mkdirSync(source);
    writeFileSync(path.join(source, 'file'), new Random(seed).text(SIZE));
    writeFileSync(path.join(source, 'tiny'), new Random(seed).text(500));
    writeFileSync(path.join(source, 'rules'), RULES[seed - 1]);
    for (const name of ['file', 'tiny', 'rules', '.']) utimesSync(path.join(source, name), TIME, TIME);
    const server = await startPushServer(scope, { vaultDir: layout.folder, vault: 'demo' });
    const { code, stderr } = await run('rsync', ['-a', `${source}/`, `rsync://127.0.0.1:${server.port}/demo/`]);
    assert.equal(code, 0, stderr);
    await server.waitForReports(1);
  }
  copySums(a, b);
  return { folder, a, b };
}

function copySums(from: VaultLayout, to: VaultLayout): void {
  const source = StateStore.open(from.stateFile, { readOnly: true });
  const target = StateStore.open(to.stateFile);
  const entryOf = (store: StateStore) => store.readDir('')!.find((entry) => entry.name === 'file')!;
  const head = source.findSums(contentKey(entryOf(source).blobs), `xxh128:${source.checksumSeed}:1`)!;
  assert.ok(head, 'the first vault has no block sums to copy');
  const writer = target.newSums(head.kind);
  for (const records of source.readSums(head)) writer.append(Buffer.from(records));
  const { blobs } = entryOf(target);
  const { size, blockLength, recordLength, literalBytes, literalRuns } = head;
  writer.finish({
    key: contentKey(blobs),
    blobs,
    size,
    mtime: TIME,
    mtimeNsec: 0,
    blockLength,
    recordLength,
    literalBytes,
    literalRuns,
  });
  target.checkpoint();
  target.close();
  source.close();
}

/** What the second vault says to the client's words that were meant for the first, against what that one says. */
async function compare(
  scope: Scope,
  change: (content: Buffer) => void,
  policy: Partial<VaultPolicy>,
  ...options: string[]
): Promise<void> {
  const vaults = await twins(scope);
  const source = path.join(vaults.folder, 'night');
  mkdirSync(source);
  const content = new Random(1).text(SIZE);
  change(content);
  writeFileSync(path.join(source, 'file'), content);
  writeFileSync(path.join(source, 'tiny'), new Random(3).text(500));
  const [fromA, fromB] = await hear(scope, vaults, policy, ['-ai', ...options, `${source}/`], 0);
  assert.ok(fromA.length > 1000 || policy.reveal === 'nothing', 'the first vault offered no block sums');
  assert.ok(fromA.equals(fromB), 'what the client hears depends on stored content that its sums do not tell');
}

/** Everything that both vaults say to what a client says to the first, which ends with `code`. */
async function hear(
  scope: Scope,
  { folder, a, b }: Twins,
  policy: Partial<VaultPolicy>,
  args: string[],
  code: number,
  sub = '',
): Promise<[fromA: Buffer, fromB: Buffer]> {
  const before = path.join(folder, 'before');
  cpSync(a.folder, before, { recursive: true });
  const serverA = await startPushServer(scope, { vaultDir: a.folder, vault: 'demo', policy });
  const turns = await recordTurns(scope, serverA.port, async (port) => {
    const result = await run('rsync', [...args, `rsync://127.0.0.1:${port}/demo/${sub}`]);
    assert.equal(result.code, code, result.stderr);
  });
  await serverA.waitForReports(1);
  const again = await startPushServer(scope, { vaultDir: before, vault: 'demo', policy });
  const serverB = await startPushServer(scope, { vaultDir: b.folder, vault: 'demo', policy });
  const [fromA, fromB] = await Promise.all([again, serverB].map(({ port }) => replay(port, turns, 10_000, 60)));
  return [channels(fromA.bytes), channels(fromB.bytes)];
}

/**
 * What was said, without the cuts between frames and their order across channels, which are the event loop's: text and
 * set-up as they are, then everything of each tag.
 */
function channels(said: Buffer): Buffer {
  for (let start = said.indexOf('@RSYNCD: OK\n'); start < said.length; start++) {
    const payloads = framesFrom(said, start);
    if (payloads === undefined) continue;
    const tags = [...payloads.keys()].sort((a, b) => a - b);
    return Buffer.concat([said.subarray(0, start), ...tags.flatMap((tag) => [Buffer.of(tag), ...payloads.get(tag)!])]);
  }
  throw new Error('what the server said does not end in frames');
}

/** Payloads by tag; undefined when the bytes from there on are no frames. */
function framesFrom(said: Buffer, start: number): Map<number, Buffer[]> | undefined {
  const payloads = new Map<number, Buffer[]>();
  let at = start;
  for (; at + 4 <= said.length; ) {
    const head = said.readUInt32LE(at);
    const tag = (head >>> 24) - 7;
    if (![0, 1, 2, 3, 4, 22, 33, 42, 86, 101].includes(tag)) return undefined;
    const payload = said.subarray(at + 4, at + 4 + (head & 0xffffff));
    payloads.set(tag, [...(payloads.get(tag) ?? []), payload]);
    at += 4 + (head & 0xffffff);
  }
  return at === said.length ? payloads : undefined;
}

test('two vaults with other content but the same sums say the same to a client whose file matches nothing', async (t) => {
  await compare(t, (content) => new Random(99).bytes(SIZE).copy(content), {});
});

test('two vaults with other content but the same sums say the same to a client whose file matches in part', async (t) => {
  // matched bytes are not read back: with a digest over them the second vault would notice that its sums are lies
  await compare(t, (content) => void content.write('changed in the middle', 150_000), { verifyDeltas: 'never' });
});

test('two vaults with other content say the same when nothing may be revealed', async (t) => {
  await compare(t, (content) => void content.write('changed in the middle', 150_000), { reveal: 'nothing' });
});

/** What both vaults say to files that are pushed beside what they hold. */
async function compareBeside(
  scope: Scope,
  files: Record<string, Buffer>,
  args: string[],
  sub: string,
  said: RegExp,
): Promise<void> {
  const vaults = await twins(scope);
  const source = path.join(vaults.folder, 'beside');
  mkdirSync(source);
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(path.join(source, name), content);
    if (name !== 'file') utimesSync(path.join(source, name), TIME, TIME);
  }
  const [fromA, fromB] = await hear(scope, vaults, {}, [...args, `${source}/`], 0, sub);
  assert.ok(fromA.length > 1000, 'the first vault offered no block sums');
  assert.match(fromA.toString('latin1'), said);
  assert.ok(fromA.equals(fromB), 'what the client hears depends on stored content that its sums do not tell');
}

for (const kind of ['link', 'copy', 'compare']) {
  test(`two vaults say the same to a client that has its files compared with theirs (--${kind}-dest)`, async (t) => {
    const files = { file: new Random(99).bytes(SIZE), tiny: new Random(3).text(500), rules: Buffer.from(RULES[0]) };
    await compareBeside(t, files, ['-ai', `--${kind}-dest=../`], 'new/', /new/);
  });
}

test('two vaults say the same to a client that guesses a small file of the first with --checksum and --link-dest', async (t) => {
  const files = { file: new Random(99).bytes(SIZE), tiny: new Random(1).text(500), rules: Buffer.from(RULES[0]) };
  await compareBeside(t, files, ['-aic', '--link-dest=../'], 'new/', /new/);
});

test('two vaults say the same to a client whose files have names like theirs (--fuzzy)', async (t) => {
  const files = { 'file.1': new Random(99).bytes(SIZE), 'tiny.1': new Random(1).text(501) };
  await compareBeside(t, files, ['-ai', '--fuzzy'], '', /./);
});

/** A client that has nothing deletes by the rules in a stored file, which are other ones in either vault. */
async function hearRules(scope: Scope, policy: Partial<VaultPolicy>, code: number): Promise<[Buffer, Buffer]> {
  const vaults = await twins(scope);
  const empty = path.join(vaults.folder, 'empty');
  mkdirSync(empty);
  return hear(scope, vaults, policy, ['-ai', '--delete', '--filter=: rules', `${empty}/`], code);
}

test('two vaults say the same to a client that would have rules in stored files followed', async (t) => {
  const [fromA, fromB] = await hearRules(t, {}, 4);
  assert.match(fromA.toString('latin1'), /the filter rule : rules is refused/);
  assert.ok(fromA.equals(fromB), 'what the client hears depends on stored rules');
});

test('two vaults that allow rules in stored files tell them: this is what merge_files = false is for', async (t) => {
  const [fromA, fromB] = await hearRules(t, { mergeFiles: true }, 0);
  assert.ok(!fromA.equals(fromB));
});

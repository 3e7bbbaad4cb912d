import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type CheckOptions, type CheckReport, checkRepository, type ProblemKind } from '../../src/repository/check.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { encodeTree, type TreeNode } from '../../src/repository/tree.ts';
import { Random } from '../support/random.ts';
import { Author, Fixture } from './fixture.ts';

interface Damaged {
  fixture: Fixture;
  repository: Repository;
  author: Author;
  root: TreeNode;
  snapshot: string;
  /** hex ID of the pack of data and of that of trees */
  data: string;
  trees: string;
}

/** /a, /dir/b and /dir/c, of several blobs in one pack. */
async function make(t: TestContext): Promise<Damaged> {
  const fixture = new Fixture(t);
  const repository = await fixture.init();
  const author = new Author(repository);
  const random = new Random(3);
  const inner = [
    await author.file('b', [random.bytes(5000)]),
    await author.file('c', [random.bytes(3000), random.text(20_000)]),
  ];
  const outer = [await author.file('a', [random.bytes(4000)]), await author.directory('dir', inner)];
  const root = await author.directory('', outer);
  const snapshot = await author.snapshot(root);
  const [data, trees] = author.packs.map((pack) => pack.id.toString('hex'));
  return { fixture, repository, author, root, snapshot, data, trees };
}

const fileOf = ({ fixture }: Damaged, type: string, name: string): string =>
  path.join(fixture.location, type, type === 'data' ? name.slice(0, 2) : '', name);

function change(file: string, offset: number): void {
  chmodSync(file, 0o600);
  const bytes = readFileSync(file);
  bytes[offset < 0 ? bytes.length + offset : offset] ^= 0x40;
  writeFileSync(file, bytes);
}

function cut(file: string, length: number): void {
  chmodSync(file, 0o600);
  truncateSync(file, length);
}

/** A new process: nothing is held open or known. */
async function check(damaged: Damaged, options: CheckOptions = {}): Promise<CheckReport> {
  await damaged.fixture.backend.close();
  return checkRepository(await damaged.fixture.open(), options);
}

const kinds = (report: CheckReport): ProblemKind[] => [...new Set(report.problems.map((problem) => problem.kind))];
const messages = (report: CheckReport): string => report.problems.map((problem) => problem.message).join('\n');

test('a whole repository has no problems, and is counted', async (t) => {
  const { repository } = await make(t);
  const steps = new Set<string>();
  const report = await checkRepository(repository, { readData: true, onProgress: ({ step }) => steps.add(step) });
  assert.deepEqual(report.problems, []);
  assert.equal(report.ok, true);
  const { indexes, packs, unusedPacks, snapshots, trees, blobs } = report;
  assert.deepEqual(
    { indexes, packs, unusedPacks, snapshots, trees, blobs },
    { indexes: 1, packs: 2, unusedPacks: 0, snapshots: 1, trees: 2, blobs: 6 },
  );
  assert(report.bytesRead > 12_000);
  assert.deepEqual([...steps], ['indexes', 'data', 'snapshots']);
});

test('an empty repository is whole', async (t) => {
  assert.equal((await checkRepository(await new Fixture(t).init(), { readData: true })).ok, true);
});

test('a missing pack is named, and so is every file that needs it', async (t) => {
  const made = await make(t);
  await made.repository.backend.remove('data', made.data);
  const report = await check(made);
  assert.equal(report.ok, false);
  assert.deepEqual(kinds(report), ['pack', 'blob']);
  assert.equal(report.problems[0].id, made.data);
  for (const file of ['/a', '/dir/b', '/dir/c'])
    assert.match(messages(report), new RegExp(`^${file} in snapshot ${made.snapshot.slice(0, 8)}: blob`, 'm'));
});

test('a missing pack of trees is told at the root of what is lost', async (t) => {
  const made = await make(t);
  await made.repository.backend.remove('data', made.trees);
  const report = await check(made);
  assert.deepEqual(kinds(report), ['pack', 'tree']);
  assert.match(messages(report), /^\/ in snapshot \w{8}: its tree \w{64} is in no pack/m);
});

test('a changed byte in a blob is found when data is read, and costs the one file', async (t) => {
  const made = await make(t);
  const [, second] = made.author.packs[0].blobs;
  change(fileOf(made, 'data', made.data), second.offset + 40);
  assert.equal((await check(made)).ok, true);
  const report = await check(made, { readData: true });
  assert.deepEqual(kinds(report), ['blob', 'pack']);
  assert.match(messages(report), new RegExp(`blob ${second.id.toString('hex')} in pack ${made.data} is damaged`));
  assert.match(messages(report), new RegExp(`the bytes of the pack data/${made.data} were changed`));
  assert.match(messages(report), /^\/dir\/c in snapshot \w{8}: blob \w{64} of its content is damaged/m);
  assert.doesNotMatch(messages(report), /^\/(a|dir\/b) in/m);
});

test('a changed byte in a tree is found without reading data', async (t) => {
  const made = await make(t);
  change(fileOf(made, 'data', made.trees), 20);
  const report = await check(made);
  assert.deepEqual(kinds(report), ['tree']);
  assert.match(messages(report), /^\/dir in snapshot .*its seal is broken/m);
});

test('a changed pack header is found when data is read', async (t) => {
  const made = await make(t);
  change(fileOf(made, 'data', made.data), -10);
  const report = await check(made, { readData: true });
  assert.match(messages(report), /its header was changed/);
});

test('a pack cut short is told with both lengths; what lies before the cut is whole', async (t) => {
  const made = await make(t);
  const [first] = made.author.packs[0].blobs;
  cut(fileOf(made, 'data', made.data), first.length + 10);
  const report = await check(made, { readData: true });
  assert.match(
    messages(report),
    new RegExp(`has ${first.length + 10} bytes, index/\\w{64} says ${made.author.packs[0].size}`),
  );
  const lost = messages(report).match(/^\/.* in snapshot/gm);
  assert.equal(lost?.length, 2);
});

test('a damaged index file is named; its packs are unused then, and its trees missing', async (t) => {
  const made = await make(t);
  for await (const { name } of made.repository.backend.list('index')) change(fileOf(made, 'index', name), 30);
  const report = await check(made);
  assert.deepEqual(kinds(report), ['index', 'unused-pack', 'tree']);
  assert.equal(report.unusedPacks, 2);
});

test('a damaged snapshot is named, and the others are checked', async (t) => {
  const made = await make(t);
  const other = await made.author.repository.saveSnapshot({
    ...(await made.repository.loadSnapshot(made.snapshot)),
    hostname: 'other',
  });
  change(fileOf(made, 'snapshots', made.snapshot), 30);
  const report = await check(made);
  assert.deepEqual(
    report.problems.map(({ kind, id }) => [kind, id]),
    [['snapshot', made.snapshot]],
  );
  assert.equal(report.snapshots, 1);
  assert.notEqual(other, made.snapshot);
});

test('a file under the name of another is found', async (t) => {
  const made = await make(t);
  const bytes = readFileSync(fileOf(made, 'snapshots', made.snapshot));
  writeFileSync(fileOf(made, 'snapshots', 'a'.repeat(64)), bytes);
  const report = await check(made);
  assert.deepEqual(
    report.problems.map(({ kind, id }) => [kind, id]),
    [['snapshot', 'a'.repeat(64)]],
  );
});

test('a pack that no index names is told, and is no damage', async (t) => {
  const made = await make(t);
  const packer = made.repository.packer('data', () => {});
  await packer.append(made.repository.sealBlob(randomBytes(100)));
  await packer.finish();
  const report = await check(made, { readData: true });
  assert.deepEqual(kinds(report), ['unused-pack']);
  assert.equal(report.ok, true);
});

test('a damaged blob that stands whole in another pack costs no file', async (t) => {
  const made = await make(t);
  const again = new Author(made.repository);
  await again.file('a', [new Random(3).bytes(5000)]);
  await again.finish();
  change(fileOf(made, 'data', made.data), 40);
  const report = await check(made, { readData: true });
  assert.doesNotMatch(messages(report), / in snapshot /);
  assert.deepEqual(kinds(report), ['blob', 'pack']);
});

test('a damaged tree that stands whole in another pack is told, and costs no file', async (t) => {
  const made = await make(t);
  const [, { id: pack, blobs }] = made.author.packs;
  const again = new Author(made.repository);
  for (const blob of blobs) await again.blob(await made.repository.loadBlob({ ...blob, pack }), 'tree');
  await again.finish();
  const files = [made.trees, again.packs[0].id.toString('hex')].map((name) => fileOf(made, 'data', name));
  let told = 0;
  // which copy is met first is up to the order of the index files: so each is damaged once
  for (const file of files) {
    change(file, 20);
    const report = await check(made);
    assert.doesNotMatch(messages(report), / in snapshot /);
    assert.equal(report.trees, 2);
    told += report.problems.filter((problem) => /another pack has it too/.test(problem.message)).length;
    change(file, 20);
  }
  assert.equal(told, 1);
  for (const file of files) change(file, 20);
  assert.match(messages(await check(made)), /^\/dir in snapshot .*its seal is broken/m);
});

const badTrees: [what: string, make: (author: Author) => Promise<TreeNode[]>, message: RegExp][] = [
  ['names out of order', async (a) => [await a.file('b', []), await a.file('a', [])], /^\/a in .*not in order/m],
  ['a name twice', async (a) => [await a.file('a', []), await a.file('a', [])], /^\/a in .*or twice/m],
  ['a name with a slash', async (a) => [await a.file('a/b', [])], /"a\/b" cannot be a name/],
  ['two dots', async (a) => [await a.file('..', [])], /"\.\." cannot be a name/],
  ['another size', async (a) => [await a.file('a', [Buffer.from('abc')], { size: 5 })], /has 3 bytes, the tree says 5/],
  ['no such blob', async (a) => [await a.file('a', [], { content: Buffer.alloc(32), size: 5 })], /is in no pack/],
  ['no subtree', async (a) => [await a.directory('d', [], { subtree: undefined })], /a directory without a tree/],
  [
    'data as a tree',
    async (a) => [await a.directory('d', [], { subtree: await a.blob(encodeTree([await a.file('x', [])])) })],
    /^\/d in .*its tree \w+ is in no pack/m,
  ],
  [
    'a tree that is none',
    async (a) => [await a.directory('d', [], { subtree: await a.blob(Buffer.from('{}'), 'tree') })],
    /^\/d in .*is not one/m,
  ],
];

for (const [what, make, message] of badTrees) {
  test(`a tree with ${what} is told with its path`, async (t) => {
    const fixture = new Fixture(t);
    const author = new Author(await fixture.init());
    await author.snapshot(await author.directory('', await make(author)));
    const report = await checkRepository(author.repository);
    assert.equal(report.ok, false);
    assert.match(messages(report), message);
  });
}

test('an index that says what cannot be is told, and believed in nothing', async (t) => {
  const made = await make(t);
  const [pack] = made.author.packs;
  for (const more of [
    { offset: 7 },
    { length: 3 },
    { plainLength: 2 ** 40, compressed: true },
    { plainLength: 200 << 20, compressed: true },
  ]) {
    const fixture = new Fixture(t);
    const repository = await fixture.init();
    const author = new Author(repository);
    await author.file('a', [randomBytes(10)]);
    await author.finish();
    const [whole] = author.packs;
    for await (const { name } of repository.backend.list('index')) await repository.removeIndex(name);
    await repository.saveIndex([{ ...whole, blobs: [{ ...whole.blobs[0], ...more }] }]);
    const report = await checkRepository(repository, { readData: true });
    assert.equal(kinds(report)[0], 'index', JSON.stringify(more));
    assert.equal(report.ok, false);
  }
  assert(pack.size > 0);
});

test('every single changed byte of every file is found when data is read', async (t) => {
  const made = await make(t);
  const files: string[] = [];
  for (const type of ['data', 'index', 'snapshots'] as const)
    for await (const { name } of made.repository.backend.list(type)) files.push(fileOf(made, type, name));
  const random = new Random(17);
  for (const file of files) {
    const { length } = readFileSync(file);
    for (let i = 0; i < 25; i++) {
      const at = random.below(length);
      change(file, at);
      assert.equal((await checkRepository(made.repository, { readData: true })).ok, false, `${file} at ${at}`);
      change(file, at);
    }
  }
  assert.equal((await checkRepository(made.repository, { readData: true })).ok, true);
});

test('what onProgress throws ends the check', async (t) => {
  const made = await make(t);
  for (const step of ['indexes', 'data', 'snapshots']) {
    const onProgress = (progress: { step: string }) => {
      if (progress.step === step) throw new Error(`stop at ${step}`);
    };
    await assert.rejects(check(made, { readData: true, onProgress }), { message: `stop at ${step}` });
  }
});

test('a snapshot that comes while the check goes on is no problem', async (t) => {
  const { repository, author } = await make(t);
  const { backend } = repository;
  const list = backend.list.bind(backend);
  let pushed = false;
  backend.list = async function* (type) {
    yield* list(type);
    if (type !== 'index' || pushed) return;
    pushed = true;
    await author.snapshot(await author.directory('', [await author.file('late', [randomBytes(100)])]));
  };
  const report = await checkRepository(repository, { readData: true });
  assert.ok(pushed);
  assert.equal(report.ok, true, messages(report));
});

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { clientSentence } from '../../src/push/client-sentence.ts';
import type { PushReport } from '../../src/push/request.ts';
import { ID_BYTES } from '../../src/vault/content.ts';
import { LeaseBusyError } from '../../src/vault/errors.ts';
import type { VaultLayout } from '../../src/vault/layout.ts';
import type { VaultPolicy } from '../../src/vault/policy.ts';
import { StateStore } from '../../src/vault/state/store.ts';
import { createVault } from '../../src/vault/vault.ts';
import { nightdropOk } from '../support/nightdrop.ts';
import { startPushServer } from '../support/push-server.ts';
import { Random } from '../support/random.ts';
import { startRecordProxy } from '../support/record-proxy.ts';
import { type RunResult, run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary.ts';

const SIZE = 6_000_000;
const TIME = 1_700_000_000;

/** A vault with one file of several blobs, and its client. */
class Night {
  readonly folder: string;
  readonly file: string;
  readonly content: Buffer;
  layout!: VaultLayout;
  private readonly t: TestContext;

  constructor(t: TestContext) {
    this.t = t;
    this.folder = temporaryFolder(t, 'damaged');
    this.file = path.join(this.folder, 'source', 'file');
    this.content = new Random(5).bytes(SIZE);
    mkdirSync(path.dirname(this.file));
  }

  async first(): Promise<void> {
    const data = path.join(this.folder, 'data');
    this.layout = await createVault(data, 'demo');
    writeFileSync(path.join(data, 'nightdrop.toml'), '', { mode: 0o600 });
    this.write(TIME);
    const { result } = await this.push([]);
    assert.equal(result.code, 0, result.stderr);
  }

  write(time: number): void {
    writeFileSync(this.file, this.content);
    utimesSync(this.file, time, time);
  }

  /** Changes a byte in the second blob of the file and in the last but one, which no match ends in by chance. */
  damage(): void {
    for (const index of [1, -2]) {
      const { pack, offset, length } = this.blob(index);
      const file = this.packFile(pack);
      chmodSync(file, 0o600);
      const bytes = readFileSync(file);
      bytes[offset + (length >> 1)] ^= 0x40;
      writeFileSync(file, bytes);
    }
  }

  loseData(): void {
    rmSync(this.packFile(this.blob(0).pack));
  }

  private blob(index: number): { pack: Buffer; offset: number; length: number } {
    const store = StateStore.open(this.layout.stateFile, { readOnly: true });
    try {
      const { blobs } = store.readDir('')!.find(({ name }) => name === 'file')!;
      const count = blobs.length / ID_BYTES;
      assert.ok(count > 3, `the file has ${count} blobs`);
      const at = ((index + count) % count) * ID_BYTES;
      return store.findBlob(blobs.subarray(at, at + ID_BYTES))!;
    } finally {
      store.close();
    }
  }

  private packFile(pack: Buffer): string {
    const name = pack.toString('hex');
    return path.join(this.layout.repository, 'data', name.slice(0, 2), name);
  }

  /** What became of a push, whose client must hear nothing of blobs, packs and folders. */
  async push(args: string[], policy: Partial<VaultPolicy> = {}): Promise<{ result: RunResult; report: PushReport }> {
    const server = await startPushServer(this.t, { vaultDir: this.layout.folder, vault: 'demo', policy });
    const proxy = await startRecordProxy(this.t, server.port);
    const source = path.dirname(this.file);
    const url = `rsync://127.0.0.1:${proxy.port}/demo/`;
    const result = await run('rsync', ['-a', '-vv', ...args, `${source}/`, url], { timeout: 60 });
    await server.waitForReports(1);
    await proxy.stop();
    for (const { down } of proxy.recordings) {
      assert.doesNotMatch(down.toString('latin1'), /[0-9a-f]{64}/);
      assert.ok(!down.includes(this.folder), 'the client hears a path of the server');
    }
    assert.equal(proxy.recordings.length, 1);
    return { result, report: server.reports[0] };
  }

  /** The newest snapshot has what the client has. */
  async assertStored(): Promise<void> {
    const to = path.join(this.folder, 'restored');
    await nightdropOk(path.join(this.folder, 'data'), ['restore', 'demo', 'latest', '--to', to]);
    assert.ok(readFileSync(path.join(to, 'file')).equals(readFileSync(this.file)), 'the file is not what was pushed');
  }
}

/** After damage the push is told of as whole, and what it brought can be restored. */
async function assertMended(night: Night, args: string[], policy: Partial<VaultPolicy> = {}): Promise<void> {
  const { result, report } = await night.push(args, policy);
  assert.equal(result.code, 0, result.stderr);
  assert.equal(report.exitCode, 0);
  assert.match(report.notes.join('\n'), /^\d+ stored blobs, [0-9a-f]{64} the first of them, cannot be read/m);
  await night.assertStored();
}

for (const [what, break_] of [
  ['with two blobs that are damaged', (night: Night) => night.damage()],
  ['with a pack that is gone', (night: Night) => night.loseData()],
] as const) {
  test(`a changed file ${what} is stored anew where its sums would have to be computed`, async (t) => {
    const night = new Night(t);
    await night.first();
    break_(night);
    night.content.write('changed', 5_000_000);
    night.write(TIME + 100);
    await assertMended(night, ['--checksum-seed=5']);
  });

  test(`a changed file ${what} is stored anew where its sums are known`, async (t) => {
    const night = new Night(t);
    await night.first();
    break_(night);
    night.content.write('changed', 5_000_000);
    night.write(TIME + 100);
    await assertMended(night, [], { verifyDeltas: 'always' });
  });

  test(`--checksum has a file ${what} stored anew, also where matches are not verified`, async (t) => {
    const night = new Night(t);
    await night.first();
    break_(night);
    await assertMended(night, ['--checksum'], { verifyDeltas: 'never' });
  });
}

test('a dry run with --checksum tells of content that cannot be read as of content that differs', async (t) => {
  const night = new Night(t);
  await night.first();
  night.damage();
  const { result } = await night.push(['-n', '-i', '--checksum']);
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stdout, /^<fc\S* file$/m);
});

test('a client hears that a vault cannot be opened, the log hears where and why', async (t) => {
  const night = new Night(t);
  await night.first();
  renameSync(path.join(night.layout.repository, 'config'), path.join(night.folder, 'config'));
  night.write(TIME + 100);
  const { result, report } = await night.push(['--checksum-seed=5']);
  assert.equal(result.code, 11);
  assert.match(result.stderr, /^ERROR: the server failed; its log says why$/m);
  assert.match(report.error ?? '', new RegExp(night.layout.repository));
});

test('a client hears that its vault is busy, and not with whose push', () => {
  const error = new LeaseBusyError('the vault is in use by a push from 192.0.2.1 (process 17, for 3 s)');
  assert.match(clientSentence(error), /^ERROR: the vault is in use by another push or command; try again/);
});

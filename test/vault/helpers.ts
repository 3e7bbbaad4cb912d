import path from 'node:path';
import { S_IFBLK, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG } from '../../src/lib/stat.ts';
import type { PackRecord } from '../../src/repository/blob.ts';
import type { Repository } from '../../src/repository/repository.ts';
import type { SnapshotMeta } from '../../src/vault/commit.ts';
import { type Entry, NO_BLOBS } from '../../src/vault/entry.ts';
import type { VaultLayout } from '../../src/vault/layout.ts';
import { StateStore } from '../../src/vault/state/store.ts';
import { createVault, openRepository } from '../../src/vault/vault.ts';
import type { VaultInfo } from '../support/nightdrop.ts';
import type { Random } from '../support/random.ts';
import { type Scope, temporaryFolder } from '../support/temporary.ts';

export function entry(name: string, more: Partial<Entry> = {}): Entry {
  return {
    name,
    mode: S_IFREG | 0o644,
    uid: 0,
    gid: 0,
    user: '',
    group: '',
    mtime: 1_600_000_000,
    mtimeNsec: 123_456_789,
    atime: undefined,
    size: 0,
    target: '',
    rdevMajor: 0,
    rdevMinor: 0,
    inode: 0,
    blobs: NO_BLOBS,
    xattrs: [],
    ...more,
  };
}

export function directory(name: string, more: Partial<Entry> = {}): Entry {
  return entry(name, { mode: S_IFDIR | 0o755, ...more });
}

/** Blob IDs of a content that is stored nowhere. */
export function someBlobs(random: Random, count: number): Buffer {
  return random.bytes(32 * count);
}

/** An entry with any of the attributes that there are, extremes included. */
export function randomEntry(random: Random, name: string): Entry {
  const kind = random.below(10);
  const more: Partial<Entry> = {
    uid: random.pick([0, 1000, 65534, 4294967294]),
    gid: random.pick([0, 100, 70000]),
    user: random.pick(['', 'root', 'b\xc3\xb6b', 'alice']),
    group: random.pick(['', 'root', 'users']),
    mtime: random.pick([0, 1, -1, 1_700_000_000, 4_294_967_295, 4_294_967_296, -62_135_596_800, 2 ** 40]),
    mtimeNsec: random.pick([0, 1, 999_999_999]),
    atime: random.pick([undefined, undefined, 0, -5, 1_700_000_000, 2 ** 41]),
    inode: random.pick([0, 0, 0, 1, 2 ** 40]),
  };
  if (random.below(8) === 0) {
    more.xattrs = [
      { name: 'user.a', value: Buffer.from(random.bytes(random.pick([0, 3, 5000]))) },
      { name: 'user.\xc3\xa4', value: Buffer.alloc(0) },
    ];
  }
  if (kind === 0)
    return entry(name, { ...more, mode: S_IFLNK | 0o777, target: random.pick(['x', '../\xff/y', 'z'.repeat(4000)]) });
  if (kind === 1)
    return entry(name, {
      ...more,
      mode: S_IFBLK | 0o660,
      rdevMajor: random.pick([8, 2 ** 20]),
      rdevMinor: random.pick([0, 1, 2 ** 31]),
    });
  if (kind === 2) return entry(name, { ...more, mode: S_IFIFO | 0o600 });
  const blobs = someBlobs(random, random.pick([0, 1, 1, 1, 2, 16, 17, 40]));
  return entry(name, {
    ...more,
    mode: S_IFREG | random.pick([0o644, 0o4755, 0]),
    blobs,
    size: blobs.length === 0 ? 0 : random.pick([1, 1 << 20, 2 ** 45]),
  });
}

export interface TestVault {
  layout: VaultLayout;
  repository: Repository;
  /** for stock restic */
  info: VaultInfo;
}

export async function testVault(scope: Scope, name = 'demo'): Promise<TestVault> {
  const layout = await createVault(path.join(temporaryFolder(scope, 'vault'), 'data'), name);
  const repository = await openRepository(layout);
  scope.after(() => repository.backend.close());
  return { layout, repository, info: { repository: layout.repository, passwordFile: layout.passwordFile } };
}

/** Stores contents in one durable pack; returns what the state has to be told. */
export async function storeContents(
  repository: Repository,
  contents: Buffer[],
): Promise<{ packs: PackRecord[]; ids: Buffer[] }> {
  const packs: PackRecord[] = [];
  const ids: Buffer[] = [];
  const packer = repository.packer('data', (pack) => packs.push(pack));
  for (const content of contents) {
    const sealed = repository.sealBlob(content);
    ids.push(sealed.id);
    await packer.append(sealed);
  }
  await packer.finish();
  return { packs, ids };
}

export function meta(more: Partial<SnapshotMeta> = {}): SnapshotMeta {
  return {
    complete: true,
    hostname: 'demo',
    address: '127.0.0.1',
    startedAt: Date.now(),
    created: 0,
    transferred: 0,
    deleted: 0,
    literalBytes: 0,
    matchedBytes: 0,
    wireIn: 0,
    wireOut: 0,
    storedBytes: 0,
    ...more,
  };
}

/** Plain values of everything the state holds of directories. */
export function dump(store: StateStore): unknown {
  const directories = [...store.walk('')].map(({ path: at, entries }) => [
    at,
    entries.map(plain),
    store.treeOf(at)?.toString('hex'),
  ]);
  return { directories, totals: store.totals(), root: store.readRoot() && plain(store.readRoot()!) };
}

export function plain(e: Entry): unknown {
  return {
    ...e,
    blobs: e.blobs.toString('hex'),
    xattrs: e.xattrs.map(({ name, value }) => [name, value.toString('hex')]),
  };
}

/** Opens the state for a moment. */
export function withState<T>(layout: VaultLayout, use: (store: StateStore) => T): T {
  const store = StateStore.open(layout.stateFile);
  try {
    const result = use(store);
    store.checkpoint();
    return result;
  } finally {
    store.close();
  }
}

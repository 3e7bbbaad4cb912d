import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK } from '../../src/lib/stat.ts';
import { LocalBackend } from '../../src/repository/backend/local.ts';
import type { BlobType, PackRecord } from '../../src/repository/blob.ts';
import type { Packer } from '../../src/repository/packer.ts';
import { Repository } from '../../src/repository/repository.ts';
import { encodeTree, type TreeNode } from '../../src/repository/tree.ts';
import { node } from '../support/memory-source.ts';
import { type RunResult, run, runOk } from '../support/run.ts';
import { type Scope, temporaryFolder } from '../support/temporary.ts';

export const PASSWORD = 'a password';

/** A repository in a temporary folder, and stock restic on it. */
export class Fixture {
  readonly folder: string;
  readonly location: string;
  readonly backend: LocalBackend;
  private readonly passwordFile: string;

  constructor(scope: Scope) {
    this.folder = temporaryFolder(scope, 'repository');
    this.location = path.join(this.folder, 'repository');
    this.passwordFile = path.join(this.folder, 'password');
    writeFileSync(this.passwordFile, `${PASSWORD}\n`);
    mkdirSync(path.join(this.folder, 'tmp'));
    this.backend = new LocalBackend(this.location, path.join(this.folder, 'tmp'));
    scope.after(() => this.backend.close());
  }

  init(): Promise<Repository> {
    return Repository.init(this.backend, PASSWORD);
  }

  open(): Promise<Repository> {
    return Repository.open(this.backend, PASSWORD);
  }

  restic(args: string[], cwd = this.folder): Promise<RunResult> {
    return run('restic', this.arguments(args), { cwd, timeout: 300 });
  }

  resticOk(args: string[], cwd = this.folder): Promise<RunResult> {
    return runOk('restic', this.arguments(args), { cwd, timeout: 300 });
  }

  private arguments(args: string[]): string[] {
    return ['-r', this.location, '-p', this.passwordFile, '--no-cache', ...args];
  }
}

/** Puts blobs, trees and a snapshot into a repository, in the order that is safe. */
export class Author {
  readonly repository: Repository;
  readonly packs: PackRecord[] = [];
  private readonly packers: Record<BlobType, Packer>;
  private readonly known = new Set<string>();

  constructor(repository: Repository) {
    this.repository = repository;
    const onPack = (pack: PackRecord) => void this.packs.push(pack);
    this.packers = { data: repository.packer('data', onPack), tree: repository.packer('tree', onPack) };
  }

  async blob(plain: Buffer, type: BlobType = 'data'): Promise<Buffer> {
    const id = createHash('sha256').update(plain).digest();
    if (this.known.has(type + id.toString('hex'))) return id;
    this.known.add(type + id.toString('hex'));
    await this.packers[type].append(this.repository.sealBlob(plain, id));
    return id;
  }

  async file(name: string, pieces: Buffer[], more: Partial<TreeNode> = {}): Promise<TreeNode> {
    const ids: Buffer[] = [];
    for (const piece of pieces) ids.push(await this.blob(piece));
    const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
    return node(name, S_IFREG | 0o644, { content: Buffer.concat(ids), size, ...more });
  }

  async directory(name: string, nodes: TreeNode[], more: Partial<TreeNode> = {}): Promise<TreeNode> {
    return node(name, S_IFDIR | 0o755, { subtree: await this.blob(encodeTree(nodes), 'tree'), ...more });
  }

  async finish(): Promise<void> {
    await this.packers.data.finish();
    await this.packers.tree.finish();
    await this.repository.saveIndex(this.packs);
  }

  /** The snapshot of a directory's node; its ID. */
  async snapshot(root: TreeNode): Promise<string> {
    await this.finish();
    return this.repository.saveSnapshot({
      time: '2026-11-24T12:00:00.123456789Z',
      tree: root.subtree!.toString('hex'),
      paths: ['/'],
      hostname: 'host',
      username: 'user',
      program_version: 'nightdrop test',
      nightdrop: {
        sequence: 1,
        complete: true,
        address: '127.0.0.1',
        started_at: '2026-11-24T12:00:00Z',
        finished_at: '2026-11-24T12:00:01Z',
        files_transferred: 1,
        deleted: 0,
        literal_bytes: 1,
        matched_bytes: 0,
        wire_in: 1,
        wire_out: 1,
        stored_bytes: 1,
      },
    });
  }
}

/** One node of every type and of every attribute, sorted. Devices and strange owners only where they can be restored. */
export async function everyNode(author: Author, root: boolean): Promise<TreeNode[]> {
  const noise = createHash('sha512').update('noise').digest();
  const owner = root ? { uid: 1234, gid: 4321, user: '', group: '' } : {};
  const xattrs = [
    { name: 'user.binary', value: Buffer.of(0, 1, 255, 10) },
    { name: 'user.empty', value: Buffer.alloc(0) },
  ];
  const linked = { inode: 77, mtime: { sec: 5, nsec: 0 } };
  const nodes = [
    await author.file('empty', []),
    await author.file('large', [noise, Buffer.alloc(5 << 20, 'zstd '), noise, Buffer.alloc(100, 'x')], owner),
    await author.file('link-1', [Buffer.from('linked')], linked),
    await author.file('link-2', [Buffer.from('linked')], linked),
    await author.file('mode-0', [Buffer.from('m')], { mode: S_IFREG }),
    await author.file('mode-suid', [Buffer.from('m')], { mode: S_IFREG | 0o6755 }),
    await author.file('not\xffutf8 <&> "quoted" \\ \n\x01 \xc3\xa9', [Buffer.from('n')]),
    await author.file('old', [Buffer.from('o')], { mtime: { sec: -86_400 * 365, nsec: 1 } }),
    await author.file('xattrs', [Buffer.from('x')], { xattrs: root ? xattrs : [] }),
    node('symlink', S_IFLNK | 0o777, { target: '../some <where>' }),
    node('symlink-utf8', S_IFLNK | 0o777, { target: 'caf\xc3\xa9' }),
    node('fifo', S_IFIFO | 0o600),
    node('socket', S_IFSOCK | 0o755),
    await author.directory('dir', [await author.file('inside', [Buffer.from('i')])], { mode: S_IFDIR | 0o1777 }),
    await author.directory('empty-dir', []),
  ];
  if (root) {
    nodes.push(node('block', S_IFBLK | 0o660, { rdevMajor: 8, rdevMinor: 300 }));
    nodes.push(node('char', S_IFCHR | 0o666, { rdevMajor: 1, rdevMinor: 3 }));
  }
  return nodes.sort((a, b) => (a.name < b.name ? -1 : 1));
}

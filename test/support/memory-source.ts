import { createHash } from 'node:crypto';
import { S_IFDIR, S_IFREG } from '../../src/lib/stat.ts';
import type { BlobLocation } from '../../src/repository/blob.ts';
import { encodeTree, type TreeNode } from '../../src/repository/tree.ts';
import type { TreeSource } from '../../src/restore/tree-source.ts';

/** Blobs in memory behind the shape restore reads from: for trees that no honest program would write. */
export class MemorySource implements TreeSource {
  private readonly contents = new Map<string, Buffer>();
  /** hex IDs of blobs that fail to load */
  readonly damaged: Set<string> = new Set();
  /** blobs read so far, and the most read at once */
  loads = 0;
  mostAtOnce = 0;
  private loading = 0;

  readonly blobs = (id: Buffer): BlobLocation | undefined => {
    const plain = this.contents.get(id.toString('hex'));
    if (!plain) return undefined;
    const sizes = { offset: 0, length: plain.length, plainLength: plain.length };
    return { id, type: 'data', pack: Buffer.alloc(32), compressed: false, ...sizes };
  };

  readonly repository = {
    loadBlob: async (at: BlobLocation): Promise<Buffer> => {
      this.loads++;
      this.loading++;
      this.mostAtOnce = Math.max(this.mostAtOnce, this.loading);
      await new Promise((resolve) => setImmediate(resolve));
      this.loading--;
      const hex = at.id.toString('hex');
      if (this.damaged.has(hex))
        throw Object.assign(new Error('its seal is broken'), { code: 'ERR_REPOSITORY_DAMAGED' });
      return Buffer.from(this.contents.get(hex)!);
    },
  };

  put(plain: Buffer): Buffer {
    const id = createHash('sha256').update(plain).digest();
    this.contents.set(id.toString('hex'), plain);
    return id;
  }

  /** Stores the nodes as they are given, in that order. */
  tree(nodes: TreeNode[]): Buffer {
    return this.put(encodeTree(nodes));
  }

  file(name: string, pieces: (Buffer | string)[], more: Partial<TreeNode> = {}): TreeNode {
    const plain = pieces.map((piece) => Buffer.from(piece));
    const size = plain.reduce((sum, piece) => sum + piece.length, 0);
    const content = Buffer.concat(plain.map((piece) => this.put(piece)));
    return node(name, S_IFREG | 0o644, { size, content, ...more });
  }

  directory(name: string, nodes: TreeNode[], more: Partial<TreeNode> = {}): TreeNode {
    return node(name, S_IFDIR | 0o755, { subtree: this.tree(nodes), ...more });
  }
}

/** A node with plain attributes: owned by whoever runs the test. */
export function node(name: string, mode: number, more: Partial<TreeNode> = {}): TreeNode {
  return {
    name,
    mode,
    mtime: { sec: 1_600_000_000, nsec: 123_456_789 },
    atime: { sec: 1_600_000_000, nsec: 123_456_789 },
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    user: '',
    group: '',
    size: 0,
    target: '',
    rdevMajor: 0,
    rdevMinor: 0,
    inode: 0,
    content: Buffer.alloc(0),
    subtree: undefined,
    xattrs: [],
    ...more,
  };
}

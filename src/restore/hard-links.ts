import { createHash } from 'node:crypto';
import type { TreeNode } from '../repository/tree.ts';

/** The first restored name of a hard-link group. */
export interface LinkLeader {
  path: string;
  /** whether the object is in its place */
  done: Promise<boolean>;
  finish: (ok: boolean) => void;
  fingerprint: string;
}

/**
 * Hard-link groups met so far. Nodes of one group share an inode number; one that has another type or content all the
 * same (a repository may claim anything) is no member and is restored by itself.
 */
export class HardLinks {
  private readonly leaders = new Map<number, LinkLeader>();

  /** Makes the node the leader of its group (`leads`), or tells whom to link it to; undefined when it is not linked. */
  join(node: TreeNode, path: string): { leader: LinkLeader; leads: boolean } | undefined {
    if (node.inode === 0) return undefined;
    const fingerprint = fingerprintOf(node);
    const known = this.leaders.get(node.inode);
    if (known) return known.fingerprint === fingerprint ? { leader: known, leads: false } : undefined;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const leader: LinkLeader = { path, done: promise, finish: resolve, fingerprint };
    this.leaders.set(node.inode, leader);
    return { leader, leads: true };
  }
}

function fingerprintOf(node: TreeNode): string {
  const hash = createHash('sha256').update(`${node.mode}:${node.size}:${node.rdevMajor}:${node.rdevMinor}:`);
  hash.update(node.target, 'latin1').update(node.content);
  return hash.digest().toString('latin1', 0, 16);
}

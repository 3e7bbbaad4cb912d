/** What a vault's state knows of one file-system object. All strings are latin1-tagged bytes. */
export interface Entry {
  /** one path component; '' for the root of the module */
  name: string;
  /** st_mode with the file type */
  mode: number;
  uid: number;
  gid: number;
  /** owner and group names, '' where unknown */
  user: string;
  group: string;
  /** seconds since the epoch, may be negative, and nanoseconds 0..999,999,999 */
  mtime: number;
  mtimeNsec: number;
  /** seconds; undefined where the client did not send it (then the mtime stands in) */
  atime: number | undefined;
  /** bytes of a regular file, 0 otherwise */
  size: number;
  /** symlink target */
  target: string;
  rdevMajor: number;
  rdevMinor: number;
  /** hard-link group, unique in the vault and never used again; 0 when not hard-linked */
  inode: number;
  /** regular files: 32-byte blob IDs one after another, in the file's order; empty otherwise */
  blobs: Buffer;
  /** sorted by name; ACLs are system.posix_acl_access / _default in Linux's binary form */
  xattrs: Xattr[];
}

export interface Xattr {
  name: string;
  value: Buffer;
}

export const NO_BLOBS: Buffer = Buffer.alloc(0);

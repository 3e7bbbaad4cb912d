/** One entry of an rsync file list, decoded (docs/protocol.md, "File list"). Names and targets are latin1-tagged bytes. */
export interface FileEntry {
  /** path below the transfer root, no leading or trailing slash; '.' is the root itself */
  path: string;
  /** st_mode with the file type; 0 for a --delete-missing-args request */
  mode: number;
  /** bytes; 0 for what is neither file nor symlink */
  size: number;
  /** seconds since the epoch, may be negative */
  mtime: number;
  mtimeNsec: number;
  /** seconds; undefined unless -U was sent */
  atime: number | undefined;
  uid: number;
  gid: number;
  /** owner and group names where the sender gave them, else '' (before 'id lists' arrive, and with --numeric-ids) */
  user: string;
  group: string;
  /** device numbers, 0 unless a device */
  rdevMajor: number;
  rdevMinor: number;
  /** symlink target, '' otherwise */
  target: string;
  /** hard-link group: the index of the group's first entry, its own index for the first; -1 when not hard-linked */
  hardLink: number;
  /** directories: the sender sends what is inside it (so deletion may act there) */
  hasContent: boolean;
  /** directories: named on the command line, or the root */
  topDir: boolean;
  /** with -c, regular files: whole-file digest */
  digest: Buffer | undefined;
  /** with -A: see rsync/acl.ts */
  acl: Acl | undefined;
  defaultAcl: Acl | undefined;
  /** with -X: see rsync/xattr.ts; sorted as sent */
  xattrs: WireXattr[] | undefined;
}

/** A directory that is listed only for what lies below it (--relative): the sender marks it so. */
export const isImplied = (file: FileEntry): boolean => file.topDir && !file.hasContent;

/** POSIX ACL as rsync sends it. Permissions are rwx bits 0-7; undefined where the sender left the entry out. */
export interface Acl {
  user: number | undefined;
  group: number | undefined;
  mask: number | undefined;
  other: number | undefined;
  names: AclName[];
}

export interface AclName {
  kind: 'user' | 'group';
  id: number;
  access: number;
  /** '' where not sent */
  name: string;
}

/** An extended attribute as listed; `value` is undefined while only its md5 is known (values over 32 bytes). */
export interface WireXattr {
  name: string;
  value: Buffer | undefined;
  /** bytes of the value */
  length: number;
  /** 16-byte md5 of a value that was not sent */
  md5: Buffer | undefined;
  /** 1-based number by which the value is asked for */
  number: number;
}

/** One received list: the whole file list, or in incremental mode one directory's content. */
export interface FileList {
  /** index of the first entry */
  first: number;
  /** sorted as both sides sort; undefined where a duplicate was removed (its index stays unused) */
  entries: (FileEntry | undefined)[];
  /** with --iconv: the index of each slot, for then indices count as the list was sent; else they follow from `first` */
  indices: readonly number[] | undefined;
  /** number of the directory (in order of lists) it belongs to; -1 for the first list */
  parent: number;
  /** path of that directory; '' for the first list */
  parentPath: string;
  /** I/O error flags the sender put at the list's end */
  ioError: number;
}

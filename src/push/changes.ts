import type { Entry } from '../vault/entry.ts';

/** Whether two records of one object differ in anything that is stored. */
export function changed(a: Entry, b: Entry): boolean {
  return (
    a.mode !== b.mode ||
    a.mtime !== b.mtime ||
    a.mtimeNsec !== b.mtimeNsec ||
    a.atime !== b.atime ||
    a.uid !== b.uid ||
    a.gid !== b.gid ||
    a.user !== b.user ||
    a.group !== b.group ||
    a.size !== b.size ||
    a.target !== b.target ||
    a.rdevMajor !== b.rdevMajor ||
    a.rdevMinor !== b.rdevMinor ||
    a.inode !== b.inode ||
    (a.blobs !== b.blobs && !a.blobs.equals(b.blobs)) ||
    xattrsDiffer(a, b)
  );
}

function xattrsDiffer(a: Entry, b: Entry): boolean {
  if (a.xattrs === b.xattrs) return false;
  if (a.xattrs.length !== b.xattrs.length) return true;
  return a.xattrs.some((x, i) => x.name !== b.xattrs[i].name || !x.value.equals(b.xattrs[i].value));
}

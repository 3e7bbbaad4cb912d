import { chmodSync, fstatSync } from 'node:fs';
import { isSymlink, S_ISGID, S_ISUID } from '../lib/stat.ts';
import type { TreeNode } from '../repository/tree.ts';
import {
  changeOwner,
  getXattr,
  handlePath,
  listXattrs,
  removeXattr,
  SystemCallError,
  setTimes,
  setTimesAt,
  setXattr,
} from './libc.ts';
import { countUnset, type RestoreReport, type UnsetKind } from './report.ts';

const SET_ID = S_ISUID | S_ISGID;
const ACCESS_ACL = 'system.posix_acl_access';
const DEFAULT_ACL = 'system.posix_acl_default';
/** Why an attribute may stay unset without being a failure: no privilege, or a file system that does not carry it. */
const NOT_ALLOWED = new Set(['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'ENOSPC', 'E2BIG', 'ENOSYS']);

/** An object whose attributes are to be set: an open file or handle, and where its name is. */
export interface Subject {
  fd: number;
  /** for the report */
  path: string;
  /** where its name is, when `fd` is a handle (libc.ts: openHandleAt) and not an open file or directory */
  at?: { dir: number; name: string };
}

/**
 * Gives an object the owner, extended attributes, mode and times of its node, setting only what differs. The order
 * matters: a change of owner clears set-ID bits and capabilities, an ACL changes the mode, everything changes times.
 */
export function setAttributes(subject: Subject, node: TreeNode, report: RestoreReport): void {
  const owned = setOwner(subject, node, report);
  setXattrs(subject, node, report);
  if (!isSymlink(node.mode)) setMode(subject, node, owned, report);
  attempt(subject, report, 'time', () => {
    if (subject.at) setTimesAt(subject.at.dir, subject.at.name, node.atime, node.mtime);
    else setTimes(subject.fd, node.atime, node.mtime);
  });
}

function attempt(subject: Subject, report: RestoreReport, kind: UnsetKind, act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined || !NOT_ALLOWED.has(code)) throw error;
    countUnset(report, kind, subject.path, code);
    return false;
  }
}

/** Whether the object now has the node's owner and group. */
function setOwner(subject: Subject, node: TreeNode, report: RestoreReport): boolean {
  const stat = fstatSync(subject.fd);
  if (stat.uid === node.uid && stat.gid === node.gid) return true;
  try {
    changeOwner(subject.fd, node.uid, node.gid);
    return true;
  } catch (error) {
    if (!(error instanceof SystemCallError) || !NOT_ALLOWED.has(error.code)) throw error;
    countUnset(report, 'owner', subject.path, error.code);
  }
  // without privilege a group one is a member of can still be given
  if (stat.gid !== node.gid) {
    try {
      changeOwner(subject.fd, 0xffffffff, node.gid);
    } catch (error) {
      if (!(error instanceof SystemCallError) || !NOT_ALLOWED.has(error.code)) throw error;
    }
  }
  return false;
}

/** Set-ID bits mean something only together with the owner they were given for. */
function setMode(subject: Subject, node: TreeNode, owned: boolean, report: RestoreReport): void {
  let wanted = node.mode & 0o7777;
  if (!owned && (wanted & SET_ID) !== 0) {
    wanted &= ~SET_ID;
    countUnset(report, 'set-ID bits', subject.path, 'the owner could not be set');
  }
  if ((fstatSync(subject.fd).mode & 0o7777) === wanted) return;
  attempt(subject, report, 'mode', () => chmodSync(handlePath(subject.fd), wanted));
}

function setXattrs(subject: Subject, node: TreeNode, report: RestoreReport): void {
  const present = listXattrs(subject.fd);
  if (present.length === 0 && node.xattrs.length === 0) return;
  const wanted = new Set(node.xattrs.map((xattr) => xattr.name));
  for (const name of present) {
    if (wanted.has(name) || !isRemovable(name)) continue;
    attempt(subject, report, kindOf(name), () => removeXattr(subject.fd, name));
  }
  for (const { name, value } of node.xattrs) {
    if (present.includes(name) && sameValue(subject.fd, name, value)) continue;
    attempt(subject, report, kindOf(name), () => setXattr(subject.fd, name, value));
  }
}

/** What an object may have got from elsewhere (an inherited ACL, an older version); labels of the system stay. */
function isRemovable(name: string): boolean {
  return name.startsWith('user.') || name === ACCESS_ACL || name === DEFAULT_ACL;
}

function sameValue(fd: number, name: string, value: Buffer): boolean {
  try {
    return getXattr(fd, name).equals(value);
  } catch {
    return false; // not readable here: setting it decides
  }
}

function kindOf(name: string): UnsetKind {
  if (name === ACCESS_ACL || name === DEFAULT_ACL) return 'ACL';
  const space = name.slice(0, name.indexOf('.'));
  switch (space) {
    case 'user':
    case 'trusted':
    case 'security':
    case 'system':
      return `xattr ${space}.*`;
    default:
      return 'xattr other.*';
  }
}

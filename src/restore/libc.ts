/**
 * The system calls that Node does not offer and a confined restore needs: everything relative to a directory handle,
 * nanosecond times, device nodes, extended attributes. All are synchronous, about a microsecond of overhead each.
 *
 * Names are latin1-tagged bytes (lib/names.ts). Each call checks what it is given (`cName`: one component, no slash, no
 * NUL, not `.` or `..`) and throws a `SystemCallError` whose code is the errno's name.
 */
import { constants } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import koffi from 'koffi';
import { NightdropError } from '../lib/errors.ts';

export const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_REMOVEDIR = 0x200;
const AT_EMPTY_PATH = 0x1000;
const O_CLOEXEC = 0o2000000;
/** A handle that names an object without opening it (symlinks, fifos, devices). Its value is one on all of Linux. */
const O_PATH = 0o10000000;

/** A failed system call. `code` is the errno's name ('ENOSPC'), `call` the function's. */
export class SystemCallError extends NightdropError {
  readonly call: string;
  readonly errno: number;

  constructor(call: string, errno: number) {
    const [code, text] = getSystemErrorMap().get(-errno) ?? [`E${errno}`, `error ${errno}`];
    super(code, `${call}: ${text}`);
    this.call = call;
    this.errno = errno;
  }
}

// Symbols of the running process: they come from the libc Node itself is linked with, glibc or musl.
const libc = koffi.load(null);
const calls = {
  openat: libc.func('int openat(int dir, void *name, int flags, uint mode)'),
  mkdirat: libc.func('int mkdirat(int dir, void *name, uint mode)'),
  renameat: libc.func('int renameat(int fromDir, void *from, int toDir, void *to)'),
  symlinkat: libc.func('int symlinkat(void *target, int dir, void *name)'),
  linkat: libc.func('int linkat(int fromDir, void *from, int toDir, void *to, int flags)'),
  unlinkat: libc.func('int unlinkat(int dir, void *name, int flags)'),
  fchownat: libc.func('int fchownat(int dir, void *name, uint uid, uint gid, int flags)'),
  utimensat: libc.func('int utimensat(int dir, void *name, void *times, int flags)'),
  futimens: libc.func('int futimens(int fd, void *times)'),
  setxattr: libc.func('int setxattr(void *path, void *name, void *value, size_t size, int flags)'),
  removexattr: libc.func('int removexattr(void *path, void *name)'),
  listxattr: libc.func('long listxattr(void *path, void *list, size_t size)'),
  llistxattr: libc.func('long llistxattr(void *path, void *list, size_t size)'),
  getxattr: libc.func('long getxattr(void *path, void *name, void *value, size_t size)'),
  lgetxattr: libc.func('long lgetxattr(void *path, void *name, void *value, size_t size)'),
  mknodat: bindMknodat(),
};

/** glibc before 2.33 has mknodat only as an inline function over __xmknodat. */
function bindMknodat(): (dir: number, name: Buffer, mode: number, device: bigint) => number {
  try {
    return libc.func('int mknodat(int dir, void *name, uint mode, uint64_t device)');
  } catch {
    const inner = libc.func('int __xmknodat(int version, int dir, void *name, uint mode, void *device)');
    return (dir, name, mode, device) => inner(0, dir, name, mode, Buffer.from(BigUint64Array.of(device).buffer));
  }
}

function check(call: keyof typeof calls, result: number | bigint): number {
  if (result < 0) throw new SystemCallError(call, koffi.errno());
  return Number(result);
}

/** NUL-terminated bytes; a NUL inside or more than `limit` bytes is refused. */
function cString(text: string, limit: number): Buffer {
  if (text.length > limit || text.includes('\0')) {
    throw new NightdropError('ERR_BAD_NAME', `a name is longer than ${limit} bytes or holds a NUL byte`);
  }
  const bytes = Buffer.allocUnsafe(text.length + 1);
  bytes.write(text, 0, 'latin1');
  bytes[text.length] = 0;
  return bytes;
}

/** Whether a stored name may be used as one path component. */
export function isComponent(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= 255 &&
    name !== '.' &&
    name !== '..' &&
    !name.includes('/') &&
    !name.includes('\0')
  );
}

function cName(name: string): Buffer {
  if (!isComponent(name)) throw new NightdropError('ERR_BAD_NAME', 'a name is not a single path component');
  return cString(name, 255);
}

/** Opens a directory below `dir` without following a symlink. */
export function openDirectoryAt(dir: number, name: string): number {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_CLOEXEC;
  return check('openat', calls.openat(dir, cName(name), flags, 0));
}

/** Creates a file that must not exist yet and opens it for writing; mode 0600 until its content is complete. */
export function createFileAt(dir: number, name: string): number {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | O_CLOEXEC;
  return check('openat', calls.openat(dir, cName(name), flags, 0o600));
}

/** A handle on whatever bears the name, a symlink itself included, that allows changing attributes but no I/O. */
export function openHandleAt(dir: number, name: string): number {
  return check('openat', calls.openat(dir, cName(name), O_PATH | constants.O_NOFOLLOW | O_CLOEXEC, 0));
}

export function makeDirectoryAt(dir: number, name: string, mode: number): void {
  check('mkdirat', calls.mkdirat(dir, cName(name), mode));
}

export function renameAt(dir: number, from: string, to: string): void {
  check('renameat', calls.renameat(dir, cName(from), dir, cName(to)));
}

export function symlinkAt(target: string, dir: number, name: string): void {
  check('symlinkat', calls.symlinkat(cString(target, 4095), dir, cName(name)));
}

/** A second name for an object; a symlink is linked itself. */
export function linkAt(fromDir: number, from: string, toDir: number, to: string): void {
  check('linkat', calls.linkat(fromDir, cName(from), toDir, cName(to), 0));
}

export function unlinkAt(dir: number, name: string): void {
  check('unlinkat', calls.unlinkat(dir, cName(name), 0));
}

export function removeDirectoryAt(dir: number, name: string): void {
  check('unlinkat', calls.unlinkat(dir, cName(name), AT_REMOVEDIR));
}

/** st_rdev as Linux packs it: the minor's low 8 bits, 12 bits of the major, the rest of both above. */
export function deviceNumber(major: number, minor: number): bigint {
  const [a, b] = [BigInt(major), BigInt(minor)];
  return (b & 0xffn) | ((a & 0xfffn) << 8n) | ((b & ~0xffn) << 12n) | ((a & ~0xfffn) << 32n);
}

/** `mode` with the file type; `device` as `deviceNumber` packs it, 0 for fifos and sockets. */
export function makeNodeAt(dir: number, name: string, mode: number, device: bigint): void {
  check('mknodat', calls.mknodat(dir, cName(name), mode, device));
}

/** Owner of what an open file or a handle stands for; 0xffffffff leaves one of the two as it is. */
export function changeOwner(fd: number, uid: number, gid: number): void {
  check('fchownat', calls.fchownat(fd, EMPTY, uid >>> 0, gid >>> 0, AT_EMPTY_PATH));
}

const EMPTY = Buffer.from('\0');

export interface Timestamp {
  /** seconds since the epoch, may be negative */
  sec: number;
  /** 0..999,999,999 */
  nsec: number;
}

function timespecs(atime: Timestamp, mtime: Timestamp): Buffer {
  const words = BigInt64Array.of(BigInt(atime.sec), BigInt(atime.nsec), BigInt(mtime.sec), BigInt(mtime.nsec));
  return Buffer.from(words.buffer);
}

export function setTimes(fd: number, atime: Timestamp, mtime: Timestamp): void {
  check('futimens', calls.futimens(fd, timespecs(atime, mtime)));
}

/** Times of a symlink or special file by name: handles (O_PATH) take times only on recent kernels. */
export function setTimesAt(dir: number, name: string, atime: Timestamp, mtime: Timestamp): void {
  check('utimensat', calls.utimensat(dir, cName(name), timespecs(atime, mtime), AT_SYMLINK_NOFOLLOW));
}

/** The path under /proc by which path-only calls reach an open file or handle, and nothing else. */
export function handlePath(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** The same for a name inside a directory handle, as bytes for node:fs. lstat does not follow the last component. */
export function pathAt(dir: number, name: string): Buffer {
  cName(name);
  return Buffer.from(`${handlePath(dir)}/${name}`, 'latin1');
}

const XATTR_NAME_MAX = 255;
const XATTR_SIZE_MAX = 65536;
const PATH_MAX = 4096;

export function setXattr(fd: number, name: string, value: Buffer): void {
  const path = cString(handlePath(fd), PATH_MAX);
  check('setxattr', calls.setxattr(path, cString(name, XATTR_NAME_MAX), value, value.length, 0));
}

export function removeXattr(fd: number, name: string): void {
  check('removexattr', calls.removexattr(cString(handlePath(fd), PATH_MAX), cString(name, XATTR_NAME_MAX)));
}

/** Names of the extended attributes of an open file or handle. */
export function listXattrs(fd: number): string[] {
  return readNames('listxattr', cString(handlePath(fd), PATH_MAX));
}

export function getXattr(fd: number, name: string): Buffer {
  return readValue('getxattr', cString(handlePath(fd), PATH_MAX), name);
}

/** The same by path (latin1-tagged), of a symlink itself where the path is one. */
export function listXattrsOf(path: string): string[] {
  return readNames('llistxattr', cString(path, PATH_MAX));
}

export function getXattrOf(path: string, name: string): Buffer {
  return readValue('lgetxattr', cString(path, PATH_MAX), name);
}

let scratch: Buffer | undefined;

function readNames(call: 'listxattr' | 'llistxattr', path: Buffer): string[] {
  scratch ??= Buffer.alloc(XATTR_SIZE_MAX);
  const length = Number(calls[call](path, scratch, scratch.length));
  if (length < 0) {
    const error = new SystemCallError(call, koffi.errno());
    if (error.code === 'ENOTSUP' || error.code === 'EOPNOTSUPP') return [];
    throw error;
  }
  return scratch.toString('latin1', 0, length).split('\0').slice(0, -1);
}

function readValue(call: 'getxattr' | 'lgetxattr', path: Buffer, name: string): Buffer {
  scratch ??= Buffer.alloc(XATTR_SIZE_MAX);
  const length = check(call, calls[call](path, cString(name, XATTR_NAME_MAX), scratch, scratch.length));
  return Buffer.from(scratch.subarray(0, length));
}

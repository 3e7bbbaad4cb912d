import { isDir, isFile, isSymlink, S_IFLNK } from '../lib/stat.ts';
import type { FileEntry } from '../rsync/entry.ts';
import type { ServerOptions } from '../rsync/options.ts';
import { type Entry, NO_BLOBS } from '../vault/entry.ts';
import type { VaultPolicy } from '../vault/policy.ts';
import { resultingXattrs } from './xattrs.ts';

const PERMISSIONS = 0o7777;

export interface AttributeRules {
  options: ServerOptions;
  policy: VaultPolicy;
  /** seconds: the time of what is pushed without -t */
  now: number;
}

/**
 * The attributes that `file` leaves at its destination, in the place of `existing` (docs/protocol.md, "Attributes").
 *
 * @param existing what is there, of the same type; undefined when nothing is
 * @param replaced regular files: the content is new, so a stock receiver would have made a new file
 */
export function resultingEntry(
  rules: AttributeRules,
  name: string,
  file: FileEntry,
  existing: Entry | undefined,
  replaced: boolean,
): Entry {
  const { options, policy, now } = rules;
  const kept = replaced ? undefined : existing;
  const entry: Entry = {
    name,
    mode: resultingMode(rules, file, existing),
    uid: options.owner ? file.uid : (kept?.uid ?? policy.defaultUid),
    gid: options.group ? file.gid : (kept?.gid ?? policy.defaultGid),
    user: options.owner ? file.user : (kept?.user ?? ''),
    group: options.group ? file.group : (kept?.group ?? ''),
    mtime: file.mtime,
    mtimeNsec: file.mtimeNsec,
    atime: options.atimes && !isDir(file.mode) ? file.atime : kept?.atime,
    size: isFile(file.mode) ? file.size : 0,
    target: file.target,
    rdevMajor: file.rdevMajor,
    rdevMinor: file.rdevMinor,
    inode: kept?.inode ?? 0,
    blobs: kept?.blobs ?? NO_BLOBS,
    xattrs: resultingXattrs(options, file, kept, existing),
  };
  if (!keepsTime(options, file)) {
    entry.mtime = kept?.mtime ?? now;
    entry.mtimeNsec = kept?.mtimeNsec ?? 0;
  } else if (kept !== undefined && sameTime(options, kept, file) && !isAccurate(options, file)) {
    // within the window the time that is there stays, nanoseconds included
    entry.mtime = kept.mtime;
    entry.mtimeNsec = kept.mtimeNsec;
  }
  // names come only with the numbers they belong to; a push with --numeric-ids keeps a name that still fits
  if (options.owner && entry.user === '' && existing?.uid === entry.uid) entry.user = existing.user;
  if (options.group && entry.group === '' && existing?.gid === entry.gid) entry.group = existing.group;
  return entry;
}

/** A directory whose content changes within the second it was pushed in gets its time anew in stock. */
function isAccurate(options: ServerOptions, file: FileEntry): boolean {
  return options.modifyWindow < 0 || (options.modifyWindow === 0 && isDir(file.mode));
}

/** Whether -t applies to this kind of object. */
export function keepsTime(options: ServerOptions, file: FileEntry): boolean {
  if (!options.times) return false;
  if (isDir(file.mode)) return !options.omitDirTimes;
  if (isSymlink(file.mode)) return !options.omitLinkTimes;
  return true;
}

/** Whether directories have the client's times in the end, whatever happens in them. */
export function followsDirTimes(options: ServerOptions): boolean {
  return options.times && !options.omitDirTimes;
}

/** Equal within --modify-window: 0 compares seconds, -1 nanoseconds too. */
export function sameTime(
  options: ServerOptions,
  a: { mtime: number; mtimeNsec: number },
  b: { mtime: number; mtimeNsec: number },
): boolean {
  const window = options.modifyWindow;
  if (window < 0) return a.mtime === b.mtime && a.mtimeNsec === b.mtimeNsec;
  return Math.abs(a.mtime - b.mtime) <= window;
}

function resultingMode(rules: AttributeRules, file: FileEntry, existing: Entry | undefined): number {
  if (isSymlink(file.mode)) return S_IFLNK | 0o777;
  if (rules.options.perms) return file.mode;
  if (existing === undefined) return (file.mode & ~PERMISSIONS) | (file.mode & 0o777 & ~rules.policy.umask);
  let permissions = existing.mode & PERMISSIONS;
  if (rules.options.executability && isFile(file.mode)) {
    if ((file.mode & 0o111) === 0) permissions &= ~0o111;
    else if ((permissions & 0o111) === 0) permissions |= (permissions & 0o444) >> 2;
  }
  return (file.mode & ~PERMISSIONS) | permissions;
}

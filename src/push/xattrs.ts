import { isSymlink } from '../lib/stat.ts';
import { aclToXattr, defaultAclToXattr } from '../rsync/acl.ts';
import type { FileEntry } from '../rsync/entry.ts';
import type { ServerOptions } from '../rsync/options.ts';
import { isXattrValue, keepsXattr, sameXattrs, takeWantedXattrs } from '../rsync/xattr.ts';
import type { Entry, Xattr } from '../vault/entry.ts';
import type { Item } from './lists.ts';
import type { PushSession } from './session.ts';

const ACL_ACCESS = 'system.posix_acl_access';
const ACL_DEFAULT = 'system.posix_acl_default';

export const isAcl = (name: string): boolean => name === ACL_ACCESS || name === ACL_DEFAULT;

/**
 * Attributes an object ends up with: what -X and -A bring, and of what is kept whatever they do not speak of.
 *
 * @param existing what is there, kept or not: long values that it has were not sent again
 */
export function resultingXattrs(
  options: ServerOptions,
  file: FileEntry,
  kept: Entry | undefined,
  existing: Entry | undefined,
): Xattr[] {
  const present = kept?.xattrs ?? [];
  if (!options.acls && !options.xattrs) return present;
  const xattrs = options.xattrs
    ? wireXattrs(options, file, existing?.xattrs ?? [])
    : present.filter((x) => !isAcl(x.name));
  const acls = options.acls ? wireAcls(file) : present.filter((x) => isAcl(x.name));
  if (acls.length === 0) return xattrs;
  return [...xattrs, ...acls].sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function differingXattrs(
  options: ServerOptions,
  file: FileEntry,
  existing: Entry,
): { acl: boolean; xattr: boolean } {
  const acls = existing.xattrs.filter((x) => isAcl(x.name));
  const others = acls.length === 0 ? existing.xattrs : existing.xattrs.filter((x) => !isAcl(x.name));
  return {
    acl: options.acls && !isSymlink(file.mode) && !sameAcls(wireAcls(file), acls),
    xattr: options.xattrs && !sameXattrs(file.xattrs ?? [], others, keepsOf(options)),
  };
}

/** Numbers of the long values that are neither known yet nor asked for with another item: this one's asks for them. */
export function wantedXattrs(session: PushSession, item: Item): number[] {
  const present = (item.alternative ?? session.destination.entry(item.path))?.xattrs ?? [];
  return takeWantedXattrs(item.file.xattrs ?? [], present, keepsOf(session.options));
}

/** Puts the values a reply brought where they belong. */
export function applyXattrAnswer(session: PushSession, item: Item, values: Map<number, Buffer>): void {
  for (const x of item.file.xattrs ?? []) x.value ??= values.get(x.number);
  const entry = session.destination.entry(item.path);
  if (item.offered !== undefined || entry === undefined) return;
  session.destination.put(item.path, { ...entry, xattrs: resultingXattrs(session.options, item.file, entry, entry) });
}

/** Whether values of the item are still to come with its reply. */
export function awaitsXattrs(session: PushSession, item: Item, present: Xattr[]): boolean {
  if (item.wantedXattrs === undefined) return false;
  const keeps = keepsOf(session.options);
  return (item.file.xattrs ?? []).some(
    (x) =>
      x.value === undefined && keeps(x.name) && !present.some((p) => p.name === x.name && isXattrValue(x, p.value)),
  );
}

function keepsOf({ rsyncXattrs }: ServerOptions): (name: string) => boolean {
  return (name) => keepsXattr(name, rsyncXattrs);
}

function wireXattrs(options: ServerOptions, file: FileEntry, present: Xattr[]): Xattr[] {
  const xattrs: Xattr[] = [];
  for (const x of file.xattrs ?? []) {
    if (!keepsXattr(x.name, options.rsyncXattrs)) continue;
    // a value that is here already, under the same name and with the md5 the client told
    const value = x.value ?? present.find((p) => p.name === x.name && isXattrValue(x, p.value))?.value;
    if (value !== undefined) xattrs.push({ name: x.name, value });
  }
  return xattrs.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function wireAcls(file: FileEntry): Xattr[] {
  const acls: Xattr[] = [];
  const access = file.acl && aclToXattr(file.acl, file.mode);
  if (access !== undefined) acls.push({ name: ACL_ACCESS, value: access });
  const inherited = file.defaultAcl && defaultAclToXattr(file.defaultAcl);
  if (inherited !== undefined) acls.push({ name: ACL_DEFAULT, value: inherited });
  return acls;
}

function sameAcls(a: Xattr[], b: Xattr[]): boolean {
  return a.length === b.length && a.every((x, i) => x.name === b[i].name && x.value.equals(b[i].value));
}

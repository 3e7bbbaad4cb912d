import { isSymlink } from '../lib/stat.ts';
import { aclToXattr, defaultAclToXattr } from '../rsync/acl.ts';
import type { FileEntry, WireXattr } from '../rsync/entry.ts';
import type { ServerOptions } from '../rsync/options.ts';
import { keepsXattr, xattrMd5 } from '../rsync/xattr.ts';
import type { Entry, Xattr } from '../vault/entry.ts';
import type { Item } from './lists.ts';
import type { PushSession } from './session.ts';

const ACL_ACCESS = 'system.posix_acl_access';
const ACL_DEFAULT = 'system.posix_acl_default';

const isAcl = (name: string): boolean => name === ACL_ACCESS || name === ACL_DEFAULT;

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
  const xattrs = options.xattrs ? wireXattrs(file, existing?.xattrs ?? []) : present.filter((x) => !isAcl(x.name));
  const acls = options.acls ? wireAcls(file) : present.filter((x) => isAcl(x.name));
  if (acls.length === 0) return xattrs;
  return [...xattrs, ...acls].sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function differingXattrs(
  options: ServerOptions,
  file: FileEntry,
  existing: Entry,
): { acl: boolean; xattr: boolean } {
  return {
    acl:
      options.acls &&
      !isSymlink(file.mode) &&
      !sameXattrs(
        wireAcls(file),
        existing.xattrs.filter((x) => isAcl(x.name)),
      ),
    xattr: options.xattrs && xattrsDiffer(file, existing),
  };
}

/** Numbers of the long values that are not known yet: they are asked for with the item. */
export function wantedXattrs(session: PushSession, item: Item): number[] {
  const present = session.destination.entry(item.path)?.xattrs ?? [];
  const wanted: number[] = [];
  for (const x of item.file.xattrs ?? []) {
    if (x.value === undefined && keepsXattr(x.name) && knownValue(x, present) === undefined) wanted.push(x.number);
  }
  return wanted;
}

/** Puts the values a reply brought where they belong. */
export function applyXattrAnswer(session: PushSession, item: Item, values: Map<number, Buffer>): void {
  for (const x of item.file.xattrs ?? []) x.value ??= values.get(x.number);
  const entry = session.destination.entry(item.path);
  if (item.offered !== undefined || entry === undefined) return;
  session.destination.put(item.path, { ...entry, xattrs: resultingXattrs(session.options, item.file, entry, entry) });
}

function xattrsDiffer(file: FileEntry, existing: Entry): boolean {
  const sent = (file.xattrs ?? []).filter((x) => keepsXattr(x.name));
  const present = existing.xattrs.filter((x) => !isAcl(x.name));
  if (sent.length !== present.length) return true;
  return sent.some((x) => {
    const known = present.find((p) => p.name === x.name);
    return known === undefined || !hasValue(x, known.value);
  });
}

function wireXattrs(file: FileEntry, present: Xattr[]): Xattr[] {
  const xattrs: Xattr[] = [];
  for (const x of file.xattrs ?? []) {
    const value = x.value ?? knownValue(x, present);
    if (value !== undefined && keepsXattr(x.name)) xattrs.push({ name: x.name, value });
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

/** A value that is here already, under the same name and with the md5 the client told. */
function knownValue(x: WireXattr, present: Xattr[]): Buffer | undefined {
  const known = present.find((p) => p.name === x.name);
  return known !== undefined && hasValue(x, known.value) ? known.value : undefined;
}

function hasValue(x: WireXattr, value: Buffer): boolean {
  if (x.length !== value.length) return false;
  if (x.value !== undefined) return x.value.equals(value);
  return x.md5?.equals(xattrMd5(value)) ?? false;
}

function sameXattrs(a: Xattr[], b: Xattr[]): boolean {
  return a.length === b.length && a.every((x, i) => x.name === b[i].name && x.value.equals(b[i].value));
}

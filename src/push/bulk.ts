import type { Entry } from '../vault/entry.ts';

/**
 * What a directory may hold in all, in bytes. A directory is one record and one tree, which every push that touches it has in
 * memory, and which must not come out longer than a tree that is believed (docs/repository.md, "Large directories"). A few
 * bytes of a file list can say much: entries share lists of attributes, links share targets and content.
 */
export const MOST_BULK = 384 << 20;

/** Of an entry and of an attribute, without their texts and values: about what their objects take. */
const ENTRY = 330;
const ATTRIBUTE = 300;
/** Texts may grow where they are escaped: fourfold and more, but what is named so is short. */
const NAME = 2;
const TARGET = 4;

/** About how much of its directory an entry is, in bytes. */
export function bulkOf({ name, user, group, target, blobs, xattrs }: Entry): number {
  let bulk = ENTRY + NAME * (name.length + user.length + group.length) + TARGET * target.length + blobs.length;
  for (const xattr of xattrs) bulk += ATTRIBUTE + NAME * xattr.name.length + xattr.value.length;
  return bulk;
}

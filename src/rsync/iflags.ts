/** What a request or reply says of an item: 16 bits (docs/protocol.md, "Item flags"). */
export const ItemFlag = {
  reportAtime: 1 << 0,
  /** checksum or value differs */
  reportChange: 1 << 1,
  /** size differs; for symlinks: the time could not be set */
  reportSize: 1 << 2,
  reportTime: 1 << 3,
  reportPerms: 1 << 4,
  reportOwner: 1 << 5,
  reportGroup: 1 << 6,
  reportAcl: 1 << 7,
  reportXattr: 1 << 8,
  reportCrtime: 1 << 10,
  /** a byte follows that says what the basis is */
  basisTypeFollows: 1 << 11,
  /** a name follows */
  nameFollows: 1 << 12,
  isNew: 1 << 13,
  /** something is done at the receiver without a transfer */
  localChange: 1 << 14,
  /** content is asked for */
  transfer: 1 << 15,
} as const;

/** What the byte after `basisTypeFollows` says; below sameName: the number of a directory of --link-dest and its like. */
export const BasisType = {
  sameName: 0x80,
  partial: 0x81,
  backup: 0x82,
  similarName: 0x83,
} as const;

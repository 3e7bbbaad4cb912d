/** Flags at the head of a file-list entry (docs/protocol.md, "File list"). Some bits mean two things by age or by type. */
export const EntryFlag = {
  topDir: 1 << 0,
  sameMode: 1 << 1,
  extended: 1 << 2,
  sameUid: 1 << 3,
  sameGid: 1 << 4,
  sameName: 1 << 5,
  longName: 1 << 6,
  sameTime: 1 << 7,
  /** devices */
  sameRdevMajor: 1 << 8,
  /** directories, protocol 30 and later */
  noContentDir: 1 << 8,
  hardLinked: 1 << 9,
  /** protocol 28 and 29 */
  sameDevice: 1 << 10,
  /** protocol 30 and later */
  userNameFollows: 1 << 10,
  /** protocol 28 and 29 */
  rdevMinor8: 1 << 11,
  /** protocol 30 and later */
  groupNameFollows: 1 << 11,
  hardLinkFirst: 1 << 12,
  ioErrorEndsList: 1 << 12,
  mtimeNsec: 1 << 13,
  sameAtime: 1 << 14,
  crtimeIsMtime: 1 << 17,
} as const;

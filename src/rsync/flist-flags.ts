/** Flags at the head of a file-list entry (docs/protocol.md, "File list"). Some bits mean two things by age or by type. */
export const EntryFlag = {
  topDir: 1 << 0,
  sameMode: 1 << 1,
  /** protocol 28 and later: a second byte of flags follows */
  extended: 1 << 2,
  /** protocol 27: the whole device number */
  sameRdev: 1 << 2,
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

/** Bits without a meaning here. A client that sets one would send bytes that we could not place. */
export const UNKNOWN_FLAGS = ~((1 << 15) - 1 + EntryFlag.crtimeIsMtime);

/** I/O error flags that are defined: general, vanished, delete limit. */
export const IO_ERROR_MASK = 7;
export const IO_ERROR_GENERAL = 1;
export const IO_ERROR_VANISHED = 2;

import { ByteReader, ByteWriter } from '../../src/rsync/bytes.ts';
import type { FileEntry, FileList } from '../../src/rsync/entry.ts';
import { FileListReceiver, type FileListSettings } from '../../src/rsync/flist.ts';
import { EntryFlag } from '../../src/rsync/flist-flags.ts';

/** Settings of a stock client of today with -aHD, one whole list, ids as numbers. */
export function settingsOf(
  changes: Partial<FileListSettings> = {},
  preserve: Partial<FileListSettings['preserve']> = {},
) {
  const settings: FileListSettings = {
    protocol: 32,
    incremental: false,
    varintFlags: true,
    safeEnd: true,
    id0Names: true,
    preserve: {
      owner: true,
      group: true,
      devices: true,
      specials: true,
      links: true,
      hardLinks: true,
      atimes: false,
      acls: false,
      xattrs: false,
      ...preserve,
    },
    relative: false,
    numericIds: true,
    digestLength: 0,
    ...changes,
  };
  return settings;
}

export interface WireEntry {
  path: string;
  mode?: number;
  flags?: number;
  size?: number;
  mtime?: number;
  nsec?: number;
  uid?: number;
  gid?: number;
  /** bytes after the name, in place of everything else */
  rest?: (writer: ByteWriter) => void;
  /** bytes after the usual ones */
  more?: (writer: ByteWriter) => void;
  /** index of the first of a hard-link group */
  linkTo?: number;
}

/** One entry with varint flags and nothing left out but what `flags` says. */
export function writeEntry(writer: ByteWriter, entry: WireEntry): ByteWriter {
  const { path, mode = 0o100644, size = 1, mtime = 1_700_000_000, uid = 0, gid = 0 } = entry;
  let flags = entry.flags ?? 0;
  if (entry.nsec !== undefined) flags |= EntryFlag.mtimeNsec;
  if (entry.linkTo !== undefined) flags |= EntryFlag.hardLinked;
  if (path.length > 255) flags |= EntryFlag.longName;
  writer.varint(flags === 0 ? EntryFlag.extended : flags);
  if (flags & EntryFlag.longName) writer.varint(path.length);
  else writer.u8(path.length);
  writer.latin1(path);
  if (entry.rest !== undefined) {
    entry.rest(writer);
    return writer;
  }
  if (entry.linkTo !== undefined) writer.varint(entry.linkTo);
  writer.varlong(size, 3).varlong(mtime, 4);
  if (entry.nsec !== undefined) writer.varint(entry.nsec);
  writer.i32(mode).varint(uid).varint(gid);
  entry.more?.(writer);
  return writer;
}

export const endOfList = (writer: ByteWriter, ioError = 0): Buffer => writer.varint(0).varint(ioError).take();

/** A whole list of these entries. */
export function encodeList(entries: WireEntry[], ioError = 0): Buffer {
  const writer = new ByteWriter();
  for (const entry of entries) writeEntry(writer, entry);
  return endOfList(writer, ioError);
}

/** Lists one after the other; sub-lists with their directory's number. */
export function decodeLists(settings: FileListSettings, lists: [directory: number, bytes: Buffer][]): FileList[] {
  const receiver = new FileListReceiver(settings);
  return lists.map(([directory, bytes]) => {
    receiver.begin(directory);
    const list = receiver.readAvailable(new ByteReader(bytes));
    if (list === undefined) throw new Error('the list has no end');
    return list;
  });
}

export function decodeList(settings: FileListSettings, bytes: Buffer): (FileEntry | undefined)[] {
  return decodeLists(settings, [[-1, bytes]])[0].entries;
}

export const pathsOf = (entries: readonly (FileEntry | undefined)[]): (string | undefined)[] =>
  entries.map((e) => e?.path);

/** File lists as they come: one for all, or in incremental mode one per directory (docs/protocol.md, "File list"). */
import { ProtocolError } from '../lib/errors.ts';
import { printable } from '../lib/names.ts';
import { isDir } from '../lib/stat.ts';
import type { ByteReader } from './bytes.ts';
import type { FileEntry, FileList } from './entry.ts';
import { checkedOwner, EntryDecoder, type FileListSettings } from './flist-entry.ts';
import { EntryFlag } from './flist-flags.ts';
import { emptyDuplicates, sortEntries } from './flist-sort.ts';

export type { FileListSettings } from './flist-entry.ts';

/** Entries one list may have. */
const MOST_ENTRIES = 20_000_000;

type Stage = 'entries' | 'users' | 'groups' | 'end';

/**
 * Puts lists together from their entries, sorts and numbers them, and keeps track of the directories whose lists are
 * still to come. Of a finished list nothing is kept but its directories.
 */
export class FileListReceiver {
  private readonly settings: FileListSettings;
  private readonly entryDecoder: EntryDecoder;
  /** directories by number, until their list comes */
  private readonly directories = new Map<number, FileEntry>();
  private directoryCount = 0;
  private nextFirst: number;
  private entries: FileEntry[] = [];
  private stage: Stage = 'entries';
  private ioError = 0;
  private parent = -1;
  private parentEntry: FileEntry | undefined;

  constructor(settings: FileListSettings) {
    this.settings = settings;
    this.entryDecoder = new EntryDecoder(settings);
    this.nextFirst = settings.incremental ? 1 : 0;
  }

  /** The list of directory number `directory` comes next; -1: the first list. */
  begin(directory: number): void {
    this.entries = [];
    this.stage = 'entries';
    this.ioError = 0;
    this.parent = directory;
    this.parentEntry = undefined;
    if (directory < 0) return;
    this.parentEntry = this.directories.get(directory);
    if (this.parentEntry === undefined)
      throw new ProtocolError(`the client sends a list for directory number ${directory}, which is unknown or has one`);
    this.directories.delete(directory);
  }

  /** Reads one message of the list; the list when that was its last. */
  read(reader: ByteReader): FileList | undefined {
    if (this.stage === 'entries') {
      if (this.readEntry(reader)) return undefined;
      this.stage = this.settings.incremental ? 'end' : 'users';
      return this.settings.incremental ? this.finish() : undefined;
    }
    if (this.stage === 'users' || this.stage === 'groups') {
      this.readId(reader);
      return this.idsOver() && this.settings.protocol >= 30 ? this.finish() : undefined;
    }
    this.ioError |= reader.i32();
    return this.finish();
  }

  /** The directory a list is the content of; undefined for a first list that has no '.'. */
  directory(list: FileList): FileEntry | undefined {
    return list.parent < 0 ? undefined : this.parentEntry;
  }

  private idsOver(): boolean {
    return this.stage === 'end';
  }

  private get nextIndex(): number {
    return this.nextFirst + this.entries.length;
  }

  /** False when the list's entries are over. */
  private readEntry(reader: ByteReader): boolean {
    const flags = this.readFlags(reader);
    if (flags === 0) return false;
    if (this.entries.length >= MOST_ENTRIES)
      throw new ProtocolError(`a file list has more than ${MOST_ENTRIES} entries`);
    const entry = this.entryDecoder.read(reader, flags, this.nextIndex, this.entries, this.nextFirst);
    if (this.settings.incremental) this.checkParent(entry);
    this.entries.push(entry);
    return true;
  }

  /** 0 at the end of the list, with the I/O error code taken in. */
  private readFlags(reader: ByteReader): number {
    const { varintFlags, protocol, safeEnd } = this.settings;
    if (varintFlags) {
      const flags = reader.varint();
      if (flags === 0) this.ioError |= reader.varint();
      return flags;
    }
    let flags = reader.u8();
    if (protocol >= 28 && flags & EntryFlag.extended) flags |= reader.u8() << 8;
    if (flags !== (EntryFlag.extended | EntryFlag.ioErrorEndsList)) return flags;
    if (!safeEnd) throw new ProtocolError('a file list ends in a way that was not agreed on');
    this.ioError |= reader.varint();
    return 0;
  }

  private checkParent(entry: FileEntry): void {
    const slash = entry.path.lastIndexOf('/');
    const parent = slash < 0 ? '' : entry.path.slice(0, slash);
    const expected = this.parentEntry === undefined || this.parentEntry.path === '.' ? '' : this.parentEntry.path;
    if (parent !== expected)
      throw new ProtocolError(`the list of ${printable(expected)} holds ${printable(entry.path)}, which is not in it`);
    if (entry.path === '.' && this.parent >= 0)
      throw new ProtocolError('the list of a directory holds the root of the transfer');
  }

  /** Names of ids follow a whole list: uids, then gids, each ended by 0. One pair is one message, one call. */
  private readId(reader: ByteReader): void {
    const { preserve, numericIds, protocol, id0Names } = this.settings;
    const kind = this.stage === 'users' ? 'user' : 'group';
    const listed = !numericIds && (kind === 'user' ? preserve.owner || preserve.acls : preserve.group || preserve.acls);
    let over = true;
    if (listed) {
      const id = reader.varint30(protocol) >>> 0;
      over = id === 0;
      if (id !== 0 || id0Names) this.entryDecoder.setName(kind, id, checkedOwner(reader.latin1(reader.u8())));
    }
    if (over) this.stage = kind === 'user' ? 'groups' : 'end';
  }

  private finish(): FileList {
    const { settings } = this;
    const sorted = sortEntries(this.entries, settings.protocol);
    if (!settings.incremental) this.nameOwners(sorted);
    else this.numberDirectories(sorted);
    const first = this.nextFirst;
    this.nextFirst = first + sorted.length + (settings.incremental ? 1 : 0);
    this.entries = [];
    const entries = emptyDuplicates(sorted);
    if (settings.incremental && this.parent < 0 && entries[0]?.path === '.') {
      // the first list is the content of '.', which stands in it too
      this.parent = 0;
      this.parentEntry = entries[0];
      this.directories.delete(0);
    }
    const parentPath = this.parentEntry === undefined || this.parentEntry.path === '.' ? '' : this.parentEntry.path;
    return { first, entries, parent: this.parent, parentPath, ioError: this.ioError };
  }

  private nameOwners(entries: FileEntry[]): void {
    for (const entry of entries) {
      entry.user = this.entryDecoder.name('user', entry.uid);
      entry.group = this.entryDecoder.name('group', entry.gid);
    }
  }

  private numberDirectories(sorted: FileEntry[]): void {
    for (const entry of sorted) {
      if (!isDir(entry.mode)) continue;
      this.directories.set(this.directoryCount++, entry);
    }
  }
}

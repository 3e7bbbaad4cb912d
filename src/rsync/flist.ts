/** File lists as they come: one for all, or in incremental mode one per directory (docs/protocol.md, "File list"). */
import { ProtocolError } from '../lib/errors.ts';
import { type ByteReader, NEED_MORE } from './bytes.ts';
import type { FileEntry, FileList } from './entry.ts';
import { checkInside, DirectoryNumbers } from './flist-directories.ts';
import { EntryDecoder, UNCONVERTED } from './flist-entry.ts';
import { EntryFlag, IO_ERROR_MASK } from './flist-flags.ts';
import type { FileListSettings } from './flist-settings.ts';
import { SortedList, stripRoots } from './flist-sort.ts';
import { unlinkSingles } from './hard-link-groups.ts';
import { IdListDecoder } from './id-list.ts';

export type { FileListSettings } from './flist-settings.ts';

/** Entries one list may have. */
const MOST_ENTRIES = 20_000_000;

/**
 * Puts lists together from their entries, sorts and numbers them, and keeps track of the directories whose lists are
 * still to come. Of a finished list nothing is kept but its directories.
 */
export class FileListReceiver {
  private readonly settings: FileListSettings;
  private readonly entryDecoder: EntryDecoder;
  private readonly directories = new DirectoryNumbers();
  private idList: IdListDecoder;
  private nextFirst: number;
  private entries: FileEntry[] = [];
  private stage: 'none' | 'entries' | 'ids' | 'ioError' = 'none';
  private ioError = 0;
  private number = -1;
  private parent: FileEntry | undefined;
  private begun = false;

  constructor(settings: FileListSettings) {
    this.settings = settings;
    this.entryDecoder = new EntryDecoder(settings);
    this.idList = new IdListDecoder(settings, this.entryDecoder.names);
    this.nextFirst = settings.incremental ? 1 : 0;
  }

  /**
   * The list of directory number `directory` comes next; -1: the first list.
   *
   * @throws ProtocolError when that directory is not known, or had its list
   */
  begin(directory: number): void {
    if (this.stage !== 'none') throw new ProtocolError('a file list begins before the last one is over');
    const isFirst = directory < 0;
    if (isFirst === this.begun) throw new ProtocolError('the first file list is not the first');
    this.parent = isFirst ? undefined : this.directories.take(directory);
    this.begun = true;
    this.number = directory;
    this.entries = [];
    this.ioError = 0;
    this.stage = 'entries';
  }

  /**
   * Reads one message of the list: an entry, an id with its name, or an end.
   *
   * @returns the list when that was its last message
   * @throws NEED_MORE when the message is not all there: then set the reader back and call again with more
   */
  read(reader: ByteReader): FileList | undefined {
    switch (this.stage) {
      case 'entries':
        return this.readEntry(reader) ? undefined : this.afterEntries();
      case 'ids':
        this.idList.read(reader);
        return this.idList.over ? this.afterIds() : undefined;
      case 'ioError':
        this.ioError |= reader.i32() & IO_ERROR_MASK;
        return this.finish();
      default:
        throw new ProtocolError('a file list comes where none begins');
    }
  }

  /** Reads what is there. The list when it is complete; undefined, with the reader after the last message, before. */
  readAvailable(reader: ByteReader): FileList | undefined {
    for (;;) {
      const start = reader.position;
      try {
        const list = this.read(reader);
        if (list !== undefined) return list;
      } catch (error) {
        if (error !== NEED_MORE) throw error;
        reader.position = start;
        return undefined;
      }
    }
  }

  /** The directory a list is the content of, as long as it is the last list read; undefined for a first list without '.'. */
  directory(list: FileList): FileEntry | undefined {
    return list.parent < 0 ? undefined : this.parent;
  }

  /** Directories whose lists have not begun. */
  get pendingDirectories(): number {
    return this.directories.pending;
  }

  /** False when the list's entries are over. */
  private readEntry(reader: ByteReader): boolean {
    const flags = this.readFlags(reader);
    if (flags === 0) return false;
    if (this.entries.length >= MOST_ENTRIES)
      throw new ProtocolError(`a file list has more than ${MOST_ENTRIES} entries`);
    const entry = this.entryDecoder.read(reader, flags, this.nextFirst, this.entries);
    if (this.settings.incremental) checkInside(entry, this.parent);
    this.entries.push(entry);
    return true;
  }

  /** 0 at the end of the list, with the I/O error code taken in. */
  private readFlags(reader: ByteReader): number {
    const { varintFlags, protocol, safeEnd } = this.settings;
    if (varintFlags) {
      const flags = reader.varint();
      if (flags === 0) this.ioError |= reader.varint() & IO_ERROR_MASK;
      return flags;
    }
    let flags = reader.u8();
    if (protocol >= 28 && flags & EntryFlag.extended) flags |= reader.u8() << 8;
    if (protocol < 28 || flags !== (EntryFlag.extended | EntryFlag.ioErrorEndsList)) return flags;
    if (!safeEnd) throw new ProtocolError('a file list ends in a way that was not agreed on');
    this.ioError |= reader.varint() & IO_ERROR_MASK;
    return 0;
  }

  private afterEntries(): FileList | undefined {
    if (this.settings.incremental) return this.finish();
    this.stage = 'ids';
    return this.idList.over ? this.afterIds() : undefined;
  }

  private afterIds(): FileList | undefined {
    if (this.settings.protocol >= 30) return this.finish();
    this.stage = 'ioError';
    return undefined;
  }

  private finish(): FileList {
    const { settings } = this;
    const arrived = this.entries;
    const converted = settings.charset === undefined ? arrived : arrived.filter((entry) => entry.path !== UNCONVERTED);
    const sorted = new SortedList(converted, settings.protocol);
    this.entries = [];
    this.stage = 'none';
    const entries = sorted.withoutDuplicates();
    if (!settings.incremental) sorted.checkParents(entries);
    const distinct = settings.relative && settings.incremental ? entries.slice() : entries;
    if (settings.relative) stripRoots(sorted, entries);
    if (settings.incremental) {
      this.mapOwners(sorted.all);
      this.directories.add(sorted.all, distinct);
      this.placeRoot(entries);
    } else {
      this.nameOwners(sorted.all);
      this.mapOwners(sorted.all);
      if (settings.preserve.hardLinks) unlinkSingles(entries);
    }
    const first = this.nextFirst;
    const indices = settings.charset && arrivalIndices(first, arrived, sorted.all);
    this.nextFirst += arrived.length + (settings.incremental ? 1 : 0);
    const parentPath = this.parent === undefined || this.parent.path === '.' ? '' : this.parent.path;
    return { first, entries, indices, parent: this.number, parentPath, ioError: this.ioError };
  }

  /** The first list is the content of '.' when that stands in it. */
  private placeRoot(entries: readonly (FileEntry | undefined)[]): void {
    if (this.number >= 0) return;
    const first = entries.find((entry) => entry !== undefined);
    if (first?.path !== '.') return;
    this.number = 0;
    this.parent = first;
  }

  private nameOwners(entries: readonly FileEntry[]): void {
    const { names, acls } = this.entryDecoder;
    acls.nameOwners();
    if (this.settings.numericIds) return;
    for (const entry of entries) {
      entry.user = names.user(entry.uid);
      entry.group = names.group(entry.gid);
    }
  }

  /** --usermap and --groupmap; hard links' attributes were copied, so each entry is an object of its own. */
  private mapOwners(entries: readonly FileEntry[]): void {
    const { preserve } = this.settings;
    // rsync 3.2.3 and before does not ask for owners when it has a map, and sends none
    const userMap = preserve.owner ? this.settings.userMap : undefined;
    const groupMap = preserve.group ? this.settings.groupMap : undefined;
    if (userMap === undefined && groupMap === undefined) return;
    for (const entry of entries) {
      const user = userMap?.of(entry.uid, entry.user);
      if (user !== undefined) [entry.uid, entry.user] = [user.id, user.name];
      const group = groupMap?.of(entry.gid, entry.group);
      if (group !== undefined) [entry.gid, entry.group] = [group.id, group.name];
    }
  }
}

/** Both sides' names sort differently when they are converted, so indices count as the entries were sent. */
function arrivalIndices(first: number, arrived: readonly FileEntry[], sorted: readonly FileEntry[]): number[] {
  const indices = new Map(arrived.map((entry, i) => [entry, first + i]));
  return sorted.map((entry) => indices.get(entry)!);
}

import { compareNames } from '../lib/names.ts';
import { isDir } from '../lib/stat.ts';
import type { FileList } from '../rsync/entry.ts';
import type { Reading } from '../rsync/filter-levels.ts';
import { IO_ERROR_GENERAL } from '../rsync/flist-flags.ts';
import { NDX_DELETE_STATS } from '../rsync/ndx.ts';
import type { Entry } from '../vault/entry.ts';
import { deleteKind } from './itemize.ts';
import { MergeFiles, PAUSE } from './merge-files.ts';
import { errorMessage, infoMessage, warningMessage } from './messages.ts';
import { tellDeleted } from './names-told.ts';
import { baseName, dirName, joinPath, relativePath } from './paths.ts';
import type { PushSession } from './session.ts';

/** Milliseconds of deletions after which everything else has a turn: what the client says, and that it is gone. */
const TURN = 100;

/**
 * What --delete takes away: objects of the destination that the client did not list, where it listed a directory's
 * content, unless a filter protects them (docs/protocol.md, "Deletion"). Only the current state loses them; earlier
 * snapshots keep what they hold.
 */
export class DeletePass {
  private readonly session: PushSession;
  private readonly mergeFiles: MergeFiles;
  /** paths to delete at the end (--delete-delay) */
  private readonly delayed: string[] = [];
  private skipped = 0;
  private lastTurn = performance.now();
  private warned = false;
  /** --delete-before is at work: directories are compared later on, with the time of what they lose */
  private beforeAll = false;
  /** without incremental recursion: names listed per directory */
  private listed: { list: FileList; names: Map<string, Set<string>> } | undefined;

  constructor(session: PushSession) {
    this.session = session;
    this.mergeFiles = new MergeFiles(session);
    if (session.filter !== undefined) session.filter.base = session.base;
    session.backups.begin((path, existing) => this.makeRoomForBackup(path, existing));
  }

  get enabled(): boolean {
    return this.session.options.deleteMode !== 'none' && !this.session.options.listOnly;
  }

  /**
   * The generator comes to a directory that was listed, with or without its content: --delete-during and -delay do their
   * work. A promise where merge files have to be read.
   */
  during(path: string, list: FileList, hasContent: boolean): Promise<void> | undefined {
    const { filter, options } = this.session;
    const { deleteMode } = options;
    const deletes = hasContent && (deleteMode === 'during' || deleteMode === 'delay');
    // merge files count later on where something stands in the way of an object
    const enters = deleteMode !== 'none' && deleteMode !== 'before' && filter?.needsDirectories === true;
    if (!deletes && !enters) return undefined;
    return this.mergeFiles.carry(deletes ? this.inDirectory(path, list) : this.enter(path)) ?? undefined;
  }

  /** --delete-before and -after: every directory of every list (there is one, these have no incremental recursion). */
  async wholeLists(): Promise<void> {
    this.beforeAll = this.session.options.deleteMode === 'before';
    await this.mergeFiles.carry(this.inLists());
    this.beforeAll = false;
  }

  private *inLists(): Reading<void> {
    const { filter, base, lists } = this.session;
    if (!this.enabled) return;
    for (const list of lists.all()) {
      for (const file of list.entries) {
        if (file === undefined || !isDir(file.mode)) continue;
        const path = joinPath(base, file.path);
        if (this.session.options.keepDirlinks) this.session.destination.follow(path);
        if (file.hasContent) yield* this.inDirectory(path, list);
        else yield* this.enter(path);
      }
    }
    filter?.leaveDirectories();
  }

  /** What --delete-delay put off. Of merge files those within a directory that goes count now, and no others, as in stock. */
  async deleteDelayed(): Promise<void> {
    this.session.filter?.leaveDirectories();
    await this.mergeFiles.carry(this.delayedOnes());
  }

  private *delayedOnes(): Reading<void> {
    for (const path of this.delayed) {
      const entry = this.session.destination.entry(path);
      if (entry !== undefined) yield* this.deleteObject(path, entry);
    }
    this.delayed.length = 0;
  }

  /** --delete-missing-args: what the client's user named, and the client does not have. */
  missing(path: string): Promise<void> | undefined {
    const entry = this.session.destination.entry(path);
    if (entry === undefined || this.isProtected(path, entry, false)) return undefined;
    return this.mergeFiles.carry(this.deleteMissing(path, entry)) ?? undefined;
  }

  private *deleteMissing(path: string, entry: Entry): Reading<void> {
    const recurse = this.enabled || this.session.options.force;
    if (isDir(entry.mode) && !recurse && (this.session.destination.list(path) ?? []).length > 0)
      infoMessage(this.session, `cannot delete non-empty directory: ${this.name(path)}`);
    else yield* this.deleteObject(path, entry);
  }

  /** Says how many deletions --max-delete has kept from happening. */
  reportSkipped(): void {
    if (this.skipped === 0) return;
    this.session.counts.deletionsStopped = true;
    warningMessage(this.session, `Deletions stopped due to --max-delete limit (${this.skipped} skipped)`);
  }

  writeStatistics(): void {
    const { output, ndxOut, counts } = this.session;
    const { files, directories, symlinks, devices, specials } = counts.deleted;
    ndxOut.write(output.data, NDX_DELETE_STATS);
    output.data.varint(files).varint(directories).varint(symlinks).varint(devices).varint(specials);
    output.touch();
  }

  /** Reads what makeRoom, which cannot wait, may have to know of merge files. Before an object that is no directory. */
  prepareRoom(path: string): Promise<void> | undefined {
    const { filter, destination } = this.session;
    if (!filter?.needsDirectories || !destination.hasDirectory(path)) return undefined;
    return this.mergeFiles.readAhead(this.enterAll(path));
  }

  private *enterAll(path: string): Reading<void> {
    const { destination } = this.session;
    yield* this.enter(path);
    for (const { name, mode } of destination.list(path) ?? []) {
      if (isDir(mode)) yield* this.enterAll(joinPath(path, name));
    }
  }

  /**
   * Takes away what stands where another type of object goes. A directory with content goes only with --delete or
   * --force, and only if no filter protects what is in it. What goes becomes a backup, with --backup.
   */
  makeRoom(path: string, existing: Entry, newType: string): boolean {
    const { backups } = this.session;
    if (!isDir(existing.mode)) {
      if (backups.keeps(path) && !backups.make(path, existing)) return this.noRoom(path, newType);
      this.session.destination.remove(path);
      return true;
    }
    const recurse = this.enabled || this.session.options.force;
    const children = inListOrder(this.session.destination.list(path) ?? []);
    const empty = recurse ? this.mergeFiles.carryAhead(this.deleteContent(path, children)) : children.length === 0;
    if (!empty || this.holdsBackups(path)) {
      infoMessage(this.session, `cannot delete non-empty directory: ${this.name(path)}`);
      return this.noRoom(path, newType);
    }
    this.session.destination.remove(path);
    return true;
  }

  private noRoom(path: string, newType: string): false {
    errorMessage(this.session, `could not make way for new ${newType}: ${this.name(path)}`);
    this.session.counts.failed++;
    return false;
  }

  /** What stands where a backup goes becomes none itself. What filters protect stays, and the backup is not made. */
  private makeRoomForBackup(path: string, existing: Entry): boolean {
    const { session } = this;
    if (isDir(existing.mode) && !this.clear(path)) {
      errorMessage(session, `could not make way for backup directory: ${this.name(path)}`);
      session.counts.failed++;
      return false;
    }
    session.destination.remove(path);
    return true;
  }

  /** Deletes everything in a directory; false when something had to stay. Without merge files: it is met amid another. */
  private clear(path: string): boolean {
    const { destination } = this.session;
    let empty = true;
    const children = inListOrder(destination.list(path) ?? []);
    for (let i = children.length - 1; i >= 0; i--) {
      const child = joinPath(path, children[i].name);
      if (this.isProtected(child, children[i], true)) empty = false;
      else if (isDir(children[i].mode) && !this.clear(child)) empty = false;
      else if (this.limitReached()) {
        this.skipped++;
        empty = false;
      } else this.gone(child, children[i]);
    }
    if (!empty) infoMessage(this.session, `cannot delete non-empty directory: ${this.name(path)}`);
    return empty;
  }

  /** A directory whose content was deleted is not empty where that has become backups beside it. */
  private holdsBackups(path: string): boolean {
    const { backups, destination, dryRun } = this.session;
    return backups.enabled && !dryRun && (destination.list(path)?.length ?? 0) > 0;
  }

  private *inDirectory(path: string, list: FileList): Reading<void> {
    const { session } = this;
    yield* this.enter(path);
    if (session.ioError & IO_ERROR_GENERAL && !session.options.ignoreErrors) {
      if (!this.warned) infoMessage(session, 'IO error encountered -- skipping file deletion');
      this.warned = true;
      return;
    }
    const listed = session.destination.list(path);
    if (listed === undefined) return;
    const entries = inListOrder(listed);
    const names = this.names(path, list);
    for (let i = entries.length - 1; i >= 0; i--) {
      const entry = entries[i];
      if (names.has(entry.name)) continue;
      const child = joinPath(path, entry.name);
      yield* this.turn();
      if (this.isProtected(child, entry, false)) continue;
      if (session.options.deleteMode === 'delay') this.delayed.push(child);
      else yield* this.deleteObject(child, entry);
    }
  }

  /** Names the client listed in `path`. */
  private names(path: string, list: FileList): Set<string> {
    if (list.parent >= 0) {
      const names = new Set<string>();
      for (const file of list.entries) if (file !== undefined) names.add(baseName(file.path));
      return names;
    }
    if (this.listed?.list !== list) {
      const names = new Map<string, Set<string>>();
      for (const file of list.entries) {
        if (file === undefined || file.path === '.') continue;
        const full = joinPath(this.session.base, file.path);
        const directory = dirName(full);
        const known = names.get(directory);
        if (known === undefined) names.set(directory, new Set([baseName(full)]));
        else known.add(baseName(full));
      }
      this.listed = { list, names };
    }
    return this.listed.names.get(path) ?? new Set();
  }

  /**
   * Deletes an object and all below it; false when something of it had to stay.
   *
   * @param nested within a directory that is deleted: there --max-delete counts directories that are not empty too
   */
  private *deleteObject(path: string, entry: Entry, nested = false): Reading<boolean> {
    const { session } = this;
    yield* this.turn();
    let empty = true;
    if (isDir(entry.mode) && !(yield* this.deleteContent(path, inListOrder(session.destination.list(path) ?? [])))) {
      infoMessage(session, `cannot delete non-empty directory: ${this.name(path)}`);
      if (!nested) return false;
      empty = false;
    }
    if (this.limitReached()) {
      this.skipped++;
      return false;
    }
    if (isDir(entry.mode) && this.holdsBackups(path)) empty = false;
    if (!empty && !session.dryRun) {
      // stock tries all the same; in a dry run it believes that it could
      infoMessage(session, `cannot delete non-empty directory: ${this.name(path)}`);
      return false;
    }
    if (!isDir(entry.mode) && session.backups.keeps(path) && !session.backups.make(path, entry)) return false;
    this.gone(path, entry);
    return empty;
  }

  /**
   * What goes is told by name: a client that does not read must not have millions of names gather here. And rules can be
   * many, and patterns long, so that one directory takes very long.
   */
  private *turn(): Reading<void> {
    if (!this.session.output.isFull && performance.now() - this.lastTurn < TURN) return;
    yield PAUSE;
    this.lastTurn = performance.now();
  }

  /** Removes the object, and counts and tells it as deleted. */
  private gone(path: string, entry: Entry): void {
    const { session } = this;
    session.similarFiles?.noteDeleted(path, entry);
    session.destination.remove(path);
    if (this.beforeAll) session.destination.touch(dirName(path), session.rules.now);
    session.counts.deleted[deleteKind(entry.mode)]++;
    tellDeleted(session, this.relative(path), isDir(entry.mode));
  }

  private *deleteContent(path: string, children: Entry[]): Reading<boolean> {
    yield* this.enter(path);
    let empty = true;
    let changed = false;
    for (let i = children.length - 1; i >= 0; i--) {
      const child = joinPath(path, children[i].name);
      if (this.isProtected(child, children[i], true)) empty = false;
      else if (yield* this.deleteObject(child, children[i], true)) changed = true;
      else empty = false;
    }
    // no list has it: what it loses is told by its time, should it stay
    if (changed) this.session.destination.touch(path, this.session.rules.now);
    return empty;
  }

  private *enter(path: string): Reading<void> {
    const { filter } = this.session;
    if (filter?.needsDirectories) yield* filter.entering(this.relative(path));
  }

  private isProtected(path: string, entry: Entry, within: boolean): boolean {
    return this.session.filter?.protects(this.relative(path), isDir(entry.mode), within) ?? false;
  }

  private limitReached(): boolean {
    const { maxDelete } = this.session.options;
    if (maxDelete === undefined) return false;
    const { files, directories, symlinks, devices, specials } = this.session.counts.deleted;
    return files + directories + symlinks + devices + specials >= maxDelete;
  }

  /** A path as the client knows it. */
  private relative(path: string): string {
    return relativePath(this.session.base, path);
  }

  private name(path: string): string {
    return this.relative(path);
  }
}

/** As a file list has them: directories last (docs/protocol.md, "Order"). Deletions go through it from its end. */
function inListOrder(entries: Entry[]): Entry[] {
  const directories = entries.filter((entry) => isDir(entry.mode));
  if (directories.length === 0) return entries;
  directories.sort((a, b) => compareNames(`${a.name}/`, `${b.name}/`));
  return [...entries.filter((entry) => !isDir(entry.mode)), ...directories];
}

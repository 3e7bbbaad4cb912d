import { NightdropError, RsyncExit } from '../lib/errors.ts';
import { isDir } from '../lib/stat.ts';
import type { Entry } from '../vault/entry.ts';
import { newDirectory } from './destination.ts';
import { errorMessage, infoMessage } from './messages.ts';
import { baseName, dirName, isTooLong, joinPath, relativePath, resolvePath } from './paths.ts';
import type { PushSession } from './session.ts';
import { isAcl } from './xattrs.ts';

/** Takes away what stands at a path; false when it has to stay. */
export type MakeWay = (path: string, existing: Entry) => boolean;

/**
 * --backup: what is replaced or deleted stays in the destination under another name (docs/protocol.md, "Backups"). A
 * name beside it with the suffix, or the same path below the backup directory.
 */
export class Backups {
  private readonly session: Omit<PushSession, 'backups'>;
  /** path of the backup directory in the vault; undefined: backups lie beside */
  private directory: string | undefined;
  private makeWay: MakeWay = (path) => {
    this.session.destination.remove(path);
    return true;
  };

  constructor(session: Omit<PushSession, 'backups'>) {
    this.session = session;
  }

  get enabled(): boolean {
    return this.session.options.backup;
  }

  /** Once the destination is known, before anything is replaced. */
  begin(makeWay: MakeWay): void {
    const { options, base, destination } = this.session;
    this.makeWay = makeWay;
    if (!this.enabled || options.backupDir === undefined) return;
    this.directory = resolvePath(base, options.backupDir);
    if (this.directory === base && options.suffix === '')
      throw refusal('--suffix cannot be empty when --backup-dir is the same as the dest dir', RsyncExit.syntax);
    const isThere = this.look(options.backupDir, this.directory);
    if (options.tellsBackups) infoMessage(this.session, `${isThere ? '' : '(new) '}backup_dir is ${options.backupDir}`);
    if (!isThere) return;
    if (!destination.hasDirectory(this.directory))
      throw refusal(`The backup-dir is not a directory: ${options.backupDir}`, RsyncExit.syntax);
  }

  /** Whether what is deleted becomes a backup: one beside other files is none twice. */
  keeps(path: string): boolean {
    const { options } = this.session;
    if (!this.enabled) return false;
    const suffix = options.suffix!;
    const name = this.relative(path);
    return this.directory !== undefined || !(name.endsWith(suffix) && name.length > suffix.length);
  }

  /**
   * Makes a backup of what is at `path` and no directory: the same object under another name, its other hard links
   * included. The caller replaces or removes what is at `path`. False when it cannot be made; the client is told.
   */
  make(path: string, existing: Entry): boolean {
    return this.put(path, existing);
  }

  /** As `make`, where the object itself is written to (--inplace): its backup is another, a copy. */
  copy(path: string, existing: Entry): boolean {
    const { options, rules } = this.session;
    const { policy, now } = rules;
    return this.put(path, {
      ...existing,
      inode: 0,
      ...(options.owner ? {} : { uid: policy.defaultUid, user: '' }),
      ...(options.group ? {} : { gid: policy.defaultGid, group: '' }),
      ...(options.times ? {} : { mtime: now, mtimeNsec: 0 }),
      xattrs: existing.xattrs.filter((x) => (isAcl(x.name) ? options.acls : options.xattrs)),
    });
  }

  private put(path: string, entry: Entry): boolean {
    const { session } = this;
    const { options, destination, dryRun } = session;
    const name = `${this.relative(path)}${options.suffix}`;
    const to = joinPath(this.directory ?? session.base, name);
    if (isTooLong(to)) return this.fail(path, 'the backup would have too long a name');
    if (!dryRun) {
      if (this.directory !== undefined && !this.makeDirectories(dirName(this.relative(path))))
        return this.fail(path, 'its directory cannot be made');
      const inTheWay = destination.entry(to);
      if (inTheWay !== undefined && !this.makeWay(to, inTheWay)) return false;
      destination.put(to, { ...entry, name: baseName(to) });
      if (this.directory !== undefined) destination.touch(dirName(to), session.rules.now);
    }
    if (options.tellsBackups) infoMessage(session, `backed up ${this.relative(path)} to ${this.shown(name)}`);
    return true;
  }

  /** The backup directory, and in it those that lead to a backup: they get the attributes of their originals. */
  private makeDirectories(path: string): boolean {
    const { destination, base, rules } = this.session;
    const root = this.directory!;
    if (!destination.ensureDirectory(root, 0o777 & ~rules.policy.umask, rules.now)) return false;
    if (path === '') return true;
    let at = root;
    let original = base;
    for (const part of path.split('/')) {
      const parent = at;
      at = joinPath(at, part);
      original = joinPath(original, part);
      const present = destination.entry(at);
      if (present !== undefined && isDir(present.mode)) continue;
      if (present !== undefined && !this.makeWay(at, present)) return false;
      destination.makeDirectory(at, this.likeOriginal(part, destination.entry(original)));
      destination.touch(parent, rules.now);
    }
    return true;
  }

  private likeOriginal(name: string, original: Entry | undefined): Entry {
    const { options, rules } = this.session;
    const directory = newDirectory(name, 0o777 & ~rules.policy.umask, rules.now);
    directory.uid = rules.policy.defaultUid;
    directory.gid = rules.policy.defaultGid;
    if (original === undefined) return directory;
    const { mode, uid, gid, user, group, xattrs } = original;
    Object.assign(directory, { mode }, options.owner && { uid, user }, options.group && { gid, group });
    if (options.acls) directory.xattrs = xattrs.filter((x) => isAcl(x.name));
    return directory;
  }

  /** Whether something is at the path; what lies below something that is no directory is an error. */
  private look(given: string, path: string): boolean {
    const { destination } = this.session;
    let at = '';
    for (const part of path.split('/')) {
      const entry = destination.entry(at);
      if (entry === undefined) return false;
      if (!isDir(entry.mode)) throw refusal(`Failed to stat ${given}: Not a directory`, RsyncExit.fileIo);
      at = joinPath(at, part);
    }
    return destination.entry(at) !== undefined;
  }

  private fail(path: string, why: string): false {
    errorMessage(this.session, `keep_backup failed: ${this.relative(path)}: ${why}`);
    this.session.counts.failed++;
    return false;
  }

  private shown(name: string): string {
    const { backupDir } = this.session.options;
    if (backupDir === undefined) return name;
    return backupDir.endsWith('/') ? `${backupDir}${name}` : `${backupDir}/${name}`;
  }

  /** A path as the client knows it. */
  private relative(path: string): string {
    return relativePath(this.session.base, path);
  }
}

function refusal(message: string, rsyncExit: number): NightdropError {
  return new NightdropError('ERR_BACKUP', message, { rsyncExit, forClient: true });
}

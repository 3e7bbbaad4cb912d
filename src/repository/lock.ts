/** restic's locks: what keeps prune away while we write (docs/repository.md, "Locks"). */
import { hostname } from 'node:os';
import { NightdropError } from '../lib/errors.ts';
import { isRunning } from '../lib/process.ts';
import { thisHost } from './host.ts';
import type { Repository } from './repository.ts';

const REFRESH_MILLISECONDS = 5 * 60_000;
/** A refresh that failed is tried again sooner. */
const RETRY_MILLISECONDS = 30_000;
const STALE_MILLISECONDS = 30 * 60_000;

interface LockJson {
  time: string;
  exclusive: boolean;
  hostname: string;
  username: string;
  pid: number;
  uid?: number;
  gid?: number;
}

/** The repository is locked by somebody whose work would not go together with ours. */
export class RepositoryLockedError extends NightdropError {
  constructor(message: string, cause?: unknown) {
    super('ERR_REPOSITORY_LOCKED', message, { cause });
  }
}

/** A lock that is held: writes itself anew every five minutes until it is released. */
export class RepositoryLock {
  private readonly repository: Repository;
  private readonly exclusive: boolean;
  private name: string;
  private timer: NodeJS.Timeout | undefined;
  private refreshed = Date.now();
  private expired = false;
  private refreshing: Promise<void> | undefined;
  private released = false;

  private constructor(repository: Repository, exclusive: boolean, name: string) {
    this.repository = repository;
    this.exclusive = exclusive;
    this.name = name;
    this.schedule(REFRESH_MILLISECONDS);
  }

  /** Looks for conflicting locks, writes one, and looks again. @throws RepositoryLockedError */
  static async take(repository: Repository, exclusive: boolean): Promise<RepositoryLock> {
    await checkOthers(repository, exclusive, undefined);
    const name = await writeLock(repository, exclusive);
    try {
      await checkOthers(repository, exclusive, name);
    } catch (error) {
      await repository.backend.remove('locks', name).catch(ignoreMissing);
      throw error;
    }
    return new RepositoryLock(repository, exclusive, name);
  }

  /**
   * Whether the lock may have become stale for others: then nothing more may be written. It stays so: while a suspended
   * machine slept, others may have pruned what was to be referred to.
   */
  get lost(): boolean {
    this.expired ||= Date.now() - this.refreshed > STALE_MILLISECONDS - REFRESH_MILLISECONDS;
    return this.expired;
  }

  async release(): Promise<void> {
    this.released = true;
    clearTimeout(this.timer);
    await this.refreshing;
    await this.repository.backend.remove('locks', this.name).catch(ignoreMissing);
  }

  private schedule(delay: number): void {
    if (this.released) return;
    this.timer = setTimeout(() => {
      this.refreshing = this.refresh().then(
        () => this.schedule(REFRESH_MILLISECONDS),
        // `lost` tells, when it stays so
        () => this.schedule(RETRY_MILLISECONDS),
      );
    }, delay);
    this.timer.unref();
  }

  /** Writes the lock anew, then removes the old one: at no time is there none. One that is lost is not taken again. */
  async refresh(): Promise<void> {
    if (this.lost) return;
    const old = this.name;
    const now = Date.now();
    this.name = await writeLock(this.repository, this.exclusive);
    // a write that hung: the old lock may have become stale before the new one was there
    if (!this.lost) this.refreshed = now;
    await this.repository.backend.remove('locks', old).catch(ignoreMissing);
  }
}

async function writeLock(repository: Repository, exclusive: boolean): Promise<string> {
  const lock: LockJson = { time: new Date().toISOString(), exclusive, ...thisHost(), pid: process.pid };
  return repository.saveUnpacked('locks', JSON.stringify(lock));
}

async function checkOthers(repository: Repository, exclusive: boolean, own: string | undefined): Promise<void> {
  for await (const { name } of repository.backend.list('locks')) {
    if (name === own) continue;
    const lock = await readLock(repository, name);
    if (lock === undefined) continue;
    if (isDeadHere(lock)) {
      await repository.backend.remove('locks', name).catch(ignoreMissing);
      continue;
    }
    if (isOld(lock) || (!exclusive && !lock.exclusive)) continue;
    throw new RepositoryLockedError(
      `the repository is locked${lock.exclusive ? ' exclusively' : ''} by ${lock.username}@${lock.hostname} (pid ${lock.pid}) since ${lock.time}; wait for it, or run restic unlock when that process is gone`,
    );
  }
}

/** undefined when it was removed between the list and the read. */
async function readLock(repository: Repository, name: string): Promise<LockJson | undefined> {
  try {
    const lock = JSON.parse(await repository.loadUnpacked('locks', name)) as LockJson | null;
    if (lock === null || Number.isNaN(Date.parse(lock.time))) throw new TypeError('it is no lock');
    return lock;
  } catch (error) {
    if ((await repository.backend.size('locks', name)) === undefined) return undefined;
    throw new RepositoryLockedError(
      `the lock locks/${name} cannot be read; run restic unlock when nobody uses the repository`,
      error,
    );
  }
}

function isOld(lock: LockJson): boolean {
  return Date.now() - Date.parse(lock.time) > STALE_MILLISECONDS;
}

function isDeadHere({ hostname: host, pid }: LockJson): boolean {
  return host === hostname() && Number.isInteger(pid) && pid > 0 && !isRunning(pid);
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

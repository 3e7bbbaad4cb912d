/** restic's locks: what keeps prune away while we write (docs/repository.md, "Locks"). */
import { hostname, userInfo } from 'node:os';
import { NightdropError } from '../lib/errors.ts';
import type { Repository } from './repository.ts';

const REFRESH_MILLISECONDS = 5 * 60_000;
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
  constructor(message: string) {
    super('ERR_REPOSITORY_LOCKED', message);
  }
}

export class RepositoryLock {
  private readonly repository: Repository;
  private readonly exclusive: boolean;
  private name: string;
  private readonly timer: NodeJS.Timeout;
  private refreshed = Date.now();

  private constructor(repository: Repository, exclusive: boolean, name: string) {
    this.repository = repository;
    this.exclusive = exclusive;
    this.name = name;
    this.timer = setInterval(() => void this.refresh(), REFRESH_MILLISECONDS);
    this.timer.unref();
  }

  /** Looks for conflicting locks, writes one, and looks again. @throws RepositoryLockedError */
  static async take(repository: Repository, exclusive: boolean): Promise<RepositoryLock> {
    await checkOthers(repository, exclusive, undefined);
    const name = await writeLock(repository, exclusive);
    try {
      await checkOthers(repository, exclusive, name);
    } catch (error) {
      await repository.backend.remove('locks', name);
      throw error;
    }
    return new RepositoryLock(repository, exclusive, name);
  }

  /** Whether the lock may have become stale for others: then nothing more may be written. */
  get lost(): boolean {
    return Date.now() - this.refreshed > STALE_MILLISECONDS - REFRESH_MILLISECONDS;
  }

  async release(): Promise<void> {
    clearInterval(this.timer);
    await this.repository.backend.remove('locks', this.name).catch(ignoreMissing);
  }

  private async refresh(): Promise<void> {
    try {
      const old = this.name;
      this.name = await writeLock(this.repository, this.exclusive);
      this.refreshed = Date.now();
      await this.repository.backend.remove('locks', old).catch(ignoreMissing);
    } catch {
      // `lost` tells, when it stays so
    }
  }
}

async function writeLock(repository: Repository, exclusive: boolean): Promise<string> {
  const { username, uid, gid } = userInfo();
  const lock: LockJson = {
    time: new Date().toISOString(),
    exclusive,
    hostname: hostname(),
    username,
    pid: process.pid,
    uid,
    gid,
  };
  return repository.saveUnpacked('locks', JSON.stringify(lock));
}

async function checkOthers(repository: Repository, exclusive: boolean, own: string | undefined): Promise<void> {
  for await (const { name } of repository.backend.list('locks')) {
    if (name === own) continue;
    let lock: LockJson;
    try {
      lock = JSON.parse(await repository.loadUnpacked('locks', name));
    } catch (error) {
      // gone between the list and the read, or being written: only one that stays is in the way
      if ((await repository.backend.size('locks', name)) === undefined) continue;
      throw new RepositoryLockedError(
        `the lock locks/${name} cannot be read (${(error as Error).message}); run restic unlock when nobody uses the repository`,
      );
    }
    if (isStale(lock)) {
      if (isDeadHere(lock)) await repository.backend.remove('locks', name).catch(ignoreMissing);
      continue;
    }
    if (!exclusive && !lock.exclusive) continue;
    throw new RepositoryLockedError(
      `the repository is locked${lock.exclusive ? ' exclusively' : ''} by ${lock.username}@${lock.hostname} (pid ${lock.pid}) since ${lock.time}; wait for it, or run restic unlock when that process is gone`,
    );
  }
}

function isStale(lock: LockJson): boolean {
  return Date.now() - Date.parse(lock.time) > STALE_MILLISECONDS || isDeadHere(lock);
}

function isDeadHere(lock: LockJson): boolean {
  if (lock.hostname !== hostname()) return false;
  try {
    process.kill(lock.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

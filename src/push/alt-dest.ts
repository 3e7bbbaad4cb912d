import { isDir } from '../lib/stat.ts';
import type { FileEntry } from '../rsync/entry.ts';
import { ItemFlag } from '../rsync/iflags.ts';
import type { AltDestKind } from '../rsync/options.ts';
import type { Entry } from '../vault/entry.ts';
import { sameTime } from './attributes.ts';
import { itemFlags } from './itemize.ts';
import { warningMessage } from './messages.ts';
import { baseName, dirName, joinPath, relativePath } from './paths.ts';
import type { PushSession } from './session.ts';
import { followPath, newPatience } from './stored-path.ts';

/** What one of the other places has at an object's path. */
export interface Alternative {
  /** number of the place, in the order of the options */
  place: number;
  path: string;
  entry: Entry;
}

/** 1: the same type; 2: the same content too; 3: the same attributes too. */
export interface Match extends Alternative {
  level: 1 | 2 | 3;
}

const ATTRIBUTES =
  ItemFlag.reportTime |
  ItemFlag.reportPerms |
  ItemFlag.reportOwner |
  ItemFlag.reportGroup |
  ItemFlag.reportAcl |
  ItemFlag.reportXattr;

/**
 * The other places to compare with, of --compare-dest, --copy-dest or --link-dest: directories of the same vault, whatever
 * leads there (docs/protocol.md, "Other places to compare with").
 */
export class AltDests {
  readonly kind: AltDestKind;
  private readonly session: PushSession;
  private readonly places: string[];
  private readonly patience = newPatience();
  /** where the directory that was looked for last lies in each place */
  private last: { directory: string; found: (string | undefined)[] } | undefined;

  constructor(session: PushSession) {
    this.session = session;
    this.kind = session.options.altDests[0].kind;
    this.places = session.options.altDests.map(({ path }) => path);
  }

  /** What the places have at the path that the object at `path` has below the destination, in their order. */
  *candidates(path: string): Generator<Alternative> {
    const { base, destination } = this.session;
    const relative = relativePath(base, path);
    const name = baseName(relative);
    for (const [place, directory] of this.locate(dirName(relative)).entries()) {
      if (directory === undefined) continue;
      const found = joinPath(directory, name);
      const entry = destination.entry(found);
      if (entry !== undefined) yield { place, path: found, entry };
    }
  }

  /** The best of the candidates: the first of the highest level. */
  best(
    file: FileEntry,
    path: string,
    isType: (e: Entry) => boolean,
    isRight: (e: Entry) => boolean,
  ): Match | undefined {
    let best: Match | undefined;
    for (const candidate of this.candidates(path)) {
      const { entry } = candidate;
      if (!isType(entry)) continue;
      const level = !isRight(entry) ? 1 : hasSameAttributes(this.session, file, entry) ? 3 : 2;
      if (best === undefined || level > best.level) best = { ...candidate, level };
      if (level === 3) break;
    }
    return best;
  }

  /** The directories that lie at `directory` below each place. */
  locate(directory: string): (string | undefined)[] {
    if (this.last?.directory !== directory) {
      const { destination, base } = this.session;
      const found = this.places.map((place) => followPath(destination, base, `${place}/${directory}`, this.patience));
      this.last = { directory, found };
    }
    return this.last.found;
  }
}

/** The places of a push, once its destination is known; a place that is not there is no reason to end it. */
export function openAltDests(session: PushSession): AltDests | undefined {
  const { options, destination, base } = session;
  if (options.altDests.length === 0) return undefined;
  for (const { kind, path } of options.altDests) {
    const found = followPath(destination, base, path, newPatience());
    const entry = found === undefined ? undefined : destination.entry(found);
    if (entry === undefined) warningMessage(session, `--${kind}-dest arg does not exist: ${shownPlace(session, path)}`);
    else if (!isDir(entry.mode))
      warningMessage(session, `--${kind}-dest arg is not a dir: ${shownPlace(session, path)}`);
  }
  return new AltDests(session);
}

/** A place as a stock receiver writes it. */
function shownPlace(session: PushSession, path: string): string {
  const shown = path.length > 1 ? path.replace(/\/$/, '') : path;
  if (shown.startsWith('/')) return shown;
  const from = session.base === '' ? '' : `/${session.base}`;
  // of a destination that a dry run only pretends to make, it takes the first step out itself
  if (session.dryRun && session.baseCreated && shown.startsWith('../')) return `${dirName(from)}/${shown.slice(3)}`;
  return `${from}/${shown}`;
}

/** Whether what -p, -o, -g, -t, -A and -X ask for is there already. -O makes no difference here. */
export function hasSameAttributes(session: PushSession, file: FileEntry, entry: Entry): boolean {
  const { options } = session;
  if (isDir(file.mode) && options.times && !sameTime(options, entry, file)) return false;
  return (itemFlags(session, file, entry, 0, '') & ATTRIBUTES) === 0;
}

/** Objects that are right where they are, in another place, are told only to a client that wants to hear of everything. */
export function tellsMatches({ options }: PushSession): boolean {
  return options.itemizes && options.tellsUnchanged;
}

/** Makes the name at `path` one more of the object that was found. */
export function linkAlternative(session: PushSession, path: string, { path: other, entry }: Alternative): Entry {
  const { destination, store } = session;
  if (session.dryRun) return entry;
  const shared = entry.inode === 0 ? { ...entry, inode: store.nextInode() } : entry;
  if (shared !== entry) destination.put(other, shared);
  destination.put(path, { ...shared, name: baseName(path) });
  return shared;
}

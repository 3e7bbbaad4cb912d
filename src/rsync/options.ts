/** The options a client hands to the server in a push (docs/protocol.md, "Arguments"; the table: option-table.ts). */
import { NightdropError, RefusedError, RsyncExit } from '../lib/errors.ts';
import { printable } from '../lib/names.ts';
import { checkChoices } from './negotiate.ts';
import { settlePlacing } from './option-placing.ts';
import { LONG_OPTIONS, MOST_ALT_DESTS, SHORT_OPTIONS, SHORT_WITH_VALUE, type Valued } from './option-table.ts';
import type { InfoLevels } from './option-values.ts';

export type DeleteMode = 'none' | 'before' | 'during' | 'delay' | 'after';

/** --compare-dest, --copy-dest, --link-dest */
export type AltDestKind = 'compare' | 'copy' | 'link';

/** Another directory to compare with: relative to the destination, or from the module's root. */
export interface AltDest {
  kind: AltDestKind;
  /** as sent */
  path: string;
}

/** What a push asks of the receiver. Numbers are in the units of rsync(1). */
export interface ServerOptions {
  /** the client wants to read */
  sender: boolean;
  /** letters after `e`, '' when there are none */
  capabilities: string;
  /** module and path as sent */
  path: string;
  verbose: number;
  quiet: boolean;
  dryRun: boolean;
  recursive: boolean;
  dirs: boolean;
  relative: boolean;
  impliedDirs: boolean;
  links: boolean;
  hardLinks: boolean;
  perms: boolean;
  executability: boolean;
  owner: boolean;
  group: boolean;
  devices: boolean;
  specials: boolean;
  times: boolean;
  atimes: boolean;
  omitDirTimes: boolean;
  omitLinkTimes: boolean;
  acls: boolean;
  xattrs: boolean;
  /** -XX: also the names that rsync's --fake-super keeps its data in */
  rsyncXattrs: boolean;
  checksum: boolean;
  wholeFile: boolean;
  ignoreTimes: boolean;
  sizeOnly: boolean;
  update: boolean;
  inplace: boolean;
  /** all of one kind */
  altDests: readonly AltDest[];
  /** 1: similar names in the same directory may be a basis; 2: also in the alternative ones */
  fuzzy: 0 | 1 | 2;
  partial: boolean;
  /** where files lie that are not whole yet; '' is none */
  partialDir: string;
  delayUpdates: boolean;
  /** --append; --append twice or --append-verify: the whole-file digest covers what is there already */
  append: 'no' | 'trusting' | 'verifying';
  backup: boolean;
  /** undefined: beside what it is a backup of */
  backupDir: string | undefined;
  /** of backups' names; undefined until all arguments are read: `~`, or nothing with a backup directory */
  suffix: string | undefined;
  sparse: boolean;
  oneFileSystem: boolean;
  pruneEmptyDirs: boolean;
  numericIds: boolean;
  /** any of the --delete options */
  deletes: boolean;
  deleteMode: DeleteMode;
  deleteExcluded: boolean;
  maxDelete: number | undefined;
  ignoreErrors: boolean;
  force: boolean;
  ignoreExisting: boolean;
  ignoreNonExisting: boolean;
  cvsExclude: boolean;
  mkpath: boolean;
  /** seconds; -1: nanoseconds count */
  modifyWindow: number;
  /** seconds; 0: none */
  timeout: number;
  compress: 'none' | 'negotiated';
  /** --compress-choice, --new-compress, --old-compress; undefined: as negotiated */
  compressChoice: string | undefined;
  /** undefined: the algorithm's own */
  compressLevel: number | undefined;
  /** TRANSFER or TRANSFER,LIST; undefined: as negotiated */
  checksumChoice: string | undefined;
  checksumSeed: number | undefined;
  useQsort: boolean;
  /** bytes: files beyond them are left as they are */
  maxSize: number | undefined;
  minSize: number | undefined;
  /** symlinks that lead out of the transfer are left out */
  safeLinks: boolean;
  /** --delete-missing-args: entries of mode 0 ask for a deletion */
  deleteMissingArgs: boolean;
  /** what the client removes once it is told that it is safe: what was sent, or what is unchanged too */
  removesSource: 'none' | 'sent' | 'all';
  /** --usermap, --groupmap: as sent (owner-map.ts) */
  userMap: string | undefined;
  groupMap: string | undefined;
  /** character set that names are stored in, of which the client sends UTF-8; undefined: bytes as they are */
  iconv: string | undefined;
  /** the client puts into a file what it would send: nothing is stored */
  onlyWriteBatch: boolean;
  /** the client's list is told to it, nothing else is done */
  listOnly: boolean;
  /** devices and specials are not made, though they are listed */
  dropDevices: boolean;
  /** a symlink to a directory stays where the client has a directory, which goes into the one that it leads to */
  keepDirlinks: boolean;
  /** level of messages about what is passed over */
  infoSkip: number;
  /** what the client prints of each item, reduced to what a receiver must know: %i, %i%I, %o or X; '' when not sent */
  logFormat: string;
  /** --info, where it differs from what the verbosity says */
  info: InfoLevels | undefined;
  /** level of INFO_NAME: 1 names are printed, 2 also unchanged ones */
  infoName: number;
  /** backups are told (-vv) */
  tellsBackups: boolean;
  /** level of messages about what is neither file nor directory and was not asked for */
  infoNonRegular: number;
  /** unchanged items are told too (-ii, -vv) */
  tellsUnchanged: boolean;
  /** the client prints items (-i) */
  itemizes: boolean;
  /** the client prints deletions, so each is told to it */
  tellsDeleted: boolean;
}

/** What the meaning of options depends on besides themselves. */
export interface ServerSide {
  /** agreed on with the client */
  protocol: number;
  /** rsyncd.conf's 'max verbosity' */
  maxVerbosity: number;
}

/** As rsyncd without a word about it in rsyncd.conf, and as a server over ssh, which nothing limits. */
export const DAEMON: ServerSide = { protocol: 32, maxVerbosity: 1 };
export const REMOTE_SHELL: ServerSide = { protocol: 32, maxVerbosity: 9 };

const NO_ALT_DESTS: readonly AltDest[] = [];

function refused(option: string, why: string): RefusedError {
  return new RefusedError(`ERROR: the option ${option} is refused: ${why}`);
}

function syntaxError(message: string): NightdropError {
  return new NightdropError('ERR_SYNTAX', `ERROR: ${message}`, { rsyncExit: RsyncExit.syntax, forClient: true });
}

export function defaultOptions(): ServerOptions {
  return {
    sender: false,
    capabilities: '',
    path: '',
    verbose: 0,
    quiet: false,
    dryRun: false,
    recursive: false,
    dirs: false,
    relative: false,
    impliedDirs: true,
    links: false,
    hardLinks: false,
    perms: false,
    executability: false,
    owner: false,
    group: false,
    devices: false,
    specials: false,
    times: false,
    atimes: false,
    omitDirTimes: false,
    omitLinkTimes: false,
    acls: false,
    xattrs: false,
    rsyncXattrs: false,
    checksum: false,
    wholeFile: false,
    ignoreTimes: false,
    sizeOnly: false,
    update: false,
    inplace: false,
    altDests: NO_ALT_DESTS,
    fuzzy: 0,
    partial: false,
    partialDir: '',
    delayUpdates: false,
    append: 'no',
    backup: false,
    backupDir: undefined,
    suffix: undefined,
    sparse: false,
    oneFileSystem: false,
    pruneEmptyDirs: false,
    numericIds: false,
    deletes: false,
    deleteMode: 'none',
    deleteExcluded: false,
    maxDelete: undefined,
    ignoreErrors: false,
    force: false,
    ignoreExisting: false,
    ignoreNonExisting: false,
    cvsExclude: false,
    mkpath: false,
    modifyWindow: 0,
    timeout: 0,
    compress: 'none',
    compressChoice: undefined,
    compressLevel: undefined,
    checksumChoice: undefined,
    checksumSeed: undefined,
    useQsort: false,
    maxSize: undefined,
    minSize: undefined,
    safeLinks: false,
    deleteMissingArgs: false,
    removesSource: 'none',
    userMap: undefined,
    groupMap: undefined,
    iconv: undefined,
    onlyWriteBatch: false,
    listOnly: false,
    dropDevices: false,
    keepDirlinks: false,
    infoSkip: 0,
    logFormat: '',
    info: undefined,
    infoName: 0,
    infoNonRegular: 1,
    tellsBackups: false,
    tellsUnchanged: false,
    itemizes: false,
    tellsDeleted: false,
  };
}

/**
 * Reads the arguments of a push. `options` is filled also when an error is thrown, with all that is good: the set-up has
 * to be gone through, in step with the client, before it can be told. `sender` is set wherever the word stands.
 *
 * @throws RefusedError (exit code 4) naming an option that is not carried or not known; NightdropError (exit code 1) when
 *   the arguments are not what a client sends. Of several the first.
 */
export function parseServerOptions(args: string[], options: ServerOptions, side: ServerSide = DAEMON): void {
  const problems: NightdropError[] = [];
  const parser = new OptionParser(options, problems);
  options.sender = args.includes('--sender');
  options.capabilities = findCapabilities(args);
  if (args[0] !== '--server') problems.push(syntaxError('the arguments do not begin with --server'));
  let i = 1;
  for (; i < args.length && args[i] !== '.'; i++) {
    const argument = args[i];
    if (argument.startsWith('--')) i += parser.long(argument, args[i + 1]);
    else if (argument.startsWith('-') && argument.length > 1) i += parser.short(argument, args[i + 1]);
    else problems.push(syntaxError(`unexpected argument ${shown(argument)}`));
  }
  const paths = args.slice(i + 1);
  options.path = paths[0] ?? '';
  if (paths.length !== 1 && !options.sender) problems.push(syntaxError('a push names one destination'));
  if (options.path.includes('\0')) problems.push(syntaxError('the destination holds a NUL'));
  finish(options, side, problems);
  if (problems.length > 0) throw problems[0];
}

/** The bundle's end: letters after `e` and the dot. Before the dot a pre-release puts its `VER.SUB`. */
const BUNDLE_END = /^-[^-e]*e\d{0,9}\.\d{0,9}([A-Za-z]{0,64})$/;

/** Letters by which a client says what it can; '' from clients before protocol 30. */
export function findCapabilities(args: string[]): string {
  for (const argument of args) {
    if (argument === '.') break;
    const found = BUNDLE_END.exec(argument);
    if (found !== null) return found[1];
  }
  return '';
}

/** What follows from several options together. */
function finish(options: ServerOptions, { protocol, maxVerbosity }: ServerSide, problems: NightdropError[]): void {
  if (options.deletes && options.deleteMode === 'none') options.deleteMode = protocol >= 30 ? 'during' : 'before';
  if (options.deletes && !options.recursive && !options.dirs)
    problems.push(syntaxError('--delete does not work without --recursive (-r) or --dirs (-d)'));
  checkAltDests(options, problems);
  const placed = settlePlacing(options);
  if (placed !== undefined) problems.push(new RefusedError(`ERROR: ${placed}`));
  const choice = checkChoices(options);
  if (choice !== undefined) problems.push(choice);
  // each level of verbosity implies levels of --info, which --info itself overrides, up to what the server allows
  options.verbose = Math.min(maxVerbosity, options.verbose);
  options.infoName = Math.min(maxVerbosity, options.info?.name ?? Math.min(2, options.verbose));
  options.infoSkip = maxVerbosity > 1 ? (options.info?.skip ?? (options.verbose > 1 ? 1 : 0)) : 0;
  options.infoNonRegular = options.info?.nonRegular ?? 1;
  const infoDelete = Math.min(maxVerbosity, options.info?.delete ?? Math.min(1, options.verbose));
  options.tellsBackups = Math.min(maxVerbosity - 1, options.info?.backup ?? options.verbose - 1) > 0;
  options.itemizes = /%[iI]/.test(options.logFormat);
  options.tellsUnchanged = options.infoName > 1 || options.logFormat.includes('%I');
  options.tellsDeleted = infoDelete > 0 || options.infoName > 0 || options.logFormat !== '';
}

function impossible(message: string): NightdropError {
  return new NightdropError('ERR_OPTIONS', `ERROR: ${message}`, { rsyncExit: RsyncExit.unsupported, forClient: true });
}

function checkAltDests({ altDests }: ServerOptions, problems: NightdropError[]): void {
  const other = altDests.find(({ kind }) => kind !== altDests[0].kind);
  if (other !== undefined)
    problems.push(impossible(`the --${other.kind}-dest option conflicts with the --${altDests[0].kind}-dest option`));
  if (altDests.length > MOST_ALT_DESTS)
    problems.push(impossible(`at most ${MOST_ALT_DESTS} --${altDests[0].kind}-dest args may be specified`));
}

/** Notes what options set, and goes on after one that is wrong. Both methods return how many further arguments were used. */
class OptionParser {
  private readonly options: ServerOptions;
  private readonly problems: NightdropError[];

  constructor(options: ServerOptions, problems: NightdropError[]) {
    this.options = options;
    this.problems = problems;
  }

  /** A bundle of letters. */
  short(argument: string, following: string | undefined): number {
    for (let i = 1; i < argument.length; i++) {
      const letter = argument[i];
      if (letter === 'e') {
        if (!BUNDLE_END.test(argument)) this.refuse('-e', 'there is no shell and no other program here');
        return 0;
      }
      const long = SHORT_WITH_VALUE.get(letter);
      if (long !== undefined) {
        const rest = argument.slice(i + 1);
        return this.long(rest === '' ? long : `${long}=${rest}`, following);
      }
      this.letter(letter);
    }
    return 0;
  }

  private letter(letter: string): void {
    const { options } = this;
    const option = SHORT_OPTIONS.get(letter);
    if (option === undefined) this.refuse(`-${printable(letter)}`, 'it is not known');
    else if (!option.carried) this.refuse(option.long ? `${option.long} (-${letter})` : `-${letter}`, option.reason);
    else {
      if (letter === 'v') options.verbose = Math.min(9, options.verbose + 1);
      if (letter === 'X' && options.xattrs) options.rsyncXattrs = true;
      if (letter === 'y') options.fuzzy = options.fuzzy === 0 ? 1 : 2;
      Object.assign(options, option.sets);
    }
  }

  long(argument: string, following: string | undefined): number {
    const equals = argument.indexOf('=');
    const name = equals < 0 ? argument : argument.slice(0, equals);
    const option = LONG_OPTIONS.get(name);
    const used = equals < 0 && option?.takesValue && following !== undefined ? 1 : 0;
    const value = equals < 0 ? following : argument.slice(equals + 1);
    if (option === undefined) this.refuse(shown(name), 'it is not known');
    else if (!option.carried) this.refuse(name, option.reason);
    else if (option.takesValue) this.withValue(name, option, value);
    else if (equals >= 0) this.problems.push(syntaxError(`the option ${name} takes no value`));
    else if (name === '--append' && this.options.append !== 'no') this.options.append = 'verifying';
    else Object.assign(this.options, option.sets);
    return used;
  }

  private withValue(name: string, option: Valued, value: string | undefined): void {
    const sets = value === undefined ? undefined : option.read(value, this.options);
    if (sets !== undefined) Object.assign(this.options, sets);
    else if (value === undefined) this.problems.push(syntaxError(`the option ${name} needs a value`));
    else this.problems.push(syntaxError(`the option ${name} cannot be ${shown(value)}`));
  }

  private refuse(option: string, why: string): void {
    this.problems.push(refused(option, why));
  }
}

/** The start of what a client sent, for a person to read. */
function shown(text: string): string {
  return text.length > 100 ? `${printable(text.slice(0, 100))}…` : printable(text);
}

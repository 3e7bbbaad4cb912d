/** The options a client hands to the server in a push (docs/protocol.md, "Arguments"; the table: option-table.ts). */
import { NightdropError, RefusedError, RsyncExit } from '../lib/errors.ts';
import { printable } from '../lib/names.ts';
import { LONG_OPTIONS, type LongOption, SHORT_OPTIONS } from './option-table.ts';

export type DeleteMode = 'none' | 'before' | 'during' | 'delay' | 'after';

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
  checksum: boolean;
  wholeFile: boolean;
  ignoreTimes: boolean;
  sizeOnly: boolean;
  update: boolean;
  inplace: boolean;
  partial: boolean;
  sparse: boolean;
  oneFileSystem: boolean;
  pruneEmptyDirs: boolean;
  numericIds: boolean;
  /** --delete without a time of its own */
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
  maxSize: number | undefined;
  minSize: number | undefined;
  /** seconds; -1: nanoseconds count */
  modifyWindow: number;
  /** seconds; 0: none */
  timeout: number;
  compress: 'none' | 'old' | 'negotiated';
  /** --compress-choice, --new-compress, --old-compress */
  compressChoice: string | undefined;
  checksumChoice: string | undefined;
  checksumSeed: number | undefined;
  useQsort: boolean;
  /** unchanged items are told too (-ii, -vv) */
  tellsUnchanged: boolean;
  /** the client prints items (-i) */
  itemizes: boolean;
}

/** The client's command line is wrong, or asks for what nightdrop does not carry. */
function refused(option: string, why: string): RefusedError {
  return new RefusedError(`ERROR: the option ${printable(option)} is refused: ${why}`);
}

function syntaxError(message: string): NightdropError {
  return new NightdropError('ERR_SYNTAX', `ERROR: ${message}`, { rsyncExit: RsyncExit.syntax });
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
    checksum: false,
    wholeFile: false,
    ignoreTimes: false,
    sizeOnly: false,
    update: false,
    inplace: false,
    partial: false,
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
    maxSize: undefined,
    minSize: undefined,
    modifyWindow: 0,
    timeout: 0,
    compress: 'none',
    compressChoice: undefined,
    checksumChoice: undefined,
    checksumSeed: undefined,
    useQsort: false,
    tellsUnchanged: false,
    itemizes: false,
  };
}

/**
 * Reads the arguments of a push. `options` is filled as far as the arguments are good, also when an error is thrown: the
 * set-up has to be gone through before a client can be told.
 */
export function parseServerOptions(args: string[], options: ServerOptions): void {
  if (args.includes('--sender')) options.sender = true;
  options.capabilities = findCapabilities(args);
  if (args[0] !== '--server') throw syntaxError('the arguments do not begin with --server');
  let i = 1;
  for (; i < args.length && args[i] !== '.'; i++) {
    const argument = args[i];
    if (argument.startsWith('--')) i += longOption(argument, args[i + 1], options);
    else if (argument.startsWith('-') && argument.length > 1) i += shortOptions(argument, args[i + 1], options);
    else throw syntaxError(`unexpected argument ${printable(argument)}`);
  }
  const paths = args.slice(i + 1);
  if (paths.length !== 1 && !options.sender) throw syntaxError('a push names one destination');
  options.path = paths[0] ?? '';
  finish(options);
}

/** Letters after `e` in the bundled options, without the `VER.SUB` of pre-releases. */
export function findCapabilities(args: string[]): string {
  for (const argument of args) {
    if (argument === '.') break;
    const found = /^-[^-e]*e\d*\.\d*([A-Za-z]*)$/.exec(argument);
    if (found !== null) return found[1];
  }
  return '';
}

function finish(options: ServerOptions): void {
  if (options.acls) options.perms = true;
  if (options.verbose > 1) options.tellsUnchanged = true;
  if ((options.deletes || options.deleteExcluded) && options.deleteMode === 'none') options.deleteMode = 'during';
  if (options.deleteMode !== 'none' && !options.recursive && !options.dirs)
    throw syntaxError('--delete does not work without --recursive (-r) or --dirs (-d)');
}

/** Returns how many further arguments were used. */
function shortOptions(argument: string, following: string | undefined, options: ServerOptions): number {
  for (let i = 1; i < argument.length; i++) {
    const letter = argument[i];
    if (letter === 'e') return 0;
    if (letter === 'B' || letter === '@' || letter === 'M') {
      const rest = argument.slice(i + 1);
      return longOption(SHORT_WITH_VALUE[letter] + (rest === '' ? '' : `=${rest}`), following, options);
    }
    const action = SHORT_OPTIONS.get(letter);
    if (action === undefined) throw refused(`-${letter}`, 'it is not known');
    if (typeof action === 'string') throw refused(`-${letter}`, action);
    if (letter === 'v') options.verbose++;
    Object.assign(options, action);
  }
  return 0;
}

const SHORT_WITH_VALUE: Record<string, string> = { B: '--block-size', '@': '--modify-window', M: '--remote-option' };

function longOption(argument: string, following: string | undefined, options: ServerOptions): number {
  const equals = argument.indexOf('=');
  const name = equals < 0 ? argument : argument.slice(0, equals);
  const option: LongOption | undefined = LONG_OPTIONS.get(name);
  if (option === undefined) throw refused(name, 'it is not known');
  if (option.refused !== undefined) throw refused(name, option.refused);
  if (option.value === undefined) {
    if (equals >= 0) throw syntaxError(`the option ${name} takes no value`);
    Object.assign(options, option.sets);
    return 0;
  }
  const value = equals < 0 ? following : argument.slice(equals + 1);
  if (value === undefined) throw syntaxError(`the option ${name} needs a value`);
  if (!option.value.test(value))
    throw syntaxError(`the option ${name} has the value ${printable(value.slice(0, 100))}, which is not one`);
  if (typeof option.sets === 'function') Object.assign(options, option.sets(value));
  return equals < 0 ? 1 : 0;
}

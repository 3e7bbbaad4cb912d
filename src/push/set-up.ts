import type { ChecksumName } from '../kernels/checksum.ts';
import { NightdropError, RsyncExit } from '../lib/errors.ts';
import { ArgumentsDecoder, asksForSecond } from '../rsync/arguments.ts';
import { Compat, compatFlags, writeCompatFlags } from '../rsync/capabilities.ts';
import { Charset } from '../rsync/charset.ts';
import {
  COMPRESSIONS,
  type Compression,
  chooseName,
  forcedChecksums,
  forcedCompression,
  negotiatedCompression,
  negotiation,
  OFFERED_CHECKSUMS,
  readNames,
  writeNames,
} from '../rsync/negotiate.ts';
import { OptionRefusals } from '../rsync/option-refusals.ts';
import { defaultOptions, parseServerOptions, REMOTE_SHELL, type ServerOptions } from '../rsync/options.ts';
import { ConnectionCutError, type Input } from './input.ts';
import type { Output } from './output.ts';
import { type OwnerMaps, ownerMaps } from './owner-maps.ts';
import type { PushRequest } from './request.ts';

/** What client and server have agreed on when the file list begins. */
export interface SetUp {
  options: ServerOptions;
  /** why the push cannot be: told once the client can hear it */
  refusal: NightdropError | undefined;
  compat: number;
  /** of whole files and blocks, and of the list's digests with --checksum */
  checksum: ChecksumName;
  listChecksum: ChecksumName;
  /** whole files' digests begin with the seed: md4 before protocol 30 */
  seededDigest: boolean;
  compression: Compression;
  owners: OwnerMaps;
  charset: Charset | undefined;
}

/** Arguments, compatibility flags and negotiation, in the protocol's order (docs/protocol.md, "Set-up"). */
export async function setUp(input: Input, output: Output, request: PushRequest): Promise<SetUp> {
  const { protocol, limits, vault } = request;
  const args = request.args ?? (await withinDeadline(input, limits.handshakeTimeout, readArguments(input, protocol)));
  const options = defaultOptions();
  let refusal: NightdropError | undefined;
  let charset: Charset | undefined;
  let owners: OwnerMaps = { user: undefined, group: undefined, unknown: [] };
  try {
    const { maxVerbosity } = request.args === undefined ? request.policy : REMOTE_SHELL;
    parseServerOptions(args, options, { protocol, maxVerbosity });
    charset = charsetOf(request, options);
    if (charset !== undefined && asksForSecond(args)) {
      // secluded arguments come in UTF-8 too
      const converted = args.map((argument) => charset?.fromUtf8(argument) ?? argument);
      parseServerOptions(converted, Object.assign(options, defaultOptions()), { protocol, maxVerbosity });
    }
    owners = ownerMaps(options);
    refusal = unsuited(options, protocol);
  } catch (error) {
    if (!(error instanceof NightdropError)) throw error;
    refusal = error;
  }
  if (request.policy.ignoreErrors) options.ignoreErrors = true;
  refusal = new OptionRefusals(request.policy.refuseOptions).problem(args, options) ?? refusal;
  if (request.args !== undefined) options.path = `${vault}/${options.path}`;
  if (options.sender)
    refusal = new NightdropError('ERR_WRITE_ONLY', 'ERROR: module is write only', {
      rsyncExit: RsyncExit.syntax,
      forClient: true,
    });

  let compat = 0;
  if (protocol >= 30) {
    compat = compatFlags(options);
    writeCompatFlags(output.data, options, compat);
    output.flush();
  }
  const agreed = await withinDeadline(
    input,
    limits.handshakeTimeout,
    negotiate(input, output, options, protocol, compat),
  );
  return { options, refusal, compat, owners, charset, ...agreed };
}

/** A client tells a daemon its own character set, which is of no use here; only a remote shell's server hears of another. */
function charsetOf({ args, policy }: PushRequest, { iconv }: ServerOptions): Charset | undefined {
  if (iconv === undefined || iconv === '-') return undefined;
  return Charset.open(args === undefined ? policy.charset : iconv);
}

async function readArguments(input: Input, protocol: number): Promise<string[]> {
  const decoder = new ArgumentsDecoder(protocol);
  for (;;) {
    const args = await input.read((reader) => decoder.read(reader));
    if (args !== undefined) return args;
  }
}

/** What an old protocol has no words for. */
function unsuited(options: ServerOptions, protocol: number): NightdropError | undefined {
  const since = (least: number, what: string) =>
    protocol >= least
      ? undefined
      : new NightdropError(
          'ERR_REFUSED',
          `ERROR: ${what} requires protocol ${least} or higher (negotiated ${protocol}).`,
          { rsyncExit: RsyncExit.protocol, forClient: true },
        );
  return (options.acls ? since(30, '--acls') : undefined) ?? (options.xattrs ? since(30, '--xattrs') : undefined);
}

async function negotiate(
  input: Input,
  output: Output,
  options: ServerOptions,
  protocol: number,
  compat: number,
): Promise<Pick<SetUp, 'checksum' | 'listChecksum' | 'seededDigest' | 'compression'>> {
  const { asksChecksum, asksCompression } = negotiation(options, (compat & Compat.varintFlags) !== 0);
  if (asksChecksum) writeNames(output.data, OFFERED_CHECKSUMS);
  if (asksCompression) writeNames(output.data, COMPRESSIONS);
  output.flush();
  const forced = forcedChecksums(options, protocol);
  let { transfer: checksum, list: listChecksum } = forced;
  let compression = forcedCompression(options);
  if (asksChecksum) {
    checksum = chooseName('checksum', OFFERED_CHECKSUMS, await input.read(readNames));
    listChecksum = checksum;
  }
  if (asksCompression) compression = negotiatedCompression(options, await input.read(readNames));
  return { checksum, listChecksum, seededDigest: forced.seeded, compression };
}

async function withinDeadline<T>(input: Input, seconds: number, work: Promise<T>): Promise<T> {
  const timer = setTimeout(
    () =>
      input.fail(
        new ConnectionCutError(
          `the client took longer than ${seconds} seconds to say what it wants`,
          RsyncExit.timeout,
        ),
      ),
    seconds * 1000,
  );
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

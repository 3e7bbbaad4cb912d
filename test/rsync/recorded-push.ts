import { ArgumentsDecoder } from '../../src/rsync/arguments.ts';
import { ByteReader } from '../../src/rsync/bytes.ts';
import { Compat, compatFlags } from '../../src/rsync/capabilities.ts';
import { FileListReceiver } from '../../src/rsync/flist.ts';
import { ItemFlag } from '../../src/rsync/iflags.ts';
import { Demultiplexer } from '../../src/rsync/mux.ts';
import { NDX_DONE, NdxDecoder } from '../../src/rsync/ndx.ts';
import {
  type Compression,
  forcedChecksums,
  forcedCompression,
  negotiation,
  readNames,
} from '../../src/rsync/negotiate.ts';
import { defaultOptions, parseServerOptions, type ServerOptions } from '../../src/rsync/options.ts';
import { createTokenDecoder, type TokenDecoder } from '../../src/rsync/tokens.ts';

/** A file as a recorded client sent it. */
export interface SentFile {
  path: string;
  content: Buffer;
  digest: Buffer;
  literalBytes: number;
  /** matched blocks */
  matches: number;
}

export interface RecordedPush {
  greeting: string;
  module: string;
  args: string[];
  options: ServerOptions;
  files: SentFile[];
  /** indices that were DONE */
  dones: number;
}

/**
 * Decodes what a stock client sent in a push of regular files with one list, no login, and algorithms that need no
 * negotiation or take `compression`: the real bytes go through every codec from the first line on.
 *
 * @param basisOf content the server offered sums of
 */
export function decodePush(bytes: Buffer, basisOf: (path: string) => Buffer, digestLength: number): RecordedPush {
  const plain = new ByteReader(bytes);
  const line = () => {
    const end = plain.bytes.indexOf(0x0a, plain.position);
    const text = plain.latin1(end - plain.position);
    plain.u8();
    return text;
  };
  const greeting = line();
  const module = line();
  const decoder = new ArgumentsDecoder(32);
  let args: string[] | undefined;
  while (args === undefined) args = decoder.read(plain);
  const options = defaultOptions();
  parseServerOptions(args, options);
  const compat = compatFlags(options);
  const asks = negotiation(options, (compat & Compat.varintFlags) !== 0);
  if (asks.asksChecksum || asks.asksCompression) throw new Error(`names are asked for: ${readNames(plain)}`);
  forcedChecksums(options, 32);

  const demultiplexer = new Demultiplexer(() => undefined);
  demultiplexer.start();
  demultiplexer.feed(plain.bytes.subarray(plain.position));
  const { reader } = demultiplexer;
  const compression = forcedCompression(options);
  const { files, dones } = decodeFiles(reader, options, compat, compression, basisOf, digestLength);
  return { greeting, module, args, options, files, dones };
}

function decodeFiles(
  reader: ByteReader,
  options: ServerOptions,
  compat: number,
  compression: Compression,
  basisOf: (path: string) => Buffer,
  digestLength: number,
): { files: SentFile[]; dones: number } {
  const flist = new FileListReceiver({
    protocol: 32,
    incremental: false,
    varintFlags: (compat & Compat.varintFlags) !== 0,
    safeEnd: true,
    id0Names: (compat & Compat.id0Names) !== 0,
    preserve: { ...options },
    relative: false,
    numericIds: options.numericIds,
    digestLength: 0,
  });
  flist.begin(-1);
  let list = flist.read(reader);
  while (list === undefined) list = flist.read(reader);
  const ndx = new NdxDecoder(32);
  const tokens = createTokenDecoder(compression);
  const files: SentFile[] = [];
  let dones = 0;
  while (reader.available > 0) {
    const index = ndx.read(reader);
    if (index === NDX_DONE) {
      dones++;
      continue;
    }
    const entry = list.entries[index - list.first];
    if (entry === undefined) throw new Error(`index ${index}`);
    const iflags = reader.u16();
    if ((iflags & ItemFlag.transfer) === 0) continue;
    files.push(decodeFile(reader, entry.path, tokens, basisOf, digestLength));
  }
  return { files, dones };
}

function decodeFile(
  reader: ByteReader,
  path: string,
  tokens: TokenDecoder,
  basisOf: (path: string) => Buffer,
  digestLength: number,
): SentFile {
  const head = { count: reader.i32(), blockLength: reader.i32(), strongLength: reader.i32(), remainder: reader.i32() };
  const { count, blockLength, remainder } = head;
  const basis = count > 0 ? basisOf(path) : Buffer.alloc(0);
  const block = (i: number) => {
    const length = i === count - 1 && remainder > 0 ? remainder : blockLength;
    return basis.subarray(i * blockLength, i * blockLength + length);
  };
  tokens.start(head);
  const pieces: Buffer[] = [];
  let literalBytes = 0;
  let matches = 0;
  for (;;) {
    const token = tokens.next(reader);
    if (token.kind === 'end') break;
    if (token.kind === 'window') {
      const window = token.ranges.map(({ offset, length }) => basis.subarray(offset, offset + length));
      tokens.feedWindow(Buffer.concat(window));
      continue;
    }
    if (token.kind === 'literal') {
      pieces.push(Buffer.from(token.data));
      literalBytes += token.data.length;
      continue;
    }
    for (let i = token.block; i < token.block + token.count; i++) {
      pieces.push(block(i));
      matches++;
    }
  }
  return {
    path,
    content: Buffer.concat(pieces),
    digest: Buffer.from(reader.view(digestLength)),
    literalBytes,
    matches,
  };
}

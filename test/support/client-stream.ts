import { digestLength } from '../../src/kernels/checksum.ts';
import { ArgumentsDecoder } from '../../src/rsync/arguments.ts';
import { ByteReader, NEED_MORE } from '../../src/rsync/bytes.ts';
import { Compat } from '../../src/rsync/capabilities.ts';
import type { FileList } from '../../src/rsync/entry.ts';
import { FileListReceiver, type FileListSettings } from '../../src/rsync/flist.ts';
import { ItemFlag } from '../../src/rsync/iflags.ts';
import { Demultiplexer } from '../../src/rsync/mux.ts';
import { NDX_FLIST_OFFSET, NdxDecoder } from '../../src/rsync/ndx.ts';
import { chooseName, forcedChecksums, negotiation, OFFERED_CHECKSUMS, readNames } from '../../src/rsync/negotiate.ts';
import { defaultOptions, parseServerOptions, type ServerOptions } from '../../src/rsync/options.ts';
import type { Recording } from './record-proxy.ts';

/** What a client said in a push, up to its file lists; the lists' bytes are `data` from there on. */
export interface ClientStream {
  protocol: number;
  options: ServerOptions;
  settings: FileListSettings;
  rules: string[];
  /** without frames, from the first list on */
  data: Buffer;
}

/** Takes the recording of a push to a stock daemon without login apart. */
export function openClientStream({ up, down }: Recording): ClientStream {
  const server = new ByteReader(down);
  const demultiplexer = new Demultiplexer(() => undefined);
  const client = demultiplexer.reader;
  demultiplexer.feed(up);
  const protocol = Math.min(version(line(server)), version(line(client)));
  line(client); // the module
  for (let text = line(server); !text.startsWith('@RSYNCD: OK'); text = line(server));
  const options = defaultOptions();
  parseServerOptions(readArguments(client, protocol), options);
  const compat = protocol >= 30 ? server.varint() : 0;
  const { asksChecksum, asksCompression } = negotiation(options, (compat & Compat.varintFlags) !== 0);
  let { list: checksum } = forcedChecksums(options, protocol);
  if (asksChecksum) checksum = chooseName('checksum', OFFERED_CHECKSUMS, readNames(client));
  if (asksCompression) readNames(client);
  if (protocol >= 30) demultiplexer.start();
  const rules = options.deletes || options.pruneEmptyDirs ? readRules(client) : [];
  const settings: FileListSettings = {
    protocol,
    incremental: (compat & Compat.incrementalRecursion) !== 0,
    varintFlags: (compat & Compat.varintFlags) !== 0,
    safeEnd: protocol >= 31 || (compat & Compat.safeFileList) !== 0,
    id0Names: (compat & Compat.id0Names) !== 0,
    preserve: options,
    relative: options.relative,
    recursive: options.recursive,
    numericIds: options.numericIds,
    digestLength: options.checksum ? digestLength(checksum) : 0,
  };
  const data = Buffer.from(client.bytes.subarray(client.position, client.end));
  return { protocol, options, settings, rules, data };
}

/** The lists of a dry run, and the indices of its replies, which hold no content. */
export function readDryRun({ settings, data }: Pick<ClientStream, 'settings' | 'data'>): {
  lists: FileList[];
  replies: number[];
} {
  const reader = new ByteReader(data);
  const receiver = new FileListReceiver(settings);
  const ndx = new NdxDecoder(settings.protocol);
  const lists = [oneList(receiver, reader, -1)];
  const replies: number[] = [];
  while (settings.protocol >= 29 && reader.available > 0) {
    const index = ndx.read(reader);
    if (index <= NDX_FLIST_OFFSET) lists.push(oneList(receiver, reader, NDX_FLIST_OFFSET - index));
    if (index < 0) continue;
    replies.push(index);
    skipReply(reader);
  }
  return { lists, replies };
}

function oneList(receiver: FileListReceiver, reader: ByteReader, directory: number): FileList {
  receiver.begin(directory);
  const list = receiver.readAvailable(reader);
  if (list === undefined) throw NEED_MORE;
  return list;
}

function skipReply(reader: ByteReader): void {
  const iflags = reader.u16();
  if (iflags & ItemFlag.basisTypeFollows) reader.u8();
  if (iflags & ItemFlag.nameFollows) reader.vstring();
}

function readArguments(reader: ByteReader, protocol: number): string[] {
  const decoder = new ArgumentsDecoder(protocol);
  for (;;) {
    const args = decoder.read(reader);
    if (args !== undefined) return args;
  }
}

function readRules(reader: ByteReader): string[] {
  const rules: string[] = [];
  for (let length = reader.i32(); length !== 0; length = reader.i32()) rules.push(reader.latin1(length));
  return rules;
}

function line(reader: ByteReader): string {
  const end = reader.bytes.indexOf(0x0a, reader.position);
  const text = reader.latin1(end - reader.position);
  reader.u8();
  return text;
}

function version(greeting: string): number {
  const found = /^@RSYNCD: (\d+)/.exec(greeting);
  if (found === null) throw new Error(`no greeting: ${greeting}`);
  return Number(found[1]);
}

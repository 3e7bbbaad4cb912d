import { ProtocolError } from '../lib/errors.ts';
import { brief } from '../lib/names.ts';
import { isDir } from '../lib/stat.ts';
import { NEED_MORE } from '../rsync/bytes.ts';
import type { FileList } from '../rsync/entry.ts';
import type { FileListReceiver } from '../rsync/flist.ts';
import { ItemFlag } from '../rsync/iflags.ts';
import { NDX_DELETE_STATS, NDX_DONE, NDX_FLIST_EOF, NDX_FLIST_OFFSET, type NdxDecoder } from '../rsync/ndx.ts';
import { readSumHead } from '../rsync/sum-head.ts';
import type { TokenDecoder } from '../rsync/tokens.ts';
import { decodeXattrAnswer } from '../rsync/xattr.ts';
import type { FileSink } from '../vault/ingest/pool.ts';
import type { Item } from './lists.ts';
import { notSent } from './messages-in.ts';
import { leadNow } from './nodes.ts';
import { Provenance } from './provenance.ts';
import { pruneEmptyDirectories } from './prune.ts';
import type { PushSession } from './session.ts';
import { openSink } from './transfers.ts';
import { applyXattrAnswer } from './xattrs.ts';

/** Values of attributes that replies may bring: they are kept, for a client gives each once, and entries may share them. */
const MOST_XATTR_BYTES = 1 << 30;

/** The file whose content is coming. */
export interface Arriving {
  item: Item;
  sink: FileSink;
  provenance: Provenance;
}

/**
 * Reads what the client sends during the transfer: further lists, replies to requests, and DONEs. Content goes straight
 * on to the ingest workers, which say how much may come.
 */
export class Receiver {
  private readonly session: PushSession;
  private readonly flist: FileListReceiver;
  private readonly ndx: NdxDecoder;
  private readonly tokens: TokenDecoder;
  firstEntries = 0;
  firstIsDirectory = false;
  /** the file on its way, for a push that is cut */
  private current: Arriving | undefined;
  private xattrBytes = 0;

  constructor(session: PushSession, flist: FileListReceiver, ndx: NdxDecoder, tokens: TokenDecoder) {
    this.session = session;
    this.flist = flist;
    this.ndx = ndx;
    this.tokens = tokens;
  }

  /** Until the client has answered `phases` of our DONEs that end a phase. */
  async run(phases: number): Promise<void> {
    const { lists, input, agreement } = this.session;
    while (lists.phasesAnswered < phases) {
      const ndx = await input.read((reader) => this.ndx.read(reader));
      if (ndx >= 0) await this.reply(ndx);
      else if (ndx === NDX_DONE) this.done();
      else if (ndx === NDX_FLIST_EOF && agreement.incremental && !lists.complete) {
        lists.complete = true;
        lists.notify();
      } else if (ndx <= NDX_FLIST_OFFSET && agreement.incremental && !lists.complete)
        await this.subList(NDX_FLIST_OFFSET - ndx);
      else
        throw new ProtocolError(
          ndx === NDX_DELETE_STATS ? 'the client sends delete statistics' : `the client sends the file index ${ndx}`,
        );
    }
  }

  /** The first list, which comes before anything else; without incremental recursion it is the only one. */
  async firstList(): Promise<void> {
    this.flist.begin(-1);
    const { counts, lists, agreement } = this.session;
    await this.listEntries();
    const [list] = lists.all();
    if (this.session.options.pruneEmptyDirs) pruneEmptyDirectories(list, this.session.filter);
    this.firstEntries = counts.entries;
    const first = list.entries.find((file) => file !== undefined);
    this.firstIsDirectory = first !== undefined && isDir(first.mode);
    if (!agreement.incremental) {
      lists.complete = true;
    } else if (this.firstEntries === 1 && this.firstIsDirectory && first!.path !== '.') {
      // a single directory: its own list is needed to tell a destination's name from its parent
      this.firstEntries = 2;
    }
  }

  /** The file that was cut off, when the connection ended within it. */
  takeCurrent(): Arriving | undefined {
    const { current } = this;
    this.current = undefined;
    return current;
  }

  private done(): void {
    const { lists, agreement } = this.session;
    // an old client passes over what it cannot read: all it was asked for is answered by now, or never will be
    if (agreement.protocol < 30) for (const item of lists.unanswered()) notSent(this.session, item);
    // every list's DONE is answered by one; the last list's answer ends the first phase
    if (agreement.incremental && lists.drop() && lists.pending > 0) return;
    lists.answerPhase();
  }

  private async subList(directory: number): Promise<void> {
    this.flist.begin(directory);
    await this.listEntries();
  }

  private async listEntries(): Promise<void> {
    const { session, flist } = this;
    const { reader, input } = session;
    for (;;) {
      const start = reader.position;
      try {
        const list = flist.read(reader);
        if (list === undefined) continue;
        this.take(list);
        return;
      } catch (error) {
        if (error !== NEED_MORE) throw error;
        reader.position = start;
      }
      await input.more();
    }
  }

  private take(list: FileList): void {
    const { session, flist } = this;
    session.ioError |= list.ioError;
    list.entries.forEach((file, i) => {
      if (file === undefined) return;
      session.counts.entries++;
      session.counts.totalBytes += file.size;
      if (file.hardLink >= 0) session.hardLinks.listed(file.hardLink, list.indices?.[i] ?? list.first + i);
    });
    session.lists.add(list, flist.directory(list));
  }

  private async reply(ndx: number): Promise<void> {
    const { session } = this;
    const item = session.lists.requested(ndx);
    // at once: a message beside the data must not settle it as well
    item.list.requested.delete(ndx);
    const iflags = await session.input.read((reader) => {
      if (session.agreement.protocol < 29) return item.iflags;
      const flags = reader.u16();
      if (flags & ItemFlag.basisTypeFollows) reader.u8();
      if (flags & ItemFlag.nameFollows) reader.vstring();
      return flags;
    });
    if (iflags !== item.iflags)
      throw new ProtocolError(`the client answers the request for ${brief(item.file.path)} with other item flags`);
    if (item.wantedXattrs !== undefined) {
      // a value that another item asked for in vain comes with the next one of the same list
      const awaited = (item.file.xattrs ?? []).filter((x) => x.value === undefined).map((x) => x.number);
      const values = await session.input.read((reader) => decodeXattrAnswer(reader, awaited));
      for (const value of values.values()) this.xattrBytes += value.length;
      if (this.xattrBytes > MOST_XATTR_BYTES)
        throw new ProtocolError('the client sends more values of extended attributes than there is room for');
      applyXattrAnswer(session, item, values);
      item.wantedXattrs = undefined;
      leadNow(session, item);
    }
    if ((iflags & ItemFlag.transfer) === 0 || session.dryRun) {
      if (session.dryRun && iflags & ItemFlag.transfer) session.counts.transferred++;
      return;
    }
    await this.content(item);
  }

  private async content(item: Item): Promise<void> {
    const { session, tokens } = this;
    const { head } = item.offered!;
    await session.input.read((reader) => readSumHead(reader, head));
    const sink = openSink(session, item);
    this.current = { item, sink, provenance: new Provenance(item) };
    tokens.start(item.offered!.prefix === undefined ? head : { ...head, count: 0 });
    await this.tokensOf(this.current);
    const { digestLength } = session.agreement;
    const digest = Buffer.from(await session.input.read((reader) => reader.view(digestLength)));
    this.current = undefined;
    sink.end(digest).then(
      (result) => session.lists.settle(item, result),
      (error) => session.lists.fail(error),
    );
  }

  /** Tokens until the file's end; a match is a run of whole blocks of the basis. */
  private async tokensOf({ item, sink, provenance }: Arriving): Promise<void> {
    const { session, tokens } = this;
    const { reader, input, pool } = session;
    const { head, basisSize } = item.offered!;
    for (;;) {
      const start = reader.position;
      try {
        const token = tokens.next(reader);
        if (token.kind === 'literal') {
          sink.write(token.data);
          provenance.literal(token.data.length);
          const room = pool.room();
          if (room !== undefined) await room;
        } else if (token.kind === 'match') {
          const offset = token.block * head.blockLength;
          const length = Math.min(token.count * head.blockLength, basisSize - offset);
          sink.copy(offset, length);
          provenance.match(length);
        } else if (token.kind === 'window') {
          tokens.feedWindow(await sink.readBasis(token.ranges));
          provenance.windowed();
        } else {
          return;
        }
        continue;
      } catch (error) {
        if (error !== NEED_MORE) throw error;
        reader.position = start;
      }
      await input.more();
    }
  }
}

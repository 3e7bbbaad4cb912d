import { existsSync } from 'node:fs';
import { digestLength, recordLength } from '../kernels/checksum.ts';
import { Compat } from '../rsync/capabilities.ts';
import { Filter, readRule } from '../rsync/filter.ts';
import { FileListReceiver } from '../rsync/flist.ts';
import { Demultiplexer, MessageTag } from '../rsync/mux.ts';
import { NdxDecoder, NdxEncoder } from '../rsync/ndx.ts';
import { createTokenDecoder } from '../rsync/tokens.ts';
import { ID_BYTES } from '../vault/content.ts';
import { StateDamagedError } from '../vault/errors.ts';
import { IngestPool } from '../vault/ingest/pool.ts';
import { layoutOf, type VaultLayout, vaultSeed } from '../vault/layout.ts';
import { Lease } from '../vault/lease.ts';
import { looksSound } from '../vault/sound.ts';
import { StateStore } from '../vault/state/store.ts';
import { followsDirTimes } from './attributes.ts';
import { Backups } from './backups.ts';
import { isPartOfDigest } from './basis.ts';
import { DelayedUpdates } from './delayed.ts';
import { Destination } from './destination.ts';
import { HardLinks } from './hard-links.ts';
import { Input } from './input.ts';
import { Lists } from './lists.ts';
import { errorNotice } from './messages.ts';
import { takeMessage } from './messages-in.ts';
import { Output } from './output.ts';
import { Receiver } from './receiver.ts';
import { Removable } from './removable.ts';
import type { PushRequest } from './request.ts';
import { type Agreement, newCounts, type PushSession } from './session.ts';
import type { SetUp } from './set-up.ts';
import { tellUnconverted } from './unconverted.ts';

/** Seconds without a byte from us after which a client is shown that we are alive. */
const KEEP_ALIVE_SECONDS = 10;

/** The connection of a push, before anything of the vault is touched. */
export interface Connection {
  request: PushRequest;
  input: Input;
  output: Output;
  demultiplexer: Demultiplexer;
  /** set once there is a session that messages beside the data can go to */
  session: PushSession | undefined;
}

export function connect(request: PushRequest): Connection {
  const connection: Partial<Connection> = { request };
  const demultiplexer = new Demultiplexer((tag, payload) => {
    if (tag === MessageTag.errorExit) connection.input?.noteGone();
    if (connection.session !== undefined) takeMessage(connection.session, tag, payload);
  });
  const input = new Input(request.socket, demultiplexer, request.initial);
  const output = new Output(request.socket, request.protocol, () => input.noteActivity());
  return Object.assign(connection, { demultiplexer, input, output, session: undefined }) as Connection;
}

/** What of the vault a push holds while it lasts. */
export interface VaultHold {
  layout: VaultLayout;
  lease: Lease;
  pool: IngestPool;
  store: StateStore;
  /** by performance.now() */
  startedAt: number;
  /** bytes of packs stored so far */
  stored: { bytes: number };
  /** what was found wrong with the state and mended */
  notes: string[];
  /** IDs, latin1, of stored blobs that were found unreadable */
  damaged: Set<string>;
}

/** Takes the vault for this push alone, and makes sure that its state is sound. */
export async function holdVault(request: PushRequest, agreed: SetUp): Promise<VaultHold> {
  const startedAt = performance.now();
  const layout = layoutOf(request.vaultDir, request.vault);
  const lease = await Lease.take(layout.leaseFile, `a push from ${request.address}`, request.limits.leaseWait);
  let pool: IngestPool | undefined;
  try {
    const stored = { bytes: 0 };
    const notes: string[] = [];
    const damaged = new Set<string>();
    let store: StateStore | undefined;
    const seed = agreed.options.checksumSeed || storedSeed(layout);
    pool = new IngestPool({
      vaultDir: request.vaultDir,
      vault: request.vault,
      workers: request.limits.workers,
      kind: { algorithm: agreed.checksum, seed, seedFirst: (agreed.compat & Compat.seedOrderFixed) !== 0 },
      digest: agreed.checksum,
      digestSeed: agreed.seededDigest ? seed : 0,
      onPack: (pack) => {
        stored.bytes += pack.size;
        store?.addPack(pack);
        store?.checkpoint();
      },
      onDamaged: (ids) => {
        for (let at = 0; at < ids.length; at += ID_BYTES) damaged.add(ids.toString('latin1', at, at + ID_BYTES));
      },
    });
    if (!looksSound(layout)) notes.push(...(await pool.prepare()).notes);
    store = StateStore.open(layout.stateFile);
    return { layout, lease, pool, store, stored, notes, damaged, startedAt };
  } catch (error) {
    await pool?.close();
    lease.release();
    throw error;
  }
}

/** The seed of the vault's block sums, also where the state is lost: the one that a rebuilt state has. */
function storedSeed(layout: VaultLayout): number {
  // opening would make a new one
  if (!existsSync(layout.stateFile)) return vaultSeed(layout);
  try {
    const store = StateStore.open(layout.stateFile);
    const seed = store.checksumSeed;
    store.close();
    return seed;
  } catch (error) {
    if (error instanceof StateDamagedError) return vaultSeed(layout);
    throw error;
  }
}

/** Tells the seed, starts the multiplexed stream, and puts the push together. */
export function beginSession(
  connection: Connection,
  agreed: SetUp,
  hold: VaultHold,
): { session: PushSession; receiver: Receiver } {
  const { request, input, output, demultiplexer } = connection;
  const { options, compat, owners, charset } = agreed;
  output.charset = charset;
  const { protocol, policy } = request;
  const seed = options.checksumSeed || hold.store.checksumSeed;
  startStreams(connection, seed, options.timeout);
  const seedFirst = (compat & Compat.seedOrderFixed) !== 0;
  const kind = { algorithm: agreed.checksum, seed, seedFirst };
  const incremental = (compat & Compat.incrementalRecursion) !== 0;
  const agreement: Agreement = {
    protocol,
    incremental,
    xattrOptimized: protocol >= 31 && (compat & Compat.avoidXattrOptimization) === 0,
    sumsKind: `${agreed.checksum}:${seed}:${seedFirst ? 1 : 0}`,
    recordLength: recordLength(kind),
    digestLength: digestLength(agreed.checksum),
    listDigest: agreed.listChecksum,
    // with the old compression literals copy single bytes out of what was matched, which the digest then confirms or denies
    offersSums: isPartOfDigest(digestLength(agreed.checksum)) && (agreed.compression !== 'zlib' || policy.zlibDeltas),
    // also where the transport protects the bytes: only the digest shows that the client knows what it refers to
    verify: policy.verifyDeltas !== 'never',
  };
  const now = Math.floor(Date.now() / 1000);
  // what would be sent goes into a file of the client's, or only the list is told: nothing is stored in either case
  const dryRun = options.dryRun || options.onlyWriteBatch || options.listOnly;
  const parts: Omit<PushSession, 'backups'> = {
    agreement,
    options,
    rules: { options, policy, now },
    input,
    reader: demultiplexer.reader,
    output,
    ndxOut: new NdxEncoder(protocol),
    store: hold.store,
    pool: hold.pool,
    destination: new Destination(hold.store, dryRun, now, followsDirTimes(options) ? undefined : now),
    lists: new Lists(),
    hardLinks: new HardLinks(),
    delayed: undefined,
    filter: undefined,
    altDests: undefined,
    similarFiles: undefined,
    counts: newCounts(),
    base: '',
    singleName: undefined,
    baseCreated: false,
    dryRun,
    ioError: 0,
    removable: new Removable(options),
  };
  const session: PushSession = Object.assign(parts, { backups: new Backups(parts) });
  if (options.delayUpdates && !options.dryRun) session.delayed = new DelayedUpdates(session);
  connection.session = session;

  const flist = new FileListReceiver({
    protocol,
    incremental,
    varintFlags: (compat & Compat.varintFlags) !== 0,
    safeEnd: protocol >= 31 || (compat & Compat.safeFileList) !== 0,
    id0Names: (compat & Compat.id0Names) !== 0,
    preserve: {
      owner: options.owner,
      group: options.group,
      devices: options.devices,
      specials: options.specials,
      links: options.links,
      hardLinks: options.hardLinks,
      atimes: options.atimes,
      acls: options.acls,
      xattrs: options.xattrs,
    },
    relative: options.relative,
    recursive: options.recursive,
    numericIds: options.numericIds,
    missingArgs: options.deleteMissingArgs,
    keepsDirSizes: options.listOnly,
    userMap: owners.user,
    groupMap: owners.group,
    charset,
    charsetOfLinks: options.capabilities.includes('s'),
    onUnconverted: (kind, path) => tellUnconverted(session, kind, path),
    digestLength: options.checksum ? digestLength(agreed.listChecksum) : 0,
  });
  for (const line of owners.unknown) errorNotice(session, line);
  const tokens = createTokenDecoder(agreed.compression, protocol);
  const receiver = new Receiver(session, flist, new NdxDecoder(protocol), tokens);
  return { session, receiver };
}

/** The last words before both directions are frames. */
export function startStreams(connection: Connection, seed: number, clientTimeout: number): void {
  const { request, input, output, demultiplexer } = connection;
  output.data.i32(seed);
  output.startMultiplex();
  // before protocol 30 the client sends its data bare
  if (request.protocol >= 30) demultiplexer.start();
  const { ioTimeout } = request.limits;
  if (ioTimeout > 0 && request.protocol >= 31) {
    const payload = Buffer.alloc(4);
    payload.writeInt32LE(ioTimeout);
    output.message(MessageTag.ioTimeout, payload);
  }
  input.setTimeout(ioTimeout);
  output.setTimeout(ioTimeout);
  output.keepAliveEvery(
    clientTimeout > 0 ? Math.min(KEEP_ALIVE_SECONDS, clientTimeout / 3) : KEEP_ALIVE_SECONDS,
    request.protocol,
  );
}

/** Filter rules come when something is deleted or pruned. */
export async function readFilter(session: PushSession): Promise<Filter | undefined> {
  const { options, input } = session;
  const deletes = options.deleteMode !== 'none' && (!options.deleteExcluded || session.agreement.protocol >= 29);
  if (!deletes && !options.pruneEmptyDirs) return undefined;
  // which files go or stay depends on what stored files say then, and the client hears it
  const { mergeFiles, reveal } = session.rules.policy;
  const filter = new Filter({
    deleteExcluded: options.deleteExcluded,
    protocol: session.agreement.protocol,
    mergeFiles: mergeFiles && reveal !== 'nothing',
    refusal: `rules in stored files would let a client test guesses about them (${reveal === 'nothing' ? 'reveal = "nothing" never allows it' : 'merge_files = true allows it'})`,
  });
  for (;;) {
    const rule = await input.read(readRule);
    if (rule === undefined) return filter;
    filter.add(rule);
  }
}

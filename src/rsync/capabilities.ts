/** Compatibility flags, which the server sets from what the client said it can (docs/protocol.md, "Set-up"). */
import type { ByteWriter } from './bytes.ts';
import type { ServerOptions } from './options.ts';

export const Compat = {
  incrementalRecursion: 1 << 0,
  symlinkTimes: 1 << 1,
  symlinkIconv: 1 << 2,
  safeFileList: 1 << 3,
  avoidXattrOptimization: 1 << 4,
  seedOrderFixed: 1 << 5,
  inplacePartialDir: 1 << 6,
  /** file-list flags are varints, and checksum and compression are negotiated by name */
  varintFlags: 1 << 7,
  id0Names: 1 << 8,
} as const;

/** Letters that a client offers, and the bit each allows. */
const LETTERS: readonly [string, number][] = [
  ['f', Compat.safeFileList],
  ['x', Compat.avoidXattrOptimization],
  ['C', Compat.seedOrderFixed],
  ['I', Compat.inplacePartialDir],
  ['v', Compat.varintFlags],
  ['u', Compat.id0Names],
];

/**
 * The flags for a push with these options; protocol 30 and later only. `symlinkTimes` is a statement of our own. `V`, of
 * a pre-release that wrote the flags as one byte, counts for no flag.
 */
export function compatFlags(options: ServerOptions): number {
  let flags: number = Compat.symlinkTimes;
  if (options.iconv !== undefined) flags |= Compat.symlinkIconv;
  for (const [letter, bit] of LETTERS) if (options.capabilities.includes(letter)) flags |= bit;
  if (allowsIncrementalRecursion(options)) flags |= Compat.incrementalRecursion;
  return flagsAreOneByte(options) ? flags & 0xff : flags;
}

/** Lists may come directory by directory, unless something has to know all of them first. */
function allowsIncrementalRecursion(options: ServerOptions): boolean {
  const { capabilities, recursive, useQsort, pruneEmptyDirs, delayUpdates, deleteMode, removesSource, dryRun, iconv } =
    options;
  return (
    capabilities.includes('i') &&
    recursive &&
    !useQsort &&
    !pruneEmptyDirs &&
    !delayUpdates &&
    // the client forgets a list when it is done, and could not be told later what it may remove
    (removesSource === 'none' || dryRun) &&
    // indices count as the lists were sent, for converted names sort in another order
    iconv === undefined &&
    deleteMode !== 'before' &&
    deleteMode !== 'after'
  );
}

/** A pre-release wrote the flags as one byte; its clients still say `V`. */
function flagsAreOneByte(options: ServerOptions): boolean {
  return options.capabilities.includes('V');
}

/** The flags as they go over the wire. */
export function writeCompatFlags(writer: ByteWriter, options: ServerOptions, flags: number): void {
  if (flagsAreOneByte(options)) writer.u8(flags);
  else writer.varint(flags);
}

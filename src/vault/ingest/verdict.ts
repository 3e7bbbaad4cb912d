/** Whether a file that has ended is what the client has, and if not, why. */
import { RepositoryDamagedError } from '../../repository/errors.ts';
import { BasisDamagedError } from './basis-blobs.ts';
import { FileRefusedError, type FileStream } from './file-stream.ts';
import type { FileFailure } from './messages.ts';

/** undefined when it is not the failure of one file. */
export function failureOf(error: unknown): FileFailure | undefined {
  if (error instanceof FileRefusedError)
    return { reason: error.message, retry: error.retry, damaged: new Uint8Array() };
  if (!(error instanceof RepositoryDamagedError)) return undefined;
  const blob = error instanceof BasisDamagedError ? error.blob : undefined;
  return {
    reason: `the stored content it is built from cannot be read: ${error.message}`,
    retry: true,
    damaged: blob === undefined ? new Uint8Array() : Uint8Array.from(blob),
  };
}

/**
 * undefined when the file is what the client has.
 *
 * @param expected the client's digest; undefined: the file was cut off, and what came is as good as it gets
 */
export function judge(stream: FileStream, expected: Buffer | undefined): FileFailure | undefined {
  if (expected === undefined) return undefined;
  const failed = (reason: string) => ({ reason, retry: true, damaged: new Uint8Array() });
  if (isFailureMark(expected)) return failed('the client could not read all of it');
  const digest = stream.digest();
  if (digest !== undefined && !digest.equals(expected))
    return failed('its checksum is not the one the client computed');
  return undefined;
}

/** A client that could not read its file to the end sends zeros, but for a last 1 where zeros would have been right. */
function isFailureMark(digest: Buffer): boolean {
  return digest.subarray(0, -1).every((b) => b === 0) && digest[digest.length - 1] <= 1;
}

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { FileEntry, FileList } from '../../src/rsync/entry.ts';
import type { FileListSettings } from '../../src/rsync/flist.ts';

/**
 * File lists as the stock client sent them in a dry run, unframed, from the first list to the end of the connection.
 * They were made by test/support/record-lists.ts and compared with the tree they came from.
 */
export interface RecordedLists {
  name: string;
  settings: FileListSettings;
  rsync: string;
  args: string[];
  data: Buffer;
  /** one line for each entry, list after list */
  expected: string[];
}

export const recordedFolder = path.join(import.meta.dirname, '../fixtures/flist');

export function recordedLists(): RecordedLists[] {
  return readdirSync(recordedFolder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const { data, ...rest } = JSON.parse(readFileSync(path.join(recordedFolder, name), 'utf8'));
      return { name, ...rest, data: Buffer.from(data, 'base64') };
    });
}

/** Everything that was decoded, as text. */
export function describeLists(lists: FileList[]): string[] {
  return lists.flatMap((list) => [
    `list ${list.first} of directory ${list.parent} ${JSON.stringify(list.parentPath)}, I/O error ${list.ioError}`,
    ...list.entries.map(describe),
  ]);
}

function describe(entry: FileEntry | undefined): string {
  if (entry === undefined) return '-';
  return JSON.stringify(entry, (_, value) =>
    value?.type === 'Buffer' ? Buffer.from(value.data).toString('hex') : value,
  );
}

/** The tables of the state (docs/architecture.md, "The state"). Everything in them can be had from the repository again. */
export const SCHEMA_VERSION = 3;

/** 'ndst': tells our file from another program's database. */
export const APPLICATION_ID = 0x6e647374;

/** A table of keys in no order, and the small one where its new rows gather (state/two-level.ts). */
function twice(name: string, columns: string): string {
  return ['', 'fresh_'].map((level) => `CREATE TABLE ${level}${name} (${columns}) WITHOUT ROWID;`).join('\n');
}

export const SCHEMA: string = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
-- a directory: where its entries lie, the ID of its tree blob (NULL while that is not written), what it adds to the
-- totals, and the keys of the blob lists its record points to
CREATE TABLE dir (path TEXT PRIMARY KEY, record INTEGER NOT NULL, tree BLOB, files INTEGER NOT NULL, bytes INTEGER NOT NULL,
  contents BLOB) WITHOUT ROWID;
CREATE INDEX dir_dirty ON dir (path) WHERE tree IS NULL;
-- the entries of one directory, packed; apart from dir, so that marking one dirty does not write them again
CREATE TABLE record (row INTEGER PRIMARY KEY, crc INTEGER NOT NULL, entries BLOB NOT NULL);
-- blob lists too long for their directory's record, and how many records point to each
CREATE TABLE content (key BLOB PRIMARY KEY, uses INTEGER NOT NULL, blobs BLOB NOT NULL);
-- durable packs; blobs is the packed list of a pack that no index file names yet, NULL afterwards
CREATE TABLE pack (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, blobs BLOB);
CREATE INDEX pack_unindexed ON pack (number) WHERE blobs IS NOT NULL;
${twice('blob', 'id BLOB PRIMARY KEY, pack INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL, plain INTEGER NOT NULL, flags INTEGER NOT NULL')}
-- the index files the two above agree with, and the snapshots that were seen
CREATE TABLE index_file (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE snapshot (name TEXT PRIMARY KEY) WITHOUT ROWID;
-- block sums of a content; short ones lie in the row, long ones in pieces
CREATE TABLE kind (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE sums (row INTEGER PRIMARY KEY, key BLOB NOT NULL, kind INTEGER NOT NULL, crc INTEGER NOT NULL, size INTEGER NOT NULL,
  block_length INTEGER NOT NULL, count INTEGER NOT NULL, record_length INTEGER NOT NULL, literal_bytes INTEGER NOT NULL,
  literal_runs INTEGER NOT NULL, blobs BLOB NOT NULL, records BLOB);
${twice('sum_key', 'key BLOB NOT NULL, kind INTEGER NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (key, kind)')}
-- id: row of the sums and number of the piece (state/sums.ts)
CREATE TABLE piece (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, records BLOB NOT NULL);
-- where content of a given size and time may be found under another name
${twice('moved', 'size INTEGER NOT NULL, mtime INTEGER NOT NULL, nsec INTEGER NOT NULL, key BLOB NOT NULL, PRIMARY KEY (size, mtime, nsec, key)')}
-- whole-file digests, for --checksum
CREATE TABLE digest (key BLOB NOT NULL, algorithm TEXT NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (key, algorithm)) WITHOUT ROWID;
`;

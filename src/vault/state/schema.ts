/** The tables of the state (docs/architecture.md, "The state"). Everything in them can be had from the repository again. */
export const SCHEMA_VERSION = 1;

export const SCHEMA = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
-- one directory's entries; tree is NULL while its tree blob is not written
CREATE TABLE dir (path BLOB PRIMARY KEY, entries BLOB NOT NULL, crc INTEGER NOT NULL, tree BLOB, files INTEGER NOT NULL, bytes INTEGER NOT NULL, contents INTEGER NOT NULL);
CREATE INDEX dir_dirty ON dir (path) WHERE tree IS NULL;
-- blob lists too long for their directory's record
CREATE TABLE content (key BLOB PRIMARY KEY, blobs BLOB NOT NULL, uses INTEGER NOT NULL);
CREATE TABLE pack (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, indexed INTEGER NOT NULL);
CREATE INDEX pack_unindexed ON pack (number) WHERE indexed = 0;
CREATE TABLE blob (id BLOB PRIMARY KEY, pack INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL, plain INTEGER NOT NULL, flags INTEGER NOT NULL) WITHOUT ROWID;
-- the index files the two above were read from or written to
CREATE TABLE index_file (name TEXT PRIMARY KEY) WITHOUT ROWID;
-- block sums of a content; short ones lie in the row, long ones in pieces
CREATE TABLE sums (row INTEGER PRIMARY KEY, key BLOB, kind TEXT NOT NULL, blobs BLOB, size INTEGER, mtime INTEGER, nsec INTEGER,
  block_length INTEGER, count INTEGER, record_length INTEGER, literal_bytes INTEGER, literal_runs INTEGER, records BLOB);
CREATE INDEX sums_key ON sums (key, kind);
CREATE INDEX sums_moved ON sums (size, mtime, nsec);
CREATE TABLE piece (row INTEGER NOT NULL, seq INTEGER NOT NULL, records BLOB NOT NULL, PRIMARY KEY (row, seq));
-- whole-file digests, for --checksum
CREATE TABLE digest (key BLOB NOT NULL, algorithm TEXT NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (key, algorithm)) WITHOUT ROWID;
-- contents no directory holds any more, and the sequence in which the last one let go
CREATE TABLE dropped (key BLOB PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
`;

/** What a vault's operator allows a push to learn and to do. Values come from nightdrop.toml (config/). */
export interface VaultPolicy {
  /** 'checksums': block sums are sent for files of `revealFloor` bytes and more; 'nothing': changed files are sent whole */
  reveal: 'checksums' | 'nothing';
  /** bytes; block sums of smaller files are never sent */
  revealFloor: number;
  /** bytes; no block sum covers less */
  minimumBlock: number;
  /** rules in stored files (per-directory merge files) are followed by deletions; never with reveal 'nothing' */
  mergeFiles: boolean;
  /** files are compared in parts with clients that compress with the old zlib, too */
  zlibDeltas: boolean;
  /** whether matched bytes are read back to recompute the whole-file digest; 'auto': when the transport does not authenticate */
  verifyDeltas: 'auto' | 'always' | 'never';
  /** owner of what is pushed without -o / -g, and permission bits taken away from what is pushed without -p */
  defaultUid: number;
  defaultGid: number;
  umask: number;
  /** of names, in pushes with --iconv over rsync:// and TLS, as rsyncd.conf's "charset" */
  charset: string;
  /** options of rsync that no push may use, as rsyncd.conf's "refuse options" names them */
  refuseOptions: string[];
  /** levels of -v that a push may ask of the server over rsync:// and TLS, 0 or 1, as rsyncd.conf's "max verbosity" */
  maxVerbosity: number;
  /** every push deletes as with --ignore-errors, as rsyncd.conf's "ignore errors" */
  ignoreErrors: boolean;
}

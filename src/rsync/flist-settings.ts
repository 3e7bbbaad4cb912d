import type { Charset } from './charset.ts';
import type { OwnerMap } from './owner-map.ts';

/** What was agreed on before the file list, as far as its bytes depend on it (docs/protocol.md, "File list"). */
export interface FileListSettings {
  /** 27 to 32 */
  protocol: number;
  /** one list per directory, interleaved with the transfer */
  incremental: boolean;
  /** compat flag 128: flags of entries are varints */
  varintFlags: boolean;
  /** a list may end with an I/O error code though its flags are bytes: compat flag 8, and protocol 31 and later */
  safeEnd: boolean;
  /** compat flag 256: the name of id 0 is sent too */
  id0Names: boolean;
  preserve: {
    owner: boolean;
    group: boolean;
    devices: boolean;
    specials: boolean;
    links: boolean;
    hardLinks: boolean;
    atimes: boolean;
    /** -N; the times are read and dropped */
    crtimes?: boolean;
    acls: boolean;
    xattrs: boolean;
  };
  /** -R: paths may begin with a slash, which is no part of them */
  relative: boolean;
  /** -r; matters before protocol 30 only. True unless told */
  recursive?: boolean;
  /** --delete-missing-args: entries of mode 0 ask for a deletion */
  missingArgs?: boolean;
  numericIds: boolean;
  /** --usermap, --groupmap */
  userMap?: OwnerMap;
  groupMap?: OwnerMap;
  /** --iconv: names come in UTF-8; what cannot be converted is told to `onUnconverted` and left out */
  charset?: Charset;
  /** so are targets of symlinks */
  charsetOfLinks?: boolean;
  onUnconverted?: (kind: 'name' | 'target', path: string) => void;
  /** directories have the size they were sent with; else 0 */
  keepsDirSizes?: boolean;
  /** bytes of the digest that regular files carry with -c; 0 without */
  digestLength: number;
}

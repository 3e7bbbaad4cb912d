/**
 * The options of rsync 3.5 by name, as rules like refuse_options speak of them. A text is one ability: the names that switch
 * it the same way, with the letter after a slash. `=`: a rule with wildcards passes it over (rsyncd.conf(5), "refuse options").
 */
const ABILITIES = `
help | version/V | verbose/v | no-verbose no-v | info | debug | stderr | msgs2stderr | no-msgs2stderr | quiet/q
motd | no-motd | stats | human-readable/h | no-human-readable no-h | dry-run/n= | archive/a | recursive/r
no-recursive no-r | inc-recursive i-r | no-inc-recursive no-i-r | dirs/d | no-dirs no-d | old-dirs old-d | perms/p
no-perms no-p | executability/E | acls/A | no-acls no-A | xattrs/X | no-xattrs no-X | times/t | no-times no-t | atimes/U
no-atimes no-U | open-noatime | no-open-noatime | crtimes/N | no-crtimes no-N | omit-dir-times/O
no-omit-dir-times no-O | omit-link-times/J | no-omit-link-times no-J | modify-window/@ | super | no-super | fake-super
owner/o | no-owner no-o | group/g | no-group no-g | /D | no-D | devices | no-devices | copy-devices= | write-devices=
no-write-devices | specials | no-specials | drop-D | no-drop-D | confine-root | links/l | no-links no-l | copy-links/L
copy-unsafe-links | safe-links | insecure-links | no-insecure-links | munge-links | no-munge-links | copy-dirlinks/k
keep-dirlinks/K | hard-links/H | no-hard-links no-H | relative/R | no-relative no-R | implied-dirs i-d
no-implied-dirs no-i-d | chmod | ignore-times/I | size-only | one-file-system/x | no-one-file-system no-x | update/u
existing ignore-non-existing | ignore-existing | max-size | min-size | max-alloc | sparse/S | no-sparse no-S | preallocate
inplace | no-inplace | append | append-verify | no-append | del delete-during | delete | delete-before | delete-delay
delete-after | delete-excluded | delete-missing-args | ignore-missing-args | remove-sent-files | remove-source-files
force | no-force | ignore-errors | no-ignore-errors | max-delete | /F | filter/f | exclude | include | exclude-from
include-from | cvs-exclude/C | whole-file/W | no-whole-file no-W | checksum/c | no-checksum no-c | checksum-choice cc
block-size/B | compare-dest | copy-dest | link-dest | fuzzy/y | no-fuzzy no-y | compress/z | old-compress | new-compress
no-compress no-z | compress-choice zc | skip-compress | compress-level zl | compress-threads zt | /P | progress
no-progress | partial | no-partial | partial-dir | delay-updates | no-delay-updates | prune-empty-dirs/m
no-prune-empty-dirs no-m | log-file | log-file-format | out-format log-format= | itemize-changes/i
no-itemize-changes no-i | bwlimit | no-bwlimit | backup/b | no-backup | backup-dir | suffix | list-only | read-batch
write-batch | only-write-batch | files-from | from0/0= | no-from0 | old-args | no-old-args
secluded-args/s= protect-args | no-secluded-args no-protect-args no-s | trust-sender | numeric-ids | no-numeric-ids
usermap | groupmap | chown | timeout | no-timeout | contimeout | no-contimeout | fsync | stop-after time-limit | stop-at
rsh/e= | rsync-path | temp-dir/T | iconv= | no-iconv= | ipv4/4 | ipv6/6 | 8-bit-output/8 | no-8-bit-output no-8 | mkpath
no-mkpath | qsort | copy-as | address | port | sockopts | password-file | early-input | blocking-io | no-blocking-io
outbuf | remote-option/M | protocol | checksum-seed= | server= | sender= | config dparam | daemon detach no-detach`;

/** One name of an option. */
export interface OptionName {
  /** without its hyphens; '' where there is only a letter */
  long: string;
  /** '' where there is none */
  short: string;
  /** names of the same ability have the same number */
  ability: number;
  /** rules with wildcards pass it over */
  exactOnly: boolean;
}

export const OPTION_NAMES: readonly OptionName[] = ABILITIES.trim()
  .split(/ \| |\n/)
  .flatMap((names, ability) =>
    names.split(' ').map((name) => {
      const [, long, short = '', exact] = /^([^/=]*)(?:\/(.))?(=?)$/.exec(name) ?? [];
      return { long, short, ability, exactOnly: exact === '=' };
    }),
  );

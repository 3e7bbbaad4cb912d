/**
 * Options that no client sends by itself: a user adds them with -M (--remote-option). Some tell the receiver alone what
 * the client's own option would tell both; those that change what goes over the wire must be given to the client.
 */
import { flag, noEffect, noEffectWith, type OptionSpec, refused, refusedWithValue } from './option-spec.ts';
import { text } from './option-values.ts';

const BOTH_SIDES = 'give it to rsync itself, not with -M: both sides must know it';
const CLIENTS_OWN = 'give it to rsync itself, not with -M: it is for the client';
const NOT_HERE = 'it is not for a connection';

/** What the receiver alone is to do or to leave. */
const RECEIVERS: [names: string, OptionSpec][] = [
  ['perms', flag({ perms: true })],
  ['no-perms no-p', flag({ perms: false })],
  ['executability', flag({ executability: true })],
  ['times', flag({ times: true })],
  ['no-times no-t', flag({ times: false })],
  ['omit-dir-times', flag({ omitDirTimes: true })],
  ['no-omit-dir-times no-O', flag({ omitDirTimes: false })],
  ['omit-link-times', flag({ omitLinkTimes: true })],
  ['no-omit-link-times no-J', flag({ omitLinkTimes: false })],
  ['drop-D', flag({ dropDevices: true })],
  ['no-drop-D', flag({ dropDevices: false })],
  ['keep-dirlinks', flag({ keepDirlinks: true })],
  ['no-inplace', flag({ inplace: false })],
  ['no-partial', flag({ partial: false })],
  ['no-ignore-errors', flag({ ignoreErrors: false })],
  ['no-force', flag({ force: false })],
  ['no-mkpath', flag({ mkpath: false })],
  ['no-fuzzy no-y', flag({ fuzzy: 0 })],
  ['verbose', flag({ verbose: 1 })],
  ['no-verbose no-v', flag({ verbose: 0 })],
];

/** What changes nothing at a server whose destination is virtual and whose connection stands. */
const WITHOUT_EFFECT = `no-super no-sparse no-S no-open-noatime no-write-devices no-insecure-links no-munge-links
  trust-sender quiet motd no-motd human-readable no-human-readable no-h no-progress no-timeout no-contimeout no-bwlimit
  ipv4 ipv6 8-bit-output no-8-bit-output no-8 blocking-io no-blocking-io
  old-args no-old-args no-secluded-args no-protect-args no-s no-iconv`;
const WITHOUT_EFFECT_VALUED = 'contimeout address port sockopts';

/** Without them at the client too, the two sides would read each other's bytes wrong. */
const WIRE = `dry-run archive recursive no-recursive no-dirs no-d old-dirs old-d inc-recursive no-inc-recursive i-r no-i-r
  acls no-acls no-A xattrs no-xattrs no-X atimes no-atimes no-U no-crtimes no-N owner no-owner no-o group no-group no-g no-D
  links no-links no-l hard-links no-hard-links no-H no-R implied-dirs i-d no-i-d no-checksum no-c no-numeric-ids
  compress no-compress no-z no-prune-empty-dirs no-m del no-append no-backup no-delay-updates
  no-from0`;
const WIRE_VALUED = 'cc zc zl zt protocol';

const CLIENTS =
  'copy-links copy-dirlinks one-file-system no-one-file-system no-x cvs-exclude itemize-changes no-itemize-changes no-i';
const CLIENTS_VALUED = 'filter exclude include exclude-from include-from out-format stop-after time-limit stop-at';

function* spellings(): Generator<[string, OptionSpec]> {
  const lists: [names: string, OptionSpec][] = [
    ...RECEIVERS,
    [WITHOUT_EFFECT, noEffect],
    [WITHOUT_EFFECT_VALUED, noEffectWith(text)],
    [WIRE, refused(BOTH_SIDES)],
    [WIRE_VALUED, refusedWithValue(BOTH_SIDES)],
    [CLIENTS, refused(CLIENTS_OWN)],
    [CLIENTS_VALUED, refusedWithValue(CLIENTS_OWN)],
    ['help version detach', refused(NOT_HERE)],
  ];
  for (const [names, option] of lists) for (const name of names.split(/\s+/)) yield [`--${name}`, option];
}

export const OTHER_SPELLINGS: ReadonlyMap<string, OptionSpec> = new Map(spellings());

/** What becomes of parameters of the whole server, and of those that are of modules there and of the server here. */
import { readFileSync } from 'node:fs';
import { parseHostPattern, splitHosts } from '../../config/host-pattern.ts';
import type { Assignment, RsyncdConfig } from '../../config/rsyncd/load.ts';
import { booleanOf, numberOf } from '../../config/rsyncd/parameters.ts';
import { LOGIN_DIGESTS } from '../../config/settings.ts';
import { printable } from '../../lib/names.ts';
import { formatListen, parseListen } from '../addresses.ts';
import type { ClientDraft, TomlValue } from './draft.ts';
import { carried, different, type Fate, left, unneeded } from './fate.ts';

const STOCK_PORT = 873;
const LONGEST_MOTD = 4096;
const LONGEST_SECONDS = 366 * 86_400;
/** Socket options that every connection here has. */
const HAVE = new Set(['SO_KEEPALIVE', 'SO_KEEPALIVE=1', 'TCP_NODELAY', 'TCP_NODELAY=1']);
const AS_A_USER = unneeded('the server runs as a user of its own, and systemd confines it');

export interface ServerDraft {
  /** keys of [server] in nightdrop.toml, and what set them */
  settings: Map<string, { value: TomlValue; from: Assignment }>;
  fates: Map<Assignment, Fate>;
}

export function carryServerParameters({ server }: RsyncdConfig, clients: readonly ClientDraft[]): ServerDraft {
  const draft: ServerDraft = { settings: new Map(), fates: new Map() };
  carryListen(server.get('address'), server.get('port'), draft);
  for (const assignment of server.values()) {
    const fate = fateOf(assignment, draft);
    if (fate !== undefined) draft.fates.set(assignment, fate);
  }
  carryProxies(server.get('proxy protocol'), server.get('proxy protocol hosts'), draft);
  for (const [name, one] of SHARED) carryShared(name, one, clients, draft);
  return draft;
}

function set(draft: ServerDraft, key: string, value: TomlValue, from: Assignment): Fate {
  draft.settings.set(key, { value, from });
  draft.fates.set(from, carried(`${key} in [server]`));
  return draft.fates.get(from)!;
}

function carryListen(address: Assignment | undefined, port: Assignment | undefined, draft: ServerDraft): void {
  const from = address ?? port;
  if (from === undefined) return;
  const number = port === undefined ? STOCK_PORT : numberOf(port.value) || STOCK_PORT;
  const place = formatListen(address?.value || '::', number);
  const isPlace = parseListen(place) !== undefined;
  for (const assignment of [address, port]) {
    if (assignment === undefined) continue;
    if (isPlace) set(draft, 'listen', place, assignment);
    else draft.fates.set(assignment, left(`${printable(place)} is no place to listen on: set listen`));
  }
}

function fateOf(assignment: Assignment, draft: ServerDraft): Fate | undefined {
  const { parameter, value } = assignment;
  switch (parameter.name) {
    case 'motd file':
      return carryMotd(assignment, draft);
    case 'pid file':
      return unneeded('whatever starts the server knows its process; a lock keeps a second one away');
    case 'listen backlog':
      return unneeded('as many wait as the kernel allows');
    case 'socket options': {
      const missing = value.split(/[\s,]+/).filter((word) => word !== '' && !HAVE.has(word.toUpperCase()));
      return missing.length === 0 ? unneeded('always so') : different(`${printable(missing.join(' '))} cannot be set`);
    }
    case 'daemon chroot':
    case 'daemon uid':
    case 'daemon gid':
      return AS_A_USER;
    default:
      return undefined;
  }
}

function carryMotd(assignment: Assignment, draft: ServerDraft): Fate {
  const file = Buffer.from(assignment.value, 'latin1').toString('utf8');
  try {
    const text = readFileSync(file, 'utf8').replace(/\n$/, '');
    if (text.length > LONGEST_MOTD) return different(`it is longer than ${LONGEST_MOTD} characters`);
    return set(draft, 'motd', text, assignment);
  } catch (error) {
    return different(`it cannot be read: ${(error as Error).message}`);
  }
}

function carryProxies(protocol: Assignment | undefined, hosts: Assignment | undefined, draft: ServerDraft): void {
  const isOn = protocol !== undefined && booleanOf(protocol.value) === true;
  if (!isOn) {
    for (const assignment of [protocol, hosts]) if (assignment) draft.fates.set(assignment, unneeded('it is off'));
    return;
  }
  const words = splitHosts(hosts?.value ?? '');
  const networks = words.filter((word) => {
    const pattern = parseHostPattern(word);
    return typeof pattern === 'object' && pattern.kind === 'network';
  });
  if (hosts === undefined || networks.length === 0) {
    const fate = left('no address of a proxy is trusted, so rsyncd lets nobody in: set trusted_proxies');
    for (const assignment of [protocol, hosts]) if (assignment) draft.fates.set(assignment, fate);
    return;
  }
  set(draft, 'proxy_protocol', true, protocol);
  draft.fates.set(protocol, left('proxy_protocol is set, but takes version 2 of the header alone (send-proxy-v2)'));
  set(draft, 'trusted_proxies', networks, hosts);
  if (networks.length === words.length) return;
  const others = words.filter((word) => !networks.includes(word)).map(printable);
  draft.fates.set(hosts, left(`${others.join(', ')}: a proxy is trusted by its address alone; the others are carried`));
}

type Shared = (value: string) => { key: string; value: TomlValue } | Fate;

/** Of modules there, of the server here. */
const SHARED: [name: string, one: Shared][] = [
  ['timeout', (value) => ({ key: 'io_timeout', value: Math.min(LONGEST_SECONDS, Math.max(0, numberOf(value))) })],
  [
    'auth digest',
    (value) => {
      const known = LOGIN_DIGESTS.find((name) => name === value.toLowerCase());
      return known === undefined ? left(`${printable(value)} is no digest`) : { key: 'weakest_digest', value: known };
    },
  ],
  ['reverse lookup', (value) => ({ key: 'reverse_lookup', value: booleanOf(value) === true })],
  ['forward lookup', (value) => ({ key: 'forward_lookup', value: booleanOf(value) === true })],
];

/** Where all modules that are carried say the same, the server does; else it keeps its own. */
function carryShared(name: string, one: Shared, clients: readonly ClientDraft[], draft: ServerDraft): void {
  const said = clients.map(({ values }) => values.get(name));
  const differ = new Set(said.map((assignment) => assignment?.value)).size > 1;
  for (const assignment of new Set(said)) {
    if (assignment === undefined) continue;
    const carriedAs = one(assignment.value);
    if ('kind' in carriedAs) draft.fates.set(assignment, carriedAs);
    else if (differ) {
      const fate = name === 'timeout' ? different : left;
      draft.fates.set(assignment, fate(`modules differ in it; here ${carriedAs.key} in [server] is for all`));
    } else set(draft, carriedAs.key, carriedAs.value, assignment);
  }
}

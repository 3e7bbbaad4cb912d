/** The shape of nightdrop.toml: keys as they stand in the file, bounds, defaults. */

import { z } from 'zod';
import { isCharsetForNames } from '../lib/charset-name.ts';
import { fromText, printable } from '../lib/names.ts';
import { parseHostPattern, splitHosts } from './host-pattern.ts';
import { CLIENT_CERTIFICATES, LOG_LEVELS, LOGIN_DIGESTS, type Policy, type Settings } from './settings.ts';

const YEAR_SECONDS = 366 * 86_400;
const LARGEST_ID = 0xffff_fffe;

const whole = (from: number, to: number) =>
  z
    .union([z.int(), z.bigint()], { error: `must be a whole number from ${from} to ${to}` })
    .transform(Number)
    .refine((value) => value >= from && value <= to, { error: `must be a whole number from ${from} to ${to}` });

const seconds = (from: number) => whole(from, YEAR_SECONDS);
const flag = () => z.boolean({ error: 'must be true or false' });
const text = () => z.string({ error: 'must be text in quotes' });
const oneOf = <const T extends readonly [string, ...string[]]>(names: T) =>
  z.enum(names, { error: `must be one of ${names.map((name) => `"${name}"`).join(', ')}` });

const UNITS: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Bytes as a number, or as text with a unit: 4096, "4K", "1 MiB". */
const bytes = (from: number, to: number) => {
  const error = `must be a size from ${from} to ${to} bytes, such as 4096, "4 KiB" or "1M"`;
  return z.union([z.int(), z.bigint(), z.string()], { error }).transform((value, context) => {
    const found = /^(\d{1,15})\s*([kmg]?)(?:i?b)?$/i.exec(String(value));
    const size = found ? Number(found[1]) * UNITS[found[2].toLowerCase()] : Number.NaN;
    if (size >= from && size <= to) return size;
    context.addIssue({ code: 'custom', message: error });
    return z.NEVER;
  });
};

const HOST_PORT = 'must be HOST:PORT (up to 65535), such as "127.0.0.1:8730" or "[::]:8730"';
const place = z
  .string({ error: HOST_PORT })
  .regex(/^(\[[0-9a-fA-F:.]+(%\w+)?\]|[^\s:[\]]+):\d{1,5}$/, { error: HOST_PORT })
  .refine((text) => Number(/\d+$/.exec(text)?.[0]) <= 65_535, { error: HOST_PORT });

/** One, or several in a list; none where another door is open. */
const listen = z.union([place.transform((one) => [one]), z.array(place)], { error: `${HOST_PORT}, or a list of such` });

/** A list, or text with blanks and commas between, as rsyncd.conf has it. */
const words = (what: string, split: (text: string) => string[]) => {
  const error = `must be a list of ${what}`;
  return z.union([z.string().transform(split), z.array(z.string({ error }))], { error });
};

const hosts = words('hosts, such as ["192.0.2.0/24", "*.example.org"]', splitHosts).superRefine((list, context) => {
  for (const word of list) {
    const pattern = parseHostPattern(word);
    if (typeof pattern === 'string')
      context.addIssue({ code: 'custom', message: `${printable(fromText(word))} ${pattern}` });
  }
});

const networks = words('networks, such as ["192.0.2.7", "2001:db8::/32"]', splitHosts).superRefine((list, context) => {
  for (const word of list) {
    const pattern = parseHostPattern(word);
    const why = typeof pattern === 'string' ? pattern : pattern.kind === 'name' ? 'is a name, not an address' : '';
    if (why !== '') context.addIssue({ code: 'custom', message: `${printable(fromText(word))} ${why}` });
  }
});

const PROXY_NEEDS_TRUST = 'needs trusted_proxies: the addresses of the proxies';
const trustsSomebody = (s: { proxy_protocol: boolean; trusted_proxies: string[] }) =>
  !s.proxy_protocol || s.trusted_proxies.length > 0;

const server = z
  .strictObject({
    listen: listen.default(['127.0.0.1:8730']),
    max_connections: whole(1, 100_000).default(256),
    max_connections_per_address: whole(1, 100_000).default(32),
    max_sessions: whole(1, 10_000).default(32),
    handshake_timeout: z
      .number({ error: 'must be a number of seconds above 0' })
      .positive({ error: 'must be a number of seconds above 0' })
      .max(3600, { error: 'must be at most 3600 seconds' })
      .default(60),
    io_timeout: seconds(0).default(600),
    shutdown_grace: seconds(0).default(10),
    list_modules: flag().default(false),
    weakest_digest: oneOf(LOGIN_DIGESTS).default('md4'),
    reverse_lookup: flag().default(true),
    forward_lookup: flag().default(true),
    motd: text().max(4096, { error: 'must be at most 4096 characters' }).default(''),
    proxy_protocol: flag().default(false),
    trusted_proxies: networks.default([]),
  })
  .refine(trustsSomebody, { path: ['proxy_protocol'], error: PROXY_NEEDS_TRUST })
  .transform((s) => ({
    listen: s.listen,
    maxConnections: s.max_connections,
    maxConnectionsPerAddress: s.max_connections_per_address,
    maxSessions: s.max_sessions,
    handshakeTimeout: s.handshake_timeout,
    ioTimeout: s.io_timeout,
    shutdownGrace: s.shutdown_grace,
    listModules: s.list_modules,
    weakestDigest: s.weakest_digest,
    reverseLookup: s.reverse_lookup,
    forwardLookup: s.forward_lookup,
    motd: s.motd,
    proxyProtocol: s.proxy_protocol,
    trustedProxies: s.trusted_proxies,
  }));

const file = () => text().refine((name) => !name.includes('\0'), { error: 'must be the name of a file' });
const tls = z
  .strictObject({
    listen: listen.default([]),
    certificate: file().default(''),
    key: file().default(''),
    client_certificates: oneOf(CLIENT_CERTIFICATES).default('no'),
    client_ca: file().default(''),
    client_crl: file().default(''),
    processes: whole(1, 64).default(2),
    proxy_protocol: flag().default(false),
    trusted_proxies: networks.default([]),
  })
  .superRefine((s, context) => {
    const need = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
    const files = s.listen.length > 0 ? (['certificate', 'key'] as const) : [];
    for (const key of files) if (s[key] === '') need(key, 'must name a file in PEM: TLS needs it');
    if (s.client_certificates !== 'no' && s.client_ca === '')
      need('client_certificates', 'needs client_ca: the CA that signs the certificates of clients');
    if (!trustsSomebody(s)) need('proxy_protocol', PROXY_NEEDS_TRUST);
  })
  .transform((s) => ({
    listen: s.listen,
    certificate: s.certificate,
    key: s.key,
    clientCertificates: s.client_certificates,
    clientCa: s.client_ca,
    clientCrl: s.client_crl,
    processes: s.processes,
    proxyProtocol: s.proxy_protocol,
    trustedProxies: s.trusted_proxies,
  }));

const log = z.strictObject({
  level: oneOf(LOG_LEVELS).default('info'),
  format: oneOf(['auto', 'text', 'json']).default('auto'),
});

const push = z
  .strictObject({ workers: whole(1, 64).default(2), lease_wait: seconds(0).default(30) })
  .transform((s) => ({ workers: s.workers, leaseWait: s.lease_wait }));

const policy = z.strictObject({
  hosts_allow: hosts.optional(),
  hosts_deny: hosts.optional(),
  max_connections: whole(0, 10_000).optional(),
  refuse_options: words('options, such as ["delete", "compress*"]', (text) =>
    text.split(/\s+/).filter(Boolean),
  ).optional(),
  max_verbosity: whole(0, 1).optional(),
  ignore_errors: flag().optional(),
  reveal: oneOf(['checksums', 'nothing']).optional(),
  reveal_floor: bytes(0, 2 ** 40).optional(),
  minimum_block: bytes(512, 131_072).optional(),
  merge_files: flag().optional(),
  zlib_deltas: flag().optional(),
  verify_deltas: oneOf(['auto', 'always', 'never']).optional(),
  default_uid: whole(0, LARGEST_ID).optional(),
  default_gid: whole(0, LARGEST_ID).optional(),
  umask: whole(0, 0o777).optional(),
  charset: z
    .string()
    .refine(isCharsetForNames, { error: 'is no character set for names; "utf-8", "iso-8859-1" and "windows-1252" are' })
    .optional(),
});

const POLICY_DEFAULTS: Policy = {
  hostsAllow: [],
  hostsDeny: [],
  maxConnections: 0,
  refuseOptions: [],
  maxVerbosity: 1,
  ignoreErrors: false,
  reveal: 'checksums',
  revealFloor: 1024,
  minimumBlock: 1024,
  mergeFiles: false,
  zlibDeltas: false,
  verifyDeltas: 'auto',
  defaultUid: 0,
  defaultGid: 0,
  umask: 0o022,
  charset: 'utf-8',
};

/** Only what the file says: a vault's silence leaves the defaults alone. */
function said(p: z.output<typeof policy>): Partial<Policy> {
  const all: { [K in keyof Policy]: Policy[K] | undefined } = {
    hostsAllow: p.hosts_allow,
    hostsDeny: p.hosts_deny,
    maxConnections: p.max_connections,
    refuseOptions: p.refuse_options,
    maxVerbosity: p.max_verbosity,
    ignoreErrors: p.ignore_errors,
    reveal: p.reveal,
    revealFloor: p.reveal_floor,
    minimumBlock: p.minimum_block,
    mergeFiles: p.merge_files,
    zlibDeltas: p.zlib_deltas,
    verifyDeltas: p.verify_deltas,
    defaultUid: p.default_uid,
    defaultGid: p.default_gid,
    umask: p.umask,
    charset: p.charset,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Partial<Policy>;
}

const vaultName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, { error: 'is not the name of a client' });

const all = z.strictObject({
  server: server.prefault({}),
  tls: tls.prefault({}),
  log: log.prefault({}),
  push: push.prefault({}),
  defaults: policy.transform((p): Policy => ({ ...POLICY_DEFAULTS, ...said(p) })).prefault({}),
  vaults: z.record(vaultName, policy.transform(said)).default({}),
});

/** The tables of the file, by name. */
export const tables = all.shape;

export const schema = all.refine((s) => s.server.listen.length + s.tls.listen.length > 0, {
  path: ['server', 'listen'],
  error: `${HOST_PORT}, or a list of such; it may be empty only where tls.listen is not`,
}) satisfies z.ZodType<Settings>;

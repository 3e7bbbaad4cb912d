import type { VaultPolicy } from '../vault/policy.ts';
import type { AccessPolicy } from './access-policy.ts';

/** Digests of the login, best first; names as they stand in the greeting. */
export const LOGIN_DIGESTS = ['sha512', 'sha256', 'sha1', 'md5', 'md4'] as const;
export type LoginDigest = (typeof LOGIN_DIGESTS)[number];

/** Whether clients show certificates: 'optional': one that does not logs in with its secret. */
export const CLIENT_CERTIFICATES = ['no', 'optional', 'required'] as const;

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** All that nightdrop.toml says, with its defaults filled in. Plain data: it travels between processes as JSON. */
export interface Settings {
  server: ServerSettings;
  tls: TlsSettings;
  log: LogSettings;
  push: PushSettings;
  /** of every vault that does not say otherwise */
  defaults: Policy;
  /** what single vaults say otherwise, by name */
  vaults: Record<string, Partial<Policy>>;
}

/** What the file says of a vault. */
export type Policy = VaultPolicy & AccessPolicy;

export interface ServerSettings extends ProxySettings {
  /** HOST:PORT, one or several; IPv6 addresses in brackets; port 0: any free one */
  listen: string[];
  /** connections at once, logins and pushes together; and from one address (one /64 of IPv6) */
  maxConnections: number;
  maxConnectionsPerAddress: number;
  /** pushes at once: each is a process of its own */
  maxSessions: number;
  /** seconds from accept until the client's arguments are complete */
  handshakeTimeout: number;
  /** seconds a client may be silent during a push; 0: no limit */
  ioTimeout: number;
  /** seconds that pushes under way get when the server is asked to stop */
  shutdownGrace: number;
  /** whether strangers are told the names of the vaults */
  listModules: boolean;
  weakestDigest: LoginDigest;
  /** whether peers are given a name where a rule of hosts_allow or hosts_deny needs one */
  reverseLookup: boolean;
  /** whether names in such rules are looked up */
  forwardLookup: boolean;
  /** text shown to clients before the login; '' for none */
  motd: string;
}

/** What a listener takes from proxies in front of it. */
export interface ProxySettings {
  /** each connection begins with a PROXY protocol header */
  proxyProtocol: boolean;
  /** addresses and networks (host-pattern.ts) that may connect then */
  trustedProxies: string[];
}

/** Names of files are as the settings have them: relative ones lie in the data folder. */
export interface TlsSettings extends ProxySettings {
  /** as the server's; empty: no TLS */
  listen: string[];
  /** PEM: the certificate, then those between it and the root */
  certificate: string;
  key: string;
  clientCertificates: (typeof CLIENT_CERTIFICATES)[number];
  /** PEM: who signs clients' certificates; '' for none */
  clientCa: string;
  /** PEM: which of those are withdrawn; '' for none */
  clientCrl: string;
  /** most processes that encrypt and decrypt */
  processes: number;
}

export interface LogSettings {
  level: LogLevel;
  /** 'auto': text on a terminal, JSON elsewhere */
  format: 'auto' | 'text' | 'json';
}

export interface PushSettings {
  /** threads of one push that hash, compress, encrypt and write */
  workers: number;
  /** seconds a push waits for another one into the same vault */
  leaseWait: number;
}

/** The policy of one vault: what it says itself, over the defaults. */
export function policyOf(settings: Settings, vault: string): Policy {
  const own = Object.hasOwn(settings.vaults, vault) ? settings.vaults[vault] : {};
  return { ...settings.defaults, ...own };
}

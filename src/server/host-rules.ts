/** Which peers may talk to which vault: hosts_allow and hosts_deny, in stock rsyncd's order (docs/operating/access.md). */
import type { AccessPolicy } from '../config/access-policy.ts';
import { type HostPattern, parseHostPattern } from '../config/host-pattern.ts';
import { addressBytes } from '../config/ip-address.ts';
import { Wildmatch } from '../rsync/wildmatch.ts';
import { type HostNames, UNDETERMINED } from './host-names.ts';

export type HostLists = Pick<AccessPolicy, 'hostsAllow' | 'hostsDeny'>;

export interface LookupSettings {
  reverseLookup: boolean;
  forwardLookup: boolean;
}

export interface HostVerdict {
  /** the peer's name as stock rsyncd tells it: UNKNOWN without one, UNDETERMINED when no rule needed it */
  host: string;
  /** whether there is any vault, one that does not exist included, whose rules let this peer in */
  anywhere: boolean;
  /** the same for one vault */
  allows(vault: string): boolean;
}

/** What everybody gets where there are no rules. */
export const EVERYBODY: HostVerdict = { host: UNDETERMINED, anywhere: true, allows: () => true };

interface Rules {
  allow: CompiledPattern[];
  deny: CompiledPattern[];
}

type CompiledPattern = HostPattern & { wild?: Wildmatch };

interface Peer {
  bytes: Buffer | undefined;
  host: string;
  /** nobody could say its name */
  nameFailed: boolean;
}

/**
 * The rules of all vaults. A peer is judged by all of them at once, before it has named a module: neither what it is told
 * nor how long that takes depends on whether the module exists or has rules of its own.
 */
export class HostRules {
  private readonly defaults: Rules;
  private readonly own = new Map<string, Rules>();
  private readonly lookups: LookupSettings;
  private readonly namesHosts: boolean;

  /** @param vaults the rules of those vaults that have other ones than the defaults */
  constructor(defaults: HostLists, vaults: Map<string, HostLists>, lookups: LookupSettings) {
    this.defaults = compile(defaults);
    for (const [vault, policy] of vaults) this.own.set(vault, compile(policy));
    this.lookups = lookups;
    const all = [this.defaults, ...this.own.values()];
    this.namesHosts = all.some(({ allow, deny }) => [...allow, ...deny].some(asksName));
  }

  async judge(address: string, names: HostNames): Promise<HostVerdict> {
    const peer = await this.peerAt(address, names);
    const sets = [this.defaults, ...this.own.values()];
    const known = await this.lookUp(sets, names);
    const [byDefault, ...verdicts] = sets.map((rules) => decide(rules, peer, known));
    const byVault = new Map([...this.own.keys()].map((vault, i) => [vault, verdicts[i]]));
    return {
      host: peer.host,
      anywhere: byDefault || verdicts.includes(true),
      allows: (vault) => byVault.get(vault) ?? byDefault,
    };
  }

  private async peerAt(address: string, names: HostNames): Promise<Peer> {
    const bytes = addressBytes(address);
    if (!this.namesHosts || !this.lookups.reverseLookup) return { bytes, host: UNDETERMINED, nameFailed: false };
    const { name, failed } = await names.reverse(address);
    return { bytes, host: name, nameFailed: failed };
  }

  /** The addresses of all names in the rules. */
  private async lookUp(sets: Rules[], names: HostNames): Promise<KnownAddresses> {
    const known: KnownAddresses = new Map();
    if (!this.lookups.forwardLookup) return known;
    const patterns = sets.flatMap(({ allow, deny }) => [...allow, ...deny]);
    const plain = new Set(patterns.flatMap((p) => (p.kind === 'name' && p.plain ? [p.pattern] : [])));
    const found = await Promise.all([...plain].map((name) => names.forward(name)));
    [...plain].forEach((name, i) => {
      known.set(name, found[i]);
    });
    return known;
  }
}

type KnownAddresses = Map<string, { addresses: Buffer[]; failed: boolean }>;

/** '*' matches whatever the name is, so it needs none. */
function asksName(pattern: HostPattern): boolean {
  return pattern.kind === 'name' && pattern.pattern !== '*';
}

function compile({ hostsAllow, hostsDeny }: HostLists): Rules {
  const list = (words: string[]) => words.map(compilePattern);
  return { allow: list(hostsAllow), deny: list(hostsDeny) };
}

function compilePattern(word: string): CompiledPattern {
  const pattern = parseHostPattern(word);
  if (typeof pattern === 'string') throw new TypeError(`${word} ${pattern}`); // the settings have been checked
  return pattern.kind === 'name' ? { ...pattern, wild: new Wildmatch(pattern.pattern) } : pattern;
}

function decide({ allow, deny }: Rules, peer: Peer, known: KnownAddresses): boolean {
  if (allow.length > 0) {
    if (allow.some((pattern) => matches(pattern, peer, known, false))) return true;
    if (deny.length === 0) return false;
  }
  return !deny.some((pattern) => matches(pattern, peer, known, true));
}

/** Where a name cannot be found out, a rule that denies matches: it may be that one. */
function matches(pattern: CompiledPattern, peer: Peer, known: KnownAddresses, denies: boolean): boolean {
  if (pattern.kind === 'network') return peer.bytes !== undefined && inNetwork(peer.bytes, pattern);
  if (pattern.wild?.matches(peer.host.toLowerCase())) return true;
  if (denies && peer.nameFailed) return true;
  const found = pattern.plain ? known.get(pattern.pattern) : undefined;
  if (found === undefined) return false;
  if (found.addresses.some((address) => peer.bytes !== undefined && address.equals(peer.bytes))) return true;
  return denies && (found.failed || found.addresses.length === 0);
}

/** Whether an address (ip-address.ts) lies in a network. */
export function inNetwork(bytes: Buffer, { address, mask }: { address: Buffer; mask: Buffer }): boolean {
  if (bytes.length !== address.length) return false;
  return bytes.every((byte, i) => ((byte ^ address[i]) & mask[i]) === 0);
}

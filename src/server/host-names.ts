/**
 * Names of peers, for rules that name hosts: /etc/hosts first, then DNS. Asked without the thread pool, which secrets and
 * settings are read by: a peer's own name server may be slow on purpose.
 */
import { promises as dns } from 'node:dns';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { addressBytes } from '../config/ip-address.ts';

/** What stock rsyncd calls a peer without a (confirmed) name, and one that it did not look up. */
export const UNKNOWN = 'UNKNOWN';
export const UNDETERMINED = 'UNDETERMINED';

const QUERY_MILLISECONDS = 1500;
const TRIES = 2;
/** The bound of all that one name, or one address, may need. */
const LOOKUP_MILLISECONDS = 5_000;
const REMEMBER_MILLISECONDS = 60_000;
/** The same of a lookup that nobody answered. */
const REMEMBER_FAILED_MILLISECONDS = 5_000;
const MOST_REMEMBERED = 4_096;
/** What is not there is an answer; every other error is none. */
const ABSENT = new Set(['ENOTFOUND', 'ENODATA']);

export interface ReverseName {
  /** lower case; UNKNOWN when there is none, or it does not point back to the address */
  name: string;
  /** nobody answered */
  failed: boolean;
}

export interface Addresses {
  addresses: Buffer[];
  /** somebody did not answer: there may be more */
  failed: boolean;
}

export interface HostNamesOptions {
  /** name servers as HOST:PORT; those of /etc/resolv.conf unless told */
  servers?: string[];
  hostsFile?: string;
}

export class HostNames {
  private readonly resolver = new dns.Resolver({ timeout: QUERY_MILLISECONDS, tries: TRIES });
  private readonly hostsFile: string;
  private readonly names = new Remembered<ReverseName>();
  private readonly addresses = new Remembered<Addresses>();

  constructor({ servers, hostsFile = '/etc/hosts' }: HostNamesOptions = {}) {
    this.hostsFile = hostsFile;
    if (servers !== undefined) this.resolver.setServers(servers);
  }

  /** The name of an address, confirmed: it points back to the address. Never rejects. */
  reverse(address: string): Promise<ReverseName> {
    return this.names.get(address, () => within(this.findName(address), { name: UNKNOWN, failed: true }));
  }

  /** Never rejects. */
  forward(name: string): Promise<Addresses> {
    return this.addresses.get(name, () => within(this.findAddresses(name), { addresses: [], failed: true }));
  }

  private async findName(address: string): Promise<ReverseName> {
    const bytes = addressBytes(address);
    if (bytes === undefined) return { name: UNKNOWN, failed: false };
    const own = (await this.hosts()).find((line) => line.address.equals(bytes));
    if (own !== undefined) return { name: own.names[0], failed: false };
    const { values, failed } = await answers(this.resolver.resolvePtr(reverseZone(bytes)));
    const name = values[0]?.toLowerCase() ?? '';
    // it comes from whoever runs the peer's network, and goes into rules and the log
    if (!/^[a-z0-9_][a-z0-9._-]{0,252}$/.test(name)) return { name: UNKNOWN, failed };
    const known = await this.forward(name);
    if (known.addresses.some((other) => other.equals(bytes))) return { name, failed: false };
    return { name: UNKNOWN, failed: known.failed };
  }

  private async findAddresses(name: string): Promise<Addresses> {
    const own = (await this.hosts()).filter((line) => line.names.includes(name));
    if (own.length > 0) return { addresses: own.map((line) => line.address), failed: false };
    const found = await Promise.all([answers(this.resolver.resolve4(name)), answers(this.resolver.resolve6(name))]);
    return {
      addresses: found.flatMap(({ values }) => values).flatMap((text) => addressBytes(text) ?? []),
      failed: found.some(({ failed }) => failed),
    };
  }

  private async hosts(): Promise<{ address: Buffer; names: string[] }[]> {
    const text = await readFile(this.hostsFile, 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => {
      const [first, ...names] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/);
      const address = addressBytes(first);
      return address === undefined || names.length === 0 ? [] : [{ address, names }];
    });
  }
}

/** The name that DNS keeps the name of an address under (RFC 1035 3.5, RFC 3596 2.5). */
function reverseZone(bytes: Buffer): string {
  if (bytes.length === 4) return `${[...bytes].reverse().join('.')}.in-addr.arpa`;
  return `${[...bytes.toString('hex')].reverse().join('.')}.ip6.arpa`;
}

async function answers(asked: Promise<string[]>): Promise<{ values: string[]; failed: boolean }> {
  try {
    return { values: await asked, failed: false };
  } catch (error) {
    return { values: [], failed: !ABSENT.has((error as NodeJS.ErrnoException).code ?? '') };
  }
}

async function within<T>(work: Promise<T>, late: T): Promise<T> {
  const timer = new AbortController();
  const end = sleep(LOOKUP_MILLISECONDS, late, { signal: timer.signal, ref: false }).catch(() => late);
  try {
    return await Promise.race([work.catch(() => late), end]);
  } finally {
    timer.abort();
  }
}

/** Answers for a while, those under way included; the oldest goes first. */
class Remembered<T extends { failed: boolean }> {
  private readonly known = new Map<string, { value: Promise<T>; until: number }>();

  get(key: string, find: () => Promise<T>): Promise<T> {
    const found = this.known.get(key);
    if (found !== undefined && performance.now() < found.until) return found.value;
    const entry = { value: find(), until: Number.POSITIVE_INFINITY };
    void entry.value.then(({ failed }) => {
      entry.until = performance.now() + (failed ? REMEMBER_FAILED_MILLISECONDS : REMEMBER_MILLISECONDS);
    });
    this.known.delete(key);
    this.known.set(key, entry);
    if (this.known.size > MOST_REMEMBERED) this.known.delete(this.known.keys().next().value!);
    return entry.value;
  }
}

/**
 * What stands in hosts_allow and hosts_deny, as people know it from rsyncd.conf(5): an address, a network as ADDRESS/BITS or
 * ADDRESS/MASK, a host name, a name with wildcards.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { addressBytes, ipv6Bytes, isMapped } from './ip-address.ts';

export type HostPattern =
  /** `address` and `mask` have 4 or 16 bytes */
  | { kind: 'network'; address: Buffer; mask: Buffer }
  /** in lower case; `plain`: a name that can be looked up */
  | { kind: 'name'; pattern: string; plain: boolean };

const MAPPED_BITS = 96;

/** The words of a list as rsyncd.conf has them: between blanks and commas. */
export function splitHosts(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}

/** @returns a sentence that completes 'WORD …' when it is none */
export function parseHostPattern(word: string): HostPattern | string {
  const slash = word.indexOf('/');
  const host = slash < 0 ? word : word.slice(0, slash);
  const mask = slash < 0 ? undefined : word.slice(slash + 1);
  if (/^[\d.]+$/.test(host) || host.includes(':')) return parseNetwork(host, mask);
  if (mask !== undefined) return 'is no network: a name has no mask';
  return parseName(word.toLowerCase());
}

function parseNetwork(host: string, mask: string | undefined): HostPattern | string {
  if (host.includes('%')) return 'names a zone (%…), which peers are compared without: leave it out';
  const bytes = addressBytes(host);
  if (bytes === undefined) return 'is no IP address';
  const mapped = isIPv6(host) && isMapped(ipv6Bytes(host));
  const maskBytes = mask === undefined ? Buffer.alloc(bytes.length, 0xff) : parseMask(mask, bytes.length, mapped);
  if (typeof maskBytes === 'string') return maskBytes;
  return { kind: 'network', address: bytes, mask: maskBytes };
}

/** @param mapped the mask was meant for ::ffff:a.b.c.d, the address is a.b.c.d */
function parseMask(mask: string, length: number, mapped: boolean): Buffer | string {
  const isMask = length === 4 && !mapped ? isIPv4(mask) : isIPv6(mask) && !mask.includes('%');
  if (isMask) {
    const bytes = isIPv4(mask) ? Buffer.from(mask.split('.').map(Number)) : ipv6Bytes(mask);
    return bytes.subarray(bytes.length - length);
  }
  const most = mapped ? 128 : length * 8;
  const least = mapped ? MAPPED_BITS : 0;
  const bits = /^\d{1,3}$/.test(mask) ? Number(mask) : -1;
  if (bits < least || bits > most) return `has a mask that is neither a number from ${least} to ${most} nor an address`;
  return bitMask(bits - least, length);
}

function bitMask(bits: number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (0xff00 >> Math.min(8, Math.max(0, bits - i * 8))) & 0xff));
}

function parseName(word: string): HostPattern | string {
  if (word.startsWith('@')) return 'names a netgroup, which nightdrop has not';
  if (!/^[\x21-\x7e]+$/.test(word)) return 'is not ASCII: write an international name in its xn-- form';
  if (!/^[a-z0-9._*?[\]!^-]+$/.test(word)) return 'is neither an address nor a host name';
  const isWord = word === 'unknown' || word === 'undetermined'; // of peers without a name
  return { kind: 'name', pattern: word, plain: !isWord && !/[*?[\]!^]/.test(word) };
}

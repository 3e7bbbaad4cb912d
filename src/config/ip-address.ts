/** IP addresses as bytes, for whoever compares them. */
import { isIPv4, isIPv6 } from 'node:net';

const MAPPED_PREFIX = 12;

/**
 * 4 bytes of an IPv4 address, 16 of an IPv6 one; undefined when the text is neither. An IPv4 address that is mapped into
 * IPv6 (::ffff:10.0.0.1, ::ffff:a00:1) is the IPv4 address. Zones (%eth0) are no part of an address.
 */
export function addressBytes(text: string): Buffer | undefined {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number));
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const bytes = ipv6Bytes(text);
  return isMapped(bytes) ? bytes.subarray(MAPPED_PREFIX) : bytes;
}

/** As `addressBytes`, but 16 bytes of every address in IPv6's notation, also of a mapped one. */
export function ipv6Bytes(text: string): Buffer {
  const [head, tail] = text.split('::');
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = new Array<number>(8 - before.length - after.length).fill(0);
  const bytes = Buffer.alloc(16);
  [...before, ...zeros, ...after].forEach((group, i) => {
    bytes.writeUInt16BE(group, i * 2);
  });
  return bytes;
}

export function isMapped(ipv6: Buffer): boolean {
  return ipv6.readUInt16BE(10) === 0xffff && ipv6.subarray(0, 10).every((byte) => byte === 0);
}

/** The groups of one side of a '::'; a dotted end counts as two. */
function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)];
    const [a, b, c, d] = part.split('.').map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}

import { isIPv6 } from 'node:net';

/** 'HOST:PORT' or '[IPv6]:PORT' as the settings' schema and `--listen` take it; undefined when it is neither. */
export function parseListen(text: string): { host: string; port: number } | undefined {
  const found = /^(?:\[([0-9a-fA-F:.]+(?:%\w+)?)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  if (!found || Number(found[3]) > 65_535) return undefined;
  return { host: found[1] ?? found[2], port: Number(found[3]) };
}

export function formatListen(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** A peer's address as people write it: IPv4 also where the socket is of both families; no zone. */
export function peerAddress(remote: string | undefined): string {
  return (remote ?? 'unknown').replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}

/** What counts as one peer for limits: an IPv4 address, or a /64 network of IPv6, which one host has to itself. */
export function addressGroup(address: string): string {
  if (!isIPv6(address)) return address;
  const [head, tail] = address.split('::');
  const parts = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    while (parts.length + after.length < 8) parts.push('0');
    parts.push(...after);
  }
  return `${parts
    .slice(0, 4)
    .map((part) => Number.parseInt(part, 16).toString(16))
    .join(':')}::/64`;
}

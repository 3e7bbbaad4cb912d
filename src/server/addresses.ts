import { isIPv6 } from 'node:net';
import { addressBytes, ipv6Bytes } from '../config/ip-address.ts';
import { NightdropError } from '../lib/errors.ts';

/** 'HOST:PORT' or '[IPv6]:PORT' as the settings' schema and `--listen` take it; undefined when it is neither. */
export function parseListen(text: string): { host: string; port: number } | undefined {
  const found = /^(?:\[([0-9a-fA-F:.]+(?:%\w+)?)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  if (!found || Number(found[3]) > 65_535) return undefined;
  return { host: found[1] ?? found[2], port: Number(found[3]) };
}

/** A place to accept connections on. */
export interface ListenPlace {
  host: string;
  port: number;
  /** [::] beside 0.0.0.0: by itself it takes both families */
  ipv6Only: boolean;
}

/** @throws NightdropError naming the text that is no place */
export function listenPlaces(texts: string[]): ListenPlace[] {
  const places = texts.map((text) => {
    const place = parseListen(text);
    if (place === undefined) throw new NightdropError('ERR_LISTEN', `${text} is not HOST:PORT`);
    return place;
  });
  return places.map(({ host, port }) => ({
    host,
    port,
    ipv6Only: host === '::' && port !== 0 && places.some((other) => other.host === '0.0.0.0' && other.port === port),
  }));
}

/** Of the places a server listens on the one to tell people: the first that is not this machine's own. */
export function nearestToClients(addresses: string[]): string | undefined {
  return addresses.find((address) => !/^(127\.|\[::1\]|localhost:)/.test(address)) ?? addresses[0];
}

export function formatListen(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** A peer's address as people write it: IPv4 also where the socket is of both families; no zone. */
export function peerAddress(remote: string | undefined): string {
  const address = (remote ?? 'unknown').replace(/%.*$/, '');
  const bytes = addressBytes(address);
  return bytes?.length === 4 ? bytes.join('.') : address;
}

/**
 * What counts as one peer for limits: an IPv4 address, or a /64 network of IPv6, which one host has to itself. The hosts of
 * a link share fe80::/64: each counts alone.
 */
export function addressGroup(address: string): string {
  if (!isIPv6(address)) return address;
  const bytes = ipv6Bytes(address);
  const isLinkLocal = (bytes.readUInt16BE(0) & 0xffc0) === 0xfe80;
  const groups = [0, 2, 4, 6, 8, 10, 12, 14].map((at) => bytes.readUInt16BE(at).toString(16));
  return isLinkLocal ? groups.join(':') : `${groups.slice(0, 4).join(':')}::/64`;
}

/** Headers of the PROXY protocol, version 2, as a proxy writes them. */
import { isIPv4 } from 'node:net';
import { ipv6Bytes } from '../../src/config/ip-address.ts';

export const SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
export const TCP4 = 0x11;
export const TCP6 = 0x21;

/** Signature, version and command, family, length, body. */
export function header(command: number, family: number, body: Buffer, length = body.length): Buffer {
  const fixed = Buffer.from([0x20 | command, family, length >> 8, length & 0xff]);
  return Buffer.concat([SIGNATURE, fixed, body]);
}

/** PROXY for a client at `address`. */
export function proxied(address: string, vectors: Buffer = Buffer.alloc(0)): Buffer {
  const ports = Buffer.from([0x12, 0x34, 0x03, 0x69]);
  const source = isIPv4(address) ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
  const body = Buffer.concat([source, Buffer.alloc(source.length, 1), ports, vectors]);
  return header(1, source.length === 4 ? TCP4 : TCP6, body);
}

export const LOCAL = header(0, 0, Buffer.alloc(0));

/** Type, length, value. */
export function vector(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value]);
}

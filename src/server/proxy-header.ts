/**
 * The header that a proxy puts before a connection: HAProxy's PROXY protocol, version 2 (docs/protocol.md, "Behind a
 * proxy"). Bytes in, values out.
 */
import { ProtocolError } from '../lib/errors.ts';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Signature, version and command, family, length. */
const FIXED_BYTES = SIGNATURE.length + 4;
/** Of a whole header; what proxies send has some dozen bytes, with a certificate's name in it some hundred. */
const LONGEST_HEADER = 4096;

const VERSION = 2;
const Command = { local: 0, proxy: 1 } as const;
const Family = { unspecified: 0, ipv4: 1, ipv6: 2, unix: 3 } as const;
const Transport = { unspecified: 0, stream: 1 } as const;
/** Bytes of both addresses and ports, by family. */
const ADDRESS_BYTES = [0, 12, 36, 216];

export interface ProxyHeader {
  /** who connected to the proxy; undefined when the proxy speaks for itself, or has no IP address to tell */
  source: { address: string; port: number } | undefined;
}

/** undefined until the whole header is there; `used` is its length. @throws ProtocolError as soon as it cannot be one */
export function parseProxyHeader(bytes: Buffer): { value: ProxyHeader; used: number } | undefined {
  const seen = Math.min(bytes.length, SIGNATURE.length);
  if (!bytes.subarray(0, seen).equals(SIGNATURE.subarray(0, seen))) {
    throw new ProtocolError('the connection does not begin with a PROXY protocol header of version 2');
  }
  if (bytes.length < FIXED_BYTES) return undefined;
  const command = commandOf(bytes[12]);
  const family = familyOf(bytes[13]);
  const length = bytes.readUInt16BE(14);
  if (FIXED_BYTES + length > LONGEST_HEADER) {
    throw new ProtocolError(`a PROXY header of ${FIXED_BYTES + length} bytes; at most ${LONGEST_HEADER} are taken`);
  }
  if (command === Command.proxy && length < ADDRESS_BYTES[family]) {
    throw new ProtocolError(`a PROXY header of ${length} bytes is too short for its addresses`);
  }
  if (bytes.length < FIXED_BYTES + length) return undefined;
  const body = bytes.subarray(FIXED_BYTES, FIXED_BYTES + length);
  const used = FIXED_BYTES + length;
  // of these two whatever follows is to be skipped unseen
  if (command === Command.local || family === Family.unspecified) return { value: { source: undefined }, used };
  checkVectors(body.subarray(ADDRESS_BYTES[family]));
  return { value: { source: sourceOf(family, body) }, used };
}

function commandOf(byte: number): number {
  const command = byte & 0x0f;
  if (byte >> 4 !== VERSION || command > Command.proxy) {
    throw new ProtocolError(`a PROXY header of a version or with a command that is none (${byte})`);
  }
  return command;
}

function familyOf(byte: number): number {
  const family = byte >> 4;
  const transport = byte & 0x0f;
  if (family > Family.unix || transport > Transport.stream) {
    throw new ProtocolError(`a PROXY header for a transport that is not TCP (${byte})`);
  }
  return transport === Transport.unspecified ? Family.unspecified : family;
}

/** Source address, destination address, source port, destination port. */
function sourceOf(family: number, body: Buffer): ProxyHeader['source'] {
  if (family === Family.ipv4) return { address: [...body.subarray(0, 4)].join('.'), port: body.readUInt16BE(8) };
  if (family !== Family.ipv6) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => body.readUInt16BE(i * 2).toString(16));
  // URL writes an IPv6 address as people do (RFC 5952)
  const { hostname } = new URL(`http://[${groups.join(':')}]`);
  return { address: hostname.slice(1, -1), port: body.readUInt16BE(32) };
}

/** Further values (type, length, bytes): nothing of them is used, but they have to fill the header to its end. */
function checkVectors(bytes: Buffer): void {
  let at = 0;
  while (at < bytes.length) {
    const end = at + 3 + (at + 3 <= bytes.length ? bytes.readUInt16BE(at + 1) : 0);
    if (end > bytes.length) throw new ProtocolError('a PROXY header ends in the middle of a value');
    at = end;
  }
}

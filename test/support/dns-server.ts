import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { addressBytes } from '../../src/config/ip-address.ts';
import type { Scope } from './temporary.ts';

/** Answers by name: addresses, or for names below in-addr.arpa and ip6.arpa a name. 'silent': no answer at all. */
export type DnsZone = Record<string, string[] | 'silent'>;

const TYPES = { A: 1, PTR: 12, AAAA: 28 };

/** A name server of 127.0.0.1 that knows one zone; returns HOST:PORT. */
export async function startDns(scope: Scope, zone: DnsZone): Promise<string> {
  const socket = createSocket('udp4');
  scope.after(() => socket.close());
  socket.on('message', (query, { port, address }) => {
    const { name, type, end } = question(query);
    const known = Object.hasOwn(zone, name) ? zone[name] : undefined;
    if (known === 'silent') return;
    const records = (known ?? []).map((value) => record(value)).filter((r) => r.type === type);
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(known === undefined ? 0x8183 : 0x8180, 2); // NXDOMAIN, or no error
    header.writeUInt16BE(records.length, 6);
    header.fill(0, 8, 12);
    const answers = records.map(({ data }) => {
      const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length]);
      return Buffer.concat([head, data]);
    });
    socket.send(Buffer.concat([header, query.subarray(12, end), ...answers]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return `127.0.0.1:${socket.address().port}`;
}

function question(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at++]; length > 0; length = query[at++]) {
    labels.push(query.toString('latin1', at, at + length));
    at += length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at), end: at + 4 };
}

function record(value: string): { type: number; data: Buffer } {
  const bytes = addressBytes(value);
  if (bytes !== undefined) return { type: bytes.length === 4 ? TYPES.A : TYPES.AAAA, data: bytes };
  const labels = value.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return { type: TYPES.PTR, data: Buffer.concat([...labels, Buffer.from([0])]) };
}

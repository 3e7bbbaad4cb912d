import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/lib/errors.ts';
import { parseProxyHeader } from '../../src/server/proxy-header.ts';
import { header, LOCAL, proxied, SIGNATURE, TCP4, TCP6, vector } from './proxy-headers.ts';

const NONE = Buffer.alloc(0);
const PORT = 0x1234;
const authority = vector(2, Buffer.from('backup.example.org'));
const padding = (length: number) => vector(4, Buffer.alloc(length));

const good: [string, Buffer, { address: string; port: number } | undefined][] = [
  ['IPv4', proxied('192.0.2.7'), { address: '192.0.2.7', port: PORT }],
  ['IPv6', proxied('2001:db8::7'), { address: '2001:db8::7', port: PORT }],
  ['IPv6 without zeros', proxied('2001:db8:1:2:3:4:5:6'), { address: '2001:db8:1:2:3:4:5:6', port: PORT }],
  [
    'further values',
    proxied('192.0.2.7', Buffer.concat([authority, padding(40)])),
    { address: '192.0.2.7', port: PORT },
  ],
  ['an empty further value', proxied('192.0.2.7', vector(0xea, NONE)), { address: '192.0.2.7', port: PORT }],
  ['the longest', proxied('192.0.2.7', padding(4096 - 16 - 12 - 3)), { address: '192.0.2.7', port: PORT }],
  ['LOCAL', LOCAL, undefined],
  ['LOCAL with addresses and nonsense', header(0, TCP4, Buffer.alloc(13, 0xff)), undefined],
  ['an unknown family', header(1, 0x00, NONE), undefined],
  ['an unknown transport', header(1, 0x10, Buffer.alloc(12)), undefined],
  ['an unknown family with something', header(1, 0x00, Buffer.from('whatever')), undefined],
  ['a Unix socket', header(1, 0x31, Buffer.alloc(216)), undefined],
];

for (const [what, bytes, source] of good) {
  test(`a header is read however it is split: ${what}`, () => {
    const stream = Buffer.concat([bytes, Buffer.from('@RSYNCD: 32.0\n')]);
    for (let length = 0; length <= stream.length; length++) {
      const found = parseProxyHeader(stream.subarray(0, length));
      if (length < bytes.length) assert.equal(found, undefined, `${length} bytes`);
      else assert.deepEqual(found, { value: { source }, used: bytes.length }, `${length} bytes`);
    }
  });
}

const bad: [string, Buffer, RegExp, number][] = [
  ['rsync', Buffer.from('@RSYNCD: 32.0\n'), /does not begin/, 1],
  ['TLS', Buffer.from([0x16, 0x03, 0x01]), /does not begin/, 1],
  ['version 1', Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 4660 873\r\n'), /does not begin/, 1],
  ['a wrong signature', Buffer.concat([SIGNATURE.subarray(0, 11), Buffer.from('X')]), /does not begin/, 12],
  ['version 3', Buffer.concat([SIGNATURE, Buffer.from([0x31, TCP4, 0, 0])]), /version/, 16],
  ['an unknown command', header(2, TCP4, Buffer.alloc(12)), /command/, 16],
  ['an unknown family', header(1, 0x41, Buffer.alloc(12)), /not TCP/, 16],
  ['UDP', header(1, 0x12, Buffer.alloc(12)), /not TCP/, 16],
  ['addresses cut', header(1, TCP4, Buffer.alloc(11)), /too short/, 16],
  ['addresses of the other family', header(1, TCP6, Buffer.alloc(12)), /too short/, 16],
  ['a Unix socket cut', header(1, 0x31, Buffer.alloc(215)), /too short/, 16],
  ['one byte too many', header(1, TCP4, NONE, 4096 - 16 + 1), /at most 4096/, 16],
  ['64 KiB', header(0, TCP4, NONE, 0xffff), /at most 4096/, 16],
  ['a further value cut in its length', proxied('192.0.2.7', Buffer.from([4, 0])), /middle of a value/, 30],
  ['a further value cut', proxied('192.0.2.7', Buffer.from([4, 0, 2, 9])), /middle of a value/, 32],
];

for (const [what, bytes, message, from] of bad) {
  test(`what is no header is known as soon as it shows: ${what}`, () => {
    for (let length = 0; length <= bytes.length; length++) {
      const parse = () => parseProxyHeader(bytes.subarray(0, length));
      if (length < from) assert.equal(parse(), undefined, `${length} bytes`);
      else assert.throws(parse, (error) => error instanceof ProtocolError && message.test(error.message));
    }
  });
}

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect } from 'node:tls';
import type { Guest } from '../../src/server/listener.ts';
import { run } from '../support/run.ts';
import { answerTo, Peer, SECRETS } from './peer.ts';
import { childrenOf, until } from './processes.ts';
import { proxied } from './proxy-headers.ts';
import { openTlsListener } from './tls-peer.ts';

function tlsProcesses(): number[] {
  return childrenOf(process.pid).flatMap(({ pid, title }) => (title === 'nightdrop: tls' ? [pid] : []));
}

test('a login through TLS 1.2 and 1.3', async (t) => {
  const listener = await openTlsListener(t);
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const peer = await listener.secure({ minVersion: version, maxVersion: version });
    assert.equal(await peer.login('web1', SECRETS.web1), '@RSYNCD: OK');
    assert.equal(listener.guests.at(-1)?.handshake?.protocol, version);
  }
  const peer = await listener.secure();
  assert.equal(await peer.login('web1', 'wrong'), '@ERROR: auth failed on module web1');
});

test('TLS 1.1 is refused, with one line in the log', async (t) => {
  const listener = await openTlsListener(t);
  const args = ['s_client', '-connect', `127.0.0.1:${listener.port}`, '-cipher', 'ALL:@SECLEVEL=0'];
  const { code, stderr } = await run('openssl', [...args, '-tls1_1'], { input: '' });
  assert.notEqual(code, 0);
  assert.match(stderr, /alert protocol version/);
  const line = await until(() => listener.log.find(({ msg }) => msg === 'refused before login'));
  assert.match(String(line.reason), /TLS handshake: .*protocol/);
  assert.equal((await run('openssl', [...args, '-tls1_2'], { input: '' })).code, 0);
});

test('renegotiation is refused', async (t) => {
  const listener = await openTlsListener(t);
  const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${listener.port}`, '-tls1_2']);
  t.after(() => client.kill('SIGKILL'));
  let printed = '';
  for (const stream of [client.stdout, client.stderr]) {
    stream.on('data', (piece: Buffer) => {
      printed += piece.toString('latin1');
    });
  }
  const ended = once(client, 'close');
  await until(() => printed.includes('@RSYNCD: 32.0')); // no more comes from us by itself
  client.stdin.write('R\n');
  await ended;
  assert.match(printed, /RENEGOTIATING[\s\S]*no renegotiation/);
});

test('plain rsync on the TLS port is told so at once, a silent peer when its time is up', async (t) => {
  const listener = await openTlsListener(t, {}, { handshakeTimeout: 0.5 });
  const told = /^@RSYNCD: 32\.0 .*\n@ERROR: this port speaks TLS: use the command rsync-ssl\n$/;
  const plain = await listener.connect();
  plain.send('@RSYNCD: 32.0 sha512\n');
  assert.match((await plain.rest()).toString(), told);
  assert.match((await (await listener.connect()).rest()).toString(), told);
});

test('bytes of no use after the first one of TLS end the connection', async (t) => {
  const listener = await openTlsListener(t);
  const peer = await listener.connect();
  peer.send(Buffer.concat([Buffer.from([0x16]), Buffer.alloc(2000, 0x41)]));
  await peer.rest();
  const line = await until(() => listener.log.find(({ msg }) => msg === 'refused before login'));
  assert.match(String(line.reason), /^TLS handshake: /);
});

test('a handshake that is not over within the handshake timeout is dropped, and leaves nothing behind', async (t) => {
  const listener = await openTlsListener(t, {}, { handshakeTimeout: 0.5, maxConnectionsPerAddress: 2 });
  for (const bytes of ['', '\x16', '\x16\x03\x01\x02\x00\x01\x00', '\x16\x03\x01\x02\x00\x01\x00'] as const) {
    const peer = await listener.connect();
    peer.send(Buffer.from(bytes, 'latin1'));
    await peer.rest();
  }
  assert.equal(listener.log.filter(({ msg }) => /handshake timeout/.test(String(msg))).length, 4);
  const peer = await listener.secure();
  assert.match(String(await peer.line()), /^@RSYNCD/);
});

test('limits count connections in the middle of their handshake', async (t) => {
  const listener = await openTlsListener(t, {}, { maxConnectionsPerAddress: 3 });
  const slow = await Promise.all([1, 2, 3].map(() => listener.connect()));
  for (const peer of slow) peer.send('\x16\x03');
  const refused = await listener.connect();
  assert.equal((await refused.rest()).length, 0);
  assert.ok(listener.log.some(({ reason }) => /from one address \(3\)/.test(String(reason))));
  const other = await listener.secure({ localAddress: '127.0.0.2' });
  assert.match(String(await other.line()), /^@RSYNCD/);
});

test('a client that goes in the middle of its handshake costs nothing', async (t) => {
  const listener = await openTlsListener(t, {}, { maxConnectionsPerAddress: 1 });
  for (let i = 0; i < 5; i++) {
    const seen = listener.log.length;
    const peer = await listener.connect();
    peer.send('\x16\x03\x01');
    if (i % 2 === 0) peer.socket.end();
    else setImmediate(() => peer.socket.resetAndDestroy());
    await until(() => listener.log.length > seen);
    await until(() => listener.log.at(-1)?.msg === 'closed by the client before login');
  }
  assert.equal(await (await listener.secure()).login('web1', SECRETS.web1), '@RSYNCD: OK');
});

test('no byte is lost or added however TLS splits the login, and what follows it', async (t) => {
  const heard: Buffer[] = [];
  let ended = false;
  const serve = async ({ initial, socket }: Guest) => {
    heard.push(initial);
    socket.on('data', (piece: Buffer) => heard.push(piece));
    await once(socket, 'close');
    ended = true;
  };
  const listener = await openTlsListener(t, {}, {}, { serve });
  const rest = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7919) >> 5));
  const peer = await listener.secure();
  const challenge = await peer.askFor('web1');
  const answer = Buffer.from(`web1 ${answerTo(challenge, SECRETS.web1)}\n`);
  for (const byte of answer.subarray(0, -1)) peer.send(Buffer.from([byte]));
  peer.send(Buffer.concat([answer.subarray(-1), rest.subarray(0, 100_000)]));
  assert.equal(await peer.line(), '@RSYNCD: OK');
  peer.send(rest.subarray(100_000));
  peer.socket.end();
  await until(() => ended);
  assert.ok(Buffer.concat(heard).equals(rest));
});

test('a peer that does not read holds up nobody, and no memory', async (t) => {
  const listener = await openTlsListener(t);
  const peer = await listener.secure();
  assert.equal(await peer.login('web1', SECRETS.web1), '@RSYNCD: OK');
  peer.socket.pause();
  const { socket } = await until(() => listener.guests[0]);
  const piece = Buffer.alloc(65_536);
  let taken = 0;
  for (let i = 0; i < 2000 && socket.writableLength < 4_000_000; i++) {
    await new Promise<void>((resolve) => {
      socket.write(piece, () => {
        taken += piece.length;
      });
      setImmediate(resolve);
    });
  }
  assert.ok(socket.writableLength >= 4_000_000, `${taken} bytes were taken`);
  assert.equal(await (await listener.secure()).login('web1', SECRETS.web1), '@RSYNCD: OK');
});

test('one more process is started when all have a connection, up to the number', async (t) => {
  const listener = await openTlsListener(t, { processes: 2 });
  const before = tlsProcesses().length;
  for (let i = 0; i < 4; i++) {
    await (await listener.secure()).line();
    if (i > 0) await until(() => tlsProcesses().length === before + 1);
  }
});

test('a TLS process that crashes takes its connections along, is told of, and replaced', async (t) => {
  const others = tlsProcesses();
  const listener = await openTlsListener(t, { processes: 1 });
  const peer = await listener.secure();
  assert.equal(await peer.login('web1', SECRETS.web1), '@RSYNCD: OK');
  const [pid] = tlsProcesses().filter((one) => !others.includes(one));
  process.kill(pid, 'SIGKILL');
  await peer.rest();
  const guest = await until(() => listener.guests[0]);
  await until(() => guest.socket.destroyed);
  await until(() => listener.log.some(({ msg }) => /TLS process ended with SIGKILL/.test(String(msg))));
  assert.equal(await (await listener.secure()).login('web1', SECRETS.web1), '@RSYNCD: OK');
});

test('a proxy that passes TLS on tells its client before the handshake', async (t) => {
  const listener = await openTlsListener(t, { proxyProtocol: true, trustedProxies: ['127.0.0.1'] });
  const peer = await listener.secure({ before: proxied('2001:db8::7') });
  assert.equal(await peer.login('web1', SECRETS.web1), '@RSYNCD: OK');
  assert.equal((await until(() => listener.guests[0])).address, '2001:db8::7');
  const headless = connect({ port: listener.port, host: '127.0.0.1', rejectUnauthorized: false });
  t.after(() => headless.destroy());
  assert.equal((await new Peer(headless).rest()).length, 0);
  const stranger = await listener.connect('127.0.0.3');
  assert.equal((await stranger.rest()).length, 0);
  const reasons = listener.log.filter(({ level }) => level === 40);
  assert.match(String(reasons[0].reason), /does not begin with a PROXY protocol header/);
  assert.match(String(reasons[1].msg), /not one of trusted_proxies/);
  assert.equal(reasons.length, 2);
});
